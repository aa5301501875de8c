"""A helper on a tree of plain files, for the tests: the binary that POWERCAP_HELPER names."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from powercap_client import Client, Failed

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = (REPOSITORY / "docs/protocol.md").read_text()
DEADLINE_S = 20
# The indices that the helper gives to the zones of `make_tree`.
PACKAGE_0, DRAM_0, PSYS, PACKAGE_1, DRAM_1, MMIO = range(6)


def numbers(heading):
    """An enumeration of the document: its names with their numbers."""
    section = DOCUMENT.split(f"### {heading}\n")[1].split("\n#")[0]
    return {name: int(number) for number, name in re.findall(r"^\| (\d+) \| (\S+) \|", section, re.M)}


CODE, WRITES = numbers("Error codes"), numbers("Write policy")


def make_zone(path, name, energy_uj=None, range_uj=262143328850, constraints=()):
    """A zone's directory. A constraint: name, limit in µW, window in µs or None, max_power in µW or None."""
    path.mkdir(parents=True)
    (path / "power").mkdir()
    (path / "subsystem").symlink_to("../..")
    values = {"name": name, "enabled": 1}
    if energy_uj is not None:
        values |= {"energy_uj": energy_uj, "max_energy_range_uj": range_uj}
    for index, (constraint, limit_uw, window_us, max_power_uw) in enumerate(constraints):
        prefix = f"constraint_{index}_"
        values |= {prefix + "name": constraint, prefix + "power_limit_uw": limit_uw}
        values |= {} if window_us is None else {prefix + "time_window_us": window_us}
        values |= {} if max_power_uw is None else {prefix + "max_power_uw": max_power_uw}
    for file, value in values.items():
        (path / file).write_text(f"{value}\n")


def make_tree(root):
    """Two packages with psys between them, their dram, and package-0 once more by mmio."""
    rapl = root / "intel-rapl"
    package = [("long_term", 150000000, 999424, 165000000), ("short_term", 180000000, 2440, 0),
               ("peak_power", 330000000, None, 330000000)]
    make_zone(rapl / "intel-rapl:0", "package-0", 261983000122, constraints=package)
    make_zone(rapl / "intel-rapl:0/intel-rapl:0:0", "dram", 1234567, 65712999613, [("long_term", 0, 976, None)])
    make_zone(rapl / "intel-rapl:1", "psys", None, constraints=[("long_term", 400000000, 27983872, None)])
    make_zone(rapl / "intel-rapl:2", "package-1", 7000000, constraints=package)
    make_zone(rapl / "intel-rapl:2/intel-rapl:2:0", "dram", 7654321, 65712999613)
    make_zone(root / "intel-rapl-mmio/intel-rapl-mmio:0", "package-0", 261983000122, constraints=package[:1])


class Helper:
    """A running helper. Its log is in `log`."""

    def __init__(self, directory, *flags, uid, roots=None):
        self.path = f"{directory}/socket"
        self.log = ""
        self.news = threading.Condition()
        binary = os.environ["POWERCAP_HELPER"]
        self.process = subprocess.Popen(
            [binary, "--socket", self.path, *(roots or ["--powercap-root", f"{directory}/powercap", "--govern", "intel-rapl,intel-rapl-mmio"]),
             "--state-dir", f"{directory}/state", "--allow-uid", str(uid), *flags], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read_log)
        self.reader.start()
        self.wait_for_log("msg=\"serving\"")

    def _read_log(self):
        for line in self.process.stderr:
            with self.news:
                self.log += line
                self.news.notify_all()
        with self.news:
            self.process.stderr.close()
            self.news.notify_all()

    def wait_for_log(self, text):
        with self.news:
            if not self.news.wait_for(lambda: text in self.log or self.process.stderr.closed, DEADLINE_S) or text not in self.log:
                raise AssertionError(f"the helper didn't say {text}, but:\n{self.log}")

    def memory_kb(self, field="VmRSS"):
        return int(re.search(rf"{field}:\s+(\d+) kB", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1])

    def cpu_s(self):
        """Processor time so far (proc(5))."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @contextlib.contextmanager
    def stopped(self):
        """Not scheduled for the length of a `with`: what is sent meanwhile is all there when it goes on."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(DEADLINE_S)
        self.reader.join()
        return status


class HelperCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        binary = os.environ.get("POWERCAP_HELPER")
        if not binary or not os.access(binary, os.X_OK):
            raise AssertionError(f"POWERCAP_HELPER={binary or ''} must name a raplhelper binary, such as .build/debug/raplhelper")

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.directory = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="powercap-")))
        self.build_tree(self.directory / "powercap")

    def build_tree(self, root):
        make_tree(root)

    def start(self, *flags, uid=os.getuid()):
        self.helper = Helper(self.directory, *flags, uid=uid)
        self.stack.callback(self.helper.stop)
        return self.helper

    def connect(self, name="test", greet=True):
        client = Client(self.helper.path, DEADLINE_S)
        self.stack.callback(client.close)
        if greet:
            client.hello(name)
        return client

    def in_control(self, lease_ms=30000):
        client = self.connect()
        return client, client.acquire(lease_ms)["token"]

    def file(self, name, zone="intel-rapl/intel-rapl:0"):
        return self.directory / "powercap" / zone / name

    def value(self, name="constraint_0_power_limit_uw", zone="intel-rapl/intel-rapl:0"):
        return int(self.file(name, zone).read_text().split("\n")[0])

    def contents(self):
        """Every file of the tree, for comparing."""
        return {str(path): path.read_text() for path in self.directory.joinpath("powercap").rglob("*")
                if path.is_file() and not path.is_symlink()}

    def assert_fails(self, code, call, *arguments, **keywords):
        with self.assertRaises(Failed) as caught:
            call(*arguments, **keywords)
        self.assertEqual(caught.exception.code, CODE[code], caught.exception)
        self.assertTrue(caught.exception.fields["text"])
        return caught.exception.fields

    def assert_closed(self, client, within_s=DEADLINE_S):
        """The helper has closed the connection and sent nothing before."""
        client.socket.settimeout(within_s)
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(client.socket.recv(1), b"")

    def eventually(self, condition):
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"it didn't come about; the helper's log:\n{self.helper.log}")
            time.sleep(0.01)
