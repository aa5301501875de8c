"""What the figures are measured on: a powercap tree of plain files, C programs, processes that end with the run."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


class NotMeasured(Exception):
    """A figure that could not be taken, with the reason."""


# A server with two sockets as Linux shows it: psys lies between the packages, dram inside them, and the MMIO driver shows
# the packages a second time. Directory, name, constraints as (name, limit, time window, max_power).
LONG, SHORT = ("long_term", 165_000_000, 999_424, 165_000_000), ("short_term", 198_000_000, 7_808, 297_000_000)
ZONES = [
    ("intel-rapl/intel-rapl:0", "package-0", [LONG, SHORT]),
    ("intel-rapl/intel-rapl:0/intel-rapl:0:0", "dram", [("long_term", 40_500_000, 976, 40_500_000)]),
    ("intel-rapl/intel-rapl:1", "psys", [("long_term", 600_000_000, 27_983_872, 0), ("short_term", 650_000_000, 976, 0)]),
    ("intel-rapl/intel-rapl:2", "package-1", [LONG, SHORT]),
    ("intel-rapl/intel-rapl:2/intel-rapl:2:0", "dram", [("long_term", 40_500_000, 976, 40_500_000)]),
    ("intel-rapl-mmio/intel-rapl-mmio:0", "package-0", [LONG, SHORT]),
    ("intel-rapl-mmio/intel-rapl-mmio:1", "package-1", [LONG, SHORT]),
]
PACKAGES = ("intel-rapl:0", "intel-rapl:2")
LIMIT_FILE = "intel-rapl/intel-rapl:0/constraint_0_power_limit_uw"


def server(packages):
    """The same of a server with so many sockets, without psys: a package and its dram each."""
    zones = []
    for number in range(packages):
        path = f"intel-rapl/intel-rapl:{number:x}"
        zones += [(path, f"package-{number}", [LONG, SHORT]), (f"{path}/intel-rapl:{number:x}:0", "dram", ZONES[1][2])]
    return zones


def make_tree(root, zones=ZONES):
    """Plain files do: the helper takes the first line of whatever it reads, and a limit written is there to be read."""
    for number, (path, name, constraints) in enumerate(zones):
        directory = root / path
        directory.mkdir(parents=True)
        files = {"name": name, "energy_uj": 183_249_117_508 + number, "max_energy_range_uj": 262_143_328_850, "enabled": 1}
        for index, (constraint, limit, window, most) in enumerate(constraints):
            files |= {f"constraint_{index}_name": constraint, f"constraint_{index}_power_limit_uw": limit,
                      f"constraint_{index}_time_window_us": window, f"constraint_{index}_max_power_uw": most}
        for file, contents in files.items():
            (directory / file).write_text(f"{contents}\n")


def zone_list(files, ids):
    """The files of a Sample for the reference server, in the helper's order."""
    return "".join(" ".join(str(file or "-") for file in files[id]) + "\n" for id in ids)


def compile_c(name, directory, *flags):
    program = directory / name
    subprocess.run(["cc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-D_POSIX_C_SOURCE=200809L", *flags, "-o", program,
                    HERE / f"{name}.c"], check=True)
    return program


