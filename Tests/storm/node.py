"""Simulated nodes for the storm: their trees, what their limits should be, and what their helpers have saved."""
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(TESTS / "machines"))
import listing  # noqa: E402

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
        super().__init__(["strace", "-f", "-qq", "-y", "-s", "0", "-o", trace, "-e", f"trace={self.CALLS}", *inject, *command])

    def calls(self):
        """Each as it begins, with its thread's number. What goes on after another thread's call begins otherwise (`<...`), as does what a
        dying thread was at (`???`, `+++`)."""
        return [line for line in pathlib.Path(self.trace).read_text().splitlines() if re.match(r"\d+ +\w+\(", line)]

    def end(self, number=None):
        if number is not None:
            # To the program: strace would only let go of it.
            for pid in pathlib.Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split():
                os.kill(int(pid), number)
        return super().end()


class Node:
    """A node under both programs. Its machine is a subclass's."""

    # The least and the most that a controller is given to divide: always less for each of `packages` than what another party sets.
    watts = None
    helper_flags = []
    options = {}

    def __init__(self, directory, programs):
        self.directory, self.programs = pathlib.Path(directory), programs
        self.tree = self.directory / "tree"
        self.build()
        self.files = {self.identity(path): path for path in self.limit_files()}
        # Those that another party changes now and then.
        self.packages = [identity for identity in self.files if re.fullmatch(r"intel-rapl:\d+", identity[0]) and self.is_governed(identity)]
        # What each limit has to be whenever nobody governs: the original, or what another party has set since.
        self.expected = self.limits()
        self.processes = []

    def limit_files(self):
        return self.tree.rglob("constraint_*_power_limit_uw")

    def is_governed(self, identity):
        return (self.files[identity].parent / "name").read_text().startswith("package-")

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
        return [self.programs.helper, *self.helper_flags, self.tree, "--socket", f"{self.directory}/socket",
                "--state-dir", f"{self.directory}/state"]

    def start_helper(self):
        return self.keep(Process(self.helper_command()))

    def trace_helper(self, place=None):
        return self.keep(TracedProcess(self.helper_command(), f"{self.directory}/trace", place))

    def start_controller(self, watts, *arguments, on_exit="restore"):
        return self.keep(Process([self.programs.controller, "run", *arguments], RAPLHELPER_SOCKET=f"{self.directory}/socket",
                                 SOURCE="static", MAX_SOURCE=f"{watts}W", ON_EXIT=on_exit, **self.options))

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


class Packages(Node):
    """Four packages, psys, dram and mmio: a state file of several pages."""

    watts = 60, 400
    helper_flags = ["--powercap-root"]

    def build(self):
        subprocess.run([self.programs.simulator, "--once", "--packages", "4", "--psys", "--mmio", self.tree],
                       check=True, stdout=subprocess.DEVNULL)


class Devices(Node):
    """Packages, GPUs of which one sleeps, HSMP sockets, SCMI, and two power meters: GPUs and meters are written by threads of their own."""

    watts = 400, 800
    kinds = "intel-rapl,amd_hsmp,gpu,arm-scmi,power_meter"
    helper_flags = ["--govern", kinds, "--sysfs"]
    options = {"GOVERN": kinds, "BUDGET_OF": "server"}

    def build(self):
        self.tree.mkdir()
        listing.make(listing.parse((TESTS / "Fixtures/machines/everything-at-once.listing").read_text())[1], self.tree)

    def limit_files(self):
        yield from super().limit_files()
        for path in [*self.tree.rglob("power?_cap"), *self.tree.rglob("power?_max")]:
            # Asleep, it says nothing.
            if path.read_bytes().strip():
                yield path

    def expect_restored(self):
        """Nobody waits for a slow driver: its limits may come back a moment after the helper says that it serves."""
        deadline = time.monotonic() + DEADLINE_S
        while self.limits() != self.expected and time.monotonic() < deadline:
            time.sleep(0.005)
        super().expect_restored()

    @staticmethod
    def identity(path):
        """As the helper names zones: after what a device is, and never after its number among the hwmon."""
        if path.name.startswith("constraint_"):
            return Node.identity(path)
        device = path.parent
        if device.parent.name == "hwmon":
            name, address = (device / "name").read_text().strip(), device.parent.parent.name
        else:
            name, address = "power_meter", (device / "path").read_text().strip().lstrip("\\")
        return f"{name}:{address}", int(path.name[len("power")]) - 1


def is_whole(slot):
    """Whether a slot's checksum fits: FNV-1a, 64 bits, over what is before it."""
    text, found, rest = slot.partition(b"checksum ")
    value = 0xCBF29CE484222325
    for byte in text:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return bool(found) and rest.strip() == b"%016x" % value
