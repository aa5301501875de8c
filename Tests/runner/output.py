"""What a step of the tests prints, until it has ended. A step that leaves a process behind, or hangs, is told and ended: it must not keep
the others from being heard."""
import os
import re
import select
import signal
import time


class Output:
    """The lines that a process and its children print into one pipe."""

    # What a step may be silent for: `swift test` tells much of what became of its tests at their end.
    SILENCE_S = 1800
    # What is left of a step has so long to print when it has ended, and to tell where it stands when it hangs.
    GRACE_S = 20

    def __init__(self, process, silence_s=SILENCE_S, grace_s=GRACE_S):
        self.process, self.silence_s, self.grace_s = process, silence_s, grace_s
        self.pipe = process.stdout.fileno()
        self.heard = time.monotonic()
        # Why it was ended, a sentence each.
        self.complaints = []

    def lines(self):
        """Each line when it comes, until nobody is left who could print one."""
        os.set_blocking(self.pipe, False)
        rest, ended, aborted = b"", None, None
        while True:
            if select.select([self.pipe], [], [], 1)[0]:
                chunk = os.read(self.pipe, 1 << 16)
                if not chunk:
                    break
                self.heard = time.monotonic()
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (line.decode(errors="replace") + "\n" for line in whole)
                continue
            now = time.monotonic()
            if ended is None and self.process.poll() is not None:
                ended = now
            if aborted is not None and now - aborted > self.grace_s:
                self.signal(signal.SIGKILL)
            elif aborted is None and ended is not None and now - max(ended, self.heard) > self.grace_s:
                aborted = self.end("had ended, and left processes behind")
            elif aborted is None and now - self.heard > self.silence_s:
                aborted = self.end(f"printed nothing for {self.silence_s:.0f} s")
        if rest:
            yield rest.decode(errors="replace") + "\n"

    def end(self, what):
        """Tells who holds the output, and ends them with what makes a Swift program print its threads."""
        holders = "; ".join(f"{pid} {name}" for pid, name in sorted(self.holders().items()))
        self.complaints.append(f"it {what}: {holders}")
        self.signal(signal.SIGABRT)
        return time.monotonic()

    def signal(self, number):
        for pid in self.holders():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def holders(self):
        """Who could still print: pid and command line of each process that has the pipe open for writing."""
        mine, found = os.readlink(f"/proc/self/fd/{self.pipe}"), {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if int(pid) != os.getpid() and any(holds(pid, number, mine) for number in os.listdir(f"/proc/{pid}/fd")):
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        found[int(pid)] = file.read().replace(b"\0", b" ").decode(errors="replace").strip()[:120]
            except OSError:
                # It has gone meanwhile, or is another user's.
                continue
        return found


def holds(pid, number, pipe):
    if os.readlink(f"/proc/{pid}/fd/{number}") != pipe:
        return False
    with open(f"/proc/{pid}/fdinfo/{number}") as file:
        flags = int(re.search(r"flags:\s*(\d+)", file.read())[1], 8)
    return flags & os.O_ACCMODE != os.O_RDONLY
