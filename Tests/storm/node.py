"""A simulated node for the storm: its tree, what its limits should be, and what its helper has saved."""
import os
import pathlib
import re
import select
import signal
import subprocess
import time

DEADLINE_S = 30
# Of the state file: `constraint long_term 0 of intel-rapl:0 intel-rapl 1 package-0 original 150000000 999424 …`.
SAVED_LINE = re.compile(
    r"^constraint \S+ (\d+) of (\S+) .* original (\d+) \d+ (?:unchanged|intended (\d+) \d+ in-force (\d+) \d+ [a-z-]+)$", re.M)


class Broken(Exception):
    """A program doesn't do what the storm needs of it."""


class Lost(Broken):
    """Limits whose originals aren't where P6 wants them: a sentence for each."""

    def __init__(self, sentences):
        super().__init__("P6: " + "; ".join(sentences))
        self.count = len(sentences)


class Process:
    """A program under test, and the log on its standard error."""

    def __init__(self, command, **environment):
        self.child = subprocess.Popen(command, env={"PATH": os.environ["PATH"], **environment}, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.log = ""

    def says(self, *texts):
        """Waits until it has logged one of these: whether it is the first, and False when it ends without."""
        deadline = time.monotonic() + DEADLINE_S
        while not any(text in self.log for text in texts):
            if not select.select([self.child.stderr], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Broken(f"none of {texts} within {DEADLINE_S} s in:\n{self.log}")
            more = os.read(self.child.stderr.fileno(), 65536)
            if not more:
                return False
            self.log += more.decode(errors="replace")
        return texts[0] in self.log

    def end(self, number=None):
        """Sends a signal, if one is given, and waits for the end: the exit status, negative for a signal."""
        if number is not None:
            self.child.send_signal(number)
        while more := os.read(self.child.stderr.fileno(), 65536):
            self.log += more.decode(errors="replace")
        self.child.stderr.close()
        return self.child.wait(DEADLINE_S)


class TracedProcess(Process):
    """A program under strace, which writes down its calls and lets it die at the entry of the Nth call of a name."""

    CALLS = "openat,pread64,pwrite64,fsync,rename,unlink,epoll_wait,epoll_pwait"

    def __init__(self, command, trace, place=None):
        inject = ["-e", f"inject={place.call}:signal=KILL:when={place.count}"] if place else []
        self.trace = trace
        super().__init__(["strace", "-qq", "-y", "-s", "0", "-o", trace, "-e", f"trace={self.CALLS}", *inject, *command])

    def calls(self):
        return [line for line in pathlib.Path(self.trace).read_text().splitlines() if not line.startswith("+++")]

    def end(self, number=None):
        if number is not None:
            # To the program: strace would only let go of it.
            for pid in pathlib.Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split():
                os.kill(int(pid), number)
        return super().end()


class Node:
    """Four packages, psys, dram and mmio: a state file of several pages."""

    def __init__(self, directory, programs):
        self.directory, self.programs = pathlib.Path(directory), programs
        subprocess.run([programs.simulator, "--once", "--packages", "4", "--psys", "--mmio", f"{directory}/powercap"],
                       check=True, stdout=subprocess.DEVNULL)
        self.files = {self.identity(path): path for path in self.directory.rglob("constraint_*_power_limit_uw")}
        self.packages = [identity for identity in self.files if re.fullmatch(r"intel-rapl:[0234]", identity[0])]
        # What each limit has to be whenever nobody governs: the original, or what another party has set since.
        self.expected = self.limits()
        self.processes = []

    @staticmethod
    def identity(path):
        return path.parent.name, int(path.name.split("_")[1])

    def limits(self):
        return {identity: int(path.read_bytes().split(b"\n")[0]) for identity, path in self.files.items()}

    def set(self, identity, limit_uw):
        """As another party does."""
        with open(self.files[identity], "r+") as file:
            file.write(f"{limit_uw}\n")
        self.expected[identity] = limit_uw

    # MARK: Programs

    def helper_command(self):
        return [self.programs.helper, "--powercap-root", f"{self.directory}/powercap", "--socket", f"{self.directory}/socket",
                "--state-dir", f"{self.directory}/state"]

    def start_helper(self):
        return self.keep(Process(self.helper_command()))

    def trace_helper(self, place=None):
        return self.keep(TracedProcess(self.helper_command(), f"{self.directory}/trace", place))

    def start_controller(self, watts, *arguments, on_exit="restore"):
        return self.keep(Process([self.programs.controller, "run", *arguments], RAPLHELPER_SOCKET=f"{self.directory}/socket",
                                 SOURCE="static", MAX_SOURCE=f"{watts}W", ON_EXIT=on_exit))

    def keep(self, process):
        self.processes = [other for other in self.processes if other.child.returncode is None] + [process]
        return process

    def close(self):
        """Ends what a storm that broke off has left running."""
        for process in self.processes:
            if process.child.poll() is None:
                process.end(signal.SIGKILL)

    # MARK: Promises

    def saved(self):
        """The newest whole slot of the state file: identity → (original, intended and in-force, or None where unchanged)."""
        path = self.directory / "state/state"
        if not path.exists():
            return {}
        data = path.read_bytes()
        slots = [slot for slot in (data[:len(data) // 2], data[len(data) // 2:]) if is_whole(slot)]
        if not slots:
            raise Lost(["no slot of the state file is whole"])
        newest = max(slots, key=lambda slot: int(re.search(rb"^generation (\d+)$", slot, re.M)[1])).decode()
        return {(zone, int(index)): (int(original), (int(intended), int(in_force)) if intended else None)
                for index, zone, original, intended, in_force in SAVED_LINE.findall(newest)}

    def expect_nothing_lost(self):
        """P6, at any moment: a limit is its original, or the original is saved beside what was done to it."""
        saved, lost = self.saved(), []
        for identity, limit_uw in self.limits().items():
            expected_uw = self.expected[identity]
            original_uw, change = saved.get(identity, (None, None))
            if change and original_uw != expected_uw:
                lost.append(f"{identity} has {original_uw} µW saved as its original, which is {expected_uw} µW")
            elif limit_uw != expected_uw and not change:
                lost.append(f"{identity} is at {limit_uw} µW, and its original, {expected_uw} µW, isn't saved")
        if lost:
            raise Lost(lost)

    def expect_restored(self):
        wrong = [f"{identity} is at {limit_uw} µW and not at {self.expected[identity]} µW"
                 for identity, limit_uw in self.limits().items() if limit_uw != self.expected[identity]]
        if wrong:
            raise Lost(wrong)

    def wait_until_governed(self):
        deadline = time.monotonic() + DEADLINE_S
        while self.limits() == self.expected:
            if time.monotonic() > deadline:
                raise Broken(f"no limit was set within {DEADLINE_S} s")
            time.sleep(0.005)

    def progress(self):
        """How far a batch had come when its helper died."""
        changes = {identity: change for identity, (_, change) in self.saved().items() if change}
        if not changes:
            return "nothing in force"
        limits = self.limits()
        return "in a batch" if any(limits[identity] != change[0] or change[0] != change[1]
                                   for identity, change in changes.items()) else "limits in force"


def is_whole(slot):
    """Whether a slot's checksum fits: FNV-1a, 64 bits, over what is before it."""
    text, found, rest = slot.partition(b"checksum ")
    value = 0xCBF29CE484222325
    for byte in text:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return bool(found) and rest.strip() == b"%016x" % value
