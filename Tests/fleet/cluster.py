"""A cluster of real processes on this machine: nodes of simulated zones with a helper and a controller each, and what is outside of them."""
import http.client
import json
import re
import signal
import subprocess
import sys
import uuid

from plane import DEADLINE_S, HERE, Broken, Plane, Program


def shard_of(name, shards):
    """As docs/fleet.md has it."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value % 65_521 % shards


class Lines:
    """A program that is told lines, and answers each with one."""

    def __init__(self, *command):
        self.child = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.first = self.read()

    def read(self):
        line = self.child.stdout.readline()
        if not line:
            raise Broken(f"{self.child.args[1]} ended")
        return line.rstrip("\n")

    def tell(self, line):
        try:
            self.child.stdin.write(line + "\n")
        except BrokenPipeError:
            raise Broken(f"{self.child.args[1]} ended") from None
        return self.read()

    def close(self):
        try:
            self.child.stdin.close()
            self.child.wait(DEADLINE_S)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()


class Node:
    """Two packages of 100 W to 300 W and what governs them."""

    def __init__(self, cluster, number):
        self.cluster, self.number, self.name = cluster, number, f"node-{number}"
        self.shard = shard_of(self.name, cluster.shards)
        self.directory = cluster.directory / self.name
        self.directory.mkdir(mode=0o755)
        self.simulator = Lines(cluster.programs.simulator, self.directory / "powercap", "--no-dram", "--demand", "60W")
        self.files = sorted(self.directory.glob("powercap/intel-rapl/intel-rapl:*/constraint_0_power_limit_uw"))
        self.originals = [file.read_text() for file in self.all_limits()]
        (self.directory / "token").write_text(cluster.node_token(self.name))
        self.boot = None
        self.helper = self.controller = None

    def all_limits(self):
        return sorted(self.directory.glob("powercap/**/constraint_*_power_limit_uw"))

    @property
    def limit(self):
        """What is in force, in microwatts."""
        return sum(int(file.read_text().split()[0]) for file in self.files)

    @property
    def ceiling(self):
        return sum(max(int(file.read_text()), int(file.with_name("constraint_0_max_power_uw").read_text())) for file in self.files)

    def draw(self, *watts):
        self.simulator.tell("demand " + ",".join(f"{watt}W" for watt in watts))

    def booted(self, command):
        """The command as it runs in this boot of the node: with a boot id of its own."""
        if self.boot is None:
            self.boot = str(uuid.uuid4())
            (self.directory / "boot_id").write_text(self.boot + "\n")
        mount = f"mount --bind {self.directory}/boot_id /proc/sys/kernel/random/boot_id && exec \"$@\""
        return ["unshare", "--mount", "sh", "-c", mount, "sh", *command]

    def start_helper(self):
        self.helper = Program(self.booted([
            self.cluster.programs.helper, "--powercap-root", self.directory / "powercap", "--socket", self.directory / "socket",
            "--state-dir", self.directory / "state", "--on-lease-expiry", "fallback"]), self.directory / "helper.log")

    def start_controller(self):
        self.controller = Program(
            self.booted([self.cluster.programs.controller, "run"]), self.directory / "controller.log",
            SOURCE="granted", GRANT_URL=" ".join(f"https://127.0.0.1:{port}" for port in self.cluster.ports[self.number][2 * self.shard:][:2]),
            GRANT_TOKEN_FILE=f"{self.directory}/token", GRANT_CA_FILE=str(self.cluster.certificate), NODE_NAME=self.name,
            KUBERNETES="off", RAPLHELPER_SOCKET=f"{self.directory}/socket", CONTROL_SOCKET=f"{self.directory}/control",
            METRICS_ADDRESS="off", SAMPLE_INTERVAL="1s", RAPL_MIN_POWER="10W")

    def start(self):
        self.start_helper()
        self.helper.says('msg="serving"')
        self.start_controller()

    def reboot(self):
        """Power goes, and comes back with what firmware sets. What /run had is gone."""
        for program in (self.controller, self.helper):
            program.end(signal.SIGKILL)
        for path, original in zip(self.all_limits(), self.originals):
            # In place, as a register: an empty file is none.
            with open(path, "r+") as file:
                file.write(original)
        for path in (self.directory / "state").glob("*"):
            path.unlink()
        self.boot = None

    def close(self):
        for program in (self.controller, self.helper):
            if program:
                program.end(signal.SIGKILL)
        self.simulator.close()


class Cluster(Plane):
    """With gates: between coordinators and the API server, and between them and nodes."""

    def __init__(self, directory, programs, count, shards=1):
        super().__init__(directory, programs.controller, count, shards)
        self.programs = programs
        server = self.double.address
        # What stands between coordinators and the API server.
        self.backstage = Lines(sys.executable, HERE / "gate.py", len(self.places), f"{server.hostname}:{server.port}")
        self.servers = [f"{server.scheme}://{server.hostname}:{port}" for port in self.backstage.first.split()[1:]]
        self.gate = Lines(sys.executable, HERE / "gate.py", count, *(f"127.0.0.1:{port}" for port, _ in self.places))
        self.ports = [word.split(",") for word in self.gate.first.split()[1:]]
        self.nodes = [Node(self, number) for number in range(count)]
        self.sampler = Lines(sys.executable, HERE / "sampler.py", *(file for node in self.nodes for file in node.files))

    def grants(self, index):
        """How many a coordinator has given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.places[index][1], timeout=5)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        found = re.search(r'^powercap_fleet_asks_total{result="granted"} (\d+)$', text, re.M)
        return int(found[1]) if found else 0

    def figures(self):
        return json.loads(self.sampler.tell("mark"))

    def close(self):
        for node in self.nodes:
            node.close()
        super().close()
        self.sampler.close()
        self.gate.close()
        self.backstage.close()
