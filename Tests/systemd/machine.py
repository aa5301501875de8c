"""A machine of namespaces that boots systemd over a copy-on-write view of this one, with simulated zones at the kernel's place."""
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
CGROUPS = Path("/sys/fs/cgroup")


class CannotRun(Exception):
    """Why this machine can't boot another."""


class Machine:
    def __init__(self, binaries):
        self.binaries = binaries
        self.work = Path(tempfile.mkdtemp(prefix="powercap-systemd."))
        self.tree = self.work / "tree"
        self.root = self.work / "machine"
        self.root.mkdir()
        # Simulated zones of plain files, which are given to the machine while it runs and can be looked at from here.
        subprocess.run([binaries / "Simulator", self.tree, "--once"], check=True, stdout=subprocess.DEVNULL)
        self.cgroup = None
        self.process = None
        # Called when everything in the machine has ended and its zones can still be looked at.
        self.before_removal = lambda: None

    # The machine

    def boot(self):
        if os.geteuid() != 0:
            raise CannotRun("needs root, for namespaces and mounts")
        for tool in ("unshare", "nsenter", "systemctl", "pivot_root"):
            if not shutil.which(tool):
                raise CannotRun(f"{tool} is not installed")
        log = open(self.work / "boot.log", "w")
        # A group of its own, which is the root of what the machine sees: systemd in it must not touch this machine's groups.
        self.cgroup = self.own_cgroup()
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--ipc", "--cgroup",
             HERE / "boot", self.root, self.tree, REPOSITORY],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=lambda: self.cgroup and (self.cgroup / "cgroup.procs").write_text("0"))
        if not until(lambda: self.is_up() or self.process.poll() is not None, 30) or self.process.poll() is not None:
            raise CannotRun("systemd does not boot in namespaces here: " + self.boot_log())
        self.run("systemctl", "is-system-running", "--wait")

    @staticmethod
    def own_cgroup():
        """A new group beside this process's in the unified hierarchy, where that is mounted; elsewhere the machine mounts it."""
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            number, _, path = line.split(":", 2)
            for mount in (CGROUPS, CGROUPS / "unified"):
                if number == "0" and (mount / "cgroup.procs").exists():
                    group = mount / path.lstrip("/") / f"powercap-test-{os.getpid()}"
                    group.mkdir()
                    return group
        return None

    def boot_log(self):
        lines = (self.work / "boot.log").read_text().strip().splitlines()
        return lines[-1] if lines else "no reason given"

    @property
    def first_process(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else None

    def is_up(self):
        try:
            pid = self.first_process
            return pid and Path(f"/proc/{pid}/root/run/systemd/private").exists()
        except OSError:
            return False

    def run(self, *command, input=None):
        """Runs a command in the machine: its exit status, and output and errors together."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.first_process), "--all", "env", "--chdir", "/", *map(str, command)],
            stdin=None if input else subprocess.DEVNULL, input=input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=120)
        return done.returncode, done.stdout

    def start(self, *command):
        """Starts a command in the machine."""
        return subprocess.Popen(
            ["nsenter", "--target", str(self.first_process), "--all", *map(str, command)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def power_off(self):
        """As a person does it; SIGKILL to the first process ends every other one, should that take too long."""
        self.run("systemctl", "poweroff")
        try:
            self.process.wait(60)
        finally:
            self.destroy()

    def shell(self):
        return subprocess.call(["nsenter", "--target", str(self.first_process), "--all", "env", "--chdir", "/", "bash"])

    def destroy(self):
        if self.process and self.process.poll() is None:
            if pid := self.first_process:
                os.kill(pid, signal.SIGKILL)
            self.process.wait(30)
        if self.work.exists():
            self.before_removal()
        if self.cgroup:
            for directory, _, _ in os.walk(self.cgroup, topdown=False):
                os.rmdir(directory)
            self.cgroup = None
        shutil.rmtree(self.work, ignore_errors=True)

    # What is asked of it again and again

    def systemctl(self, *arguments):
        return self.run("systemctl", *arguments)

    def show(self, unit, name):
        return self.run("systemctl", "show", "--property", name, "--value", unit)[1].strip()

    def journal(self, unit, since=None):
        """The messages of the unit's program, and those of systemd about the unit. A program's last words before its end may be without
        the unit's name: journald finds the process gone when it asks for that. The program's name comes with the stream."""
        matches = [f"UNIT={unit}", "+", f"SYSLOG_IDENTIFIER={unit.rsplit('.', 1)[0]}"]
        return self.run("journalctl", "--quiet", "--output=cat", *(["--after-cursor", since] if since else []), *matches)[1]

    def cursor(self):
        """Now, for the journal."""
        return self.run("journalctl", "--lines=0", "--show-cursor", "--quiet")[1].split("cursor: ")[1].strip()

    def write(self, path, text):
        self.run("mkdir", "-p", Path(path).parent)
        self.run("sh", "-c", f"cat >{path}", input=text)

    def drop_in(self, unit, text):
        """Overrides a unit; an empty text takes that back."""
        path = f"/run/systemd/system/{unit}.d/test.conf"
        if text:
            self.write(path, f"[Service]\n{text}\n")
        else:
            self.run("rm", "-f", path)
        self.systemctl("daemon-reload")

    def limits(self):
        """The packages' limits that are in force, in W."""
        files = sorted(self.tree.glob("intel-rapl/intel-rapl:*/constraint_[01]_power_limit_uw"))
        return [int(path.read_text().split()[0]) / 1e6 for path in files if "package" in (path.parent / "name").read_text()]


def until(condition, seconds):
    """Whether it becomes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
