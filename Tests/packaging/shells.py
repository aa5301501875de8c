"""Types a line into a real shell, with its completions loaded, and gives the arguments that the command was then called with."""
import os
import pty
import re
import select
import signal
import tempfile
import time
from pathlib import Path

# The command is a function that shows its arguments, so that the line can be entered as it was completed.
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source {file}; bind 'set bell-style none'; {name}() {{ printf '<%s>' \"$@\"; echo; }}"),
    "zsh": (["zsh", "-f", "-i"], "fpath=({directory} $fpath); autoload -U compinit; compinit -u -D; unsetopt beep; "
            "{name}() {{ printf '<%s>' \"$@\"; echo }}"),
    "fish": (["fish", "--no-config", "--interactive"], "source {file}; function {name}; printf '<%s>' $argv; echo; end"),
}


class Shell:
    def __init__(self, name, file, command):
        self.words, setup = SHELLS[name]
        # fish makes directories in whatever home it is given.
        self.home = tempfile.TemporaryDirectory(prefix="powercap-shell-")
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            # A prompt of its own would only be in the way; nor is there a history to be kept.
            os.environ.update(PS1="> ", TERM="dumb", HOME=self.home.name, XDG_DATA_HOME=self.home.name, LC_ALL="C.UTF-8")
            os.execvp(self.words[0], self.words)
        file = Path(file).resolve()
        self.enter(setup.format(file=file, directory=file.parent, name=command))

    def enter(self, line):
        """What the shell shows until a word comes that it was asked to say."""
        os.write(self.terminal, f"{line}\r".encode())
        # Split, so that the echo of the line isn't taken for the answer.
        os.write(self.terminal, b"echo re''ady\r")
        shown, end = b"", time.monotonic() + 20
        while b"\nready" not in shown:
            if time.monotonic() > end:
                raise TimeoutError(shown.decode(errors="replace")[-500:])
            if select.select([self.terminal], [], [], 1)[0]:
                shown += os.read(self.terminal, 65536)
        return shown.decode(errors="replace")

    def arguments(self, line):
        shown = self.enter(line)
        found = re.findall(r"^\r?((?:<[^<>\r\n]*>)+)\r?$", shown, re.MULTILINE)
        return found[-1].strip("<>").split("><") if found else [shown]

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)
        self.home.cleanup()