def forget(*programs):
    """Has the kernel read programs from the disk again, as after a boot. Of a file that was just written it has large pieces in memory, and Linux
    6.18 maps such a piece as a whole, however little of it is needed."""
    for program in programs:
        with open(program, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def pin(cpu):
    """For subprocess's preexec_fn: the program's CPU."""
    return lambda: os.sched_setaffinity(0, {cpu})


def quietest_cpus():
    """The CPUs that this process may use, the one with the most idle time first: others may be at work."""
    def idle():
        lines = pathlib.Path("/proc/stat").read_text().splitlines()
        return {int(line.split()[0][3:]): int(line.split()[4]) for line in lines if line[:3] == "cpu" and line[3].isdigit()}
    before = idle()
    time.sleep(1)
    after = idle()
    return sorted(os.sched_getaffinity(0), key=lambda cpu: before[cpu] - after[cpu])


def places(directory):
    """Settings with which a controller is asked as one that is installed is: at a socket, and over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return {"CONTROL_SOCKET": str(directory / "controller.sock"), "METRICS_ADDRESS": f"127.0.0.1:{port}"}


# Settings with which it isn't asked at all.
NO_PLACES = {"CONTROL_SOCKET": "off", "METRICS_ADDRESS": "off"}


def median(times):
    return sorted(times)[len(times) // 2]


def p99(times):
    return sorted(times)[len(times) * 99 // 100]


class Running:
    """A program for the length of a `with`; its log is shown when it fails."""
    patience_s = 10

    def __init__(self, command, log, cpu, environment=None):
        self.command, self.log, self.cpu, self.environment = [str(word) for word in command], log, cpu, environment

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment, preexec_fn=pin(self.cpu))
        self.pid = self.process.pid
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait_for(self, ready, what):
        """Until `ready()` is true, at most as long as its patience."""
        for _ in range(self.patience_s * 100):
            if ready():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise NotMeasured(f"{' '.join(self.command)}: {what}\n{self.log.read_text(errors='replace')}")

    def status(self, field):
        """A number of /proc/PID/status, sizes in kB."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1])
        raise NotMeasured(f"/proc/PID/status has no {field}")

    def resident_mb(self, field="VmRSS"):
        """The same in megabytes, of which 1 is 1000 kB: what Linux calls kB are KiB."""
        return self.status(field) * 1024 / 1e6

    def cpu_time_ns(self):
        """Time on a CPU of all its threads (Documentation/scheduler/sched-stats.rst)."""
        tasks = pathlib.Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks)


@contextlib.contextmanager
def volatile_directory():
    """In memory, as /run is: what the programs save there waits for no disk."""
    with tempfile.TemporaryDirectory(prefix="powercap-bench-", dir="/dev/shm") as directory:
        yield pathlib.Path(directory)


@contextlib.contextmanager
def first_in_line(*programs):
    """Has programs run before whoever else uses the CPU, who isn't what is measured; whether this user may (sched(7), of autogroups, too).
    The real-time policies are no good for that: the kernel stops who uses them for 50 ms in each second."""
    group, own = pathlib.Path("/proc/self/autogroup"), None
    try:
        if group.exists():
            own = group.read_text().split()[-1]
            group.write_text("-20")
        for program in programs:
            for task in pathlib.Path(f"/proc/{program.pid}/task").iterdir():
                os.setpriority(os.PRIO_PROCESS, int(task.name), -20)
        yield True
    except PermissionError:
        yield False
    finally:
        if own is not None:
            with contextlib.suppress(OSError):
                group.write_text(own)


class Helper(Running):
    """A helper on a tree and in directories of its own: the tree belongs to one helper at a time."""

    def __init__(self, binary, directory, cpu, zones=ZONES):
        directory.mkdir()
        self.zones, self.socket = zones, directory / "socket"
        super().__init__([binary, "--socket", self.socket, *self.make(directory), "--state-dir", directory / "state",
                          "--allow-uid", os.getuid()], directory / "log", cpu)

    def make(self, directory):
        """Makes the tree: what tells the helper of it."""
        self.root = directory / "powercap"
        make_tree(self.root, self.zones)
        return ["--powercap-root", self.root]

    def files(self):
        """Of each zone, by its id: what it uses, whether it is enabled, whether it sleeps, and its limits."""
        found = {}
        for path, _, constraints in self.zones:
            zone = self.root / path
            limits = [zone / f"constraint_{index}_power_limit_uw" for index in range(len(constraints))]
            found[zone.name] = zone / "energy_uj", zone / "enabled", None, *limits
        return found

    def __enter__(self):
        super().__enter__()
        self.wait_for(lambda: b"serving" in self.log.read_bytes(), "doesn't get as far as serving")
        return self

    def sandbox(self):
        """What it says that it has given up."""
        line = next(line for line in self.log.read_text().splitlines() if "sandbox=" in line)
        return next(word for word in line.split() if word.startswith("sandbox=")).removeprefix("sandbox=")
