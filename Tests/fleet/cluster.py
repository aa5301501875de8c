"""A cluster of real processes on this machine: an API server's double, two coordinators for each shard, and nodes of simulated zones with a helper
and a controller each."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "apiserver"))
from harness import Double  # noqa: E402

DEADLINE_S = 30
GROUP = "/apis/powercap.dev/v1alpha1/powerbudgets"
# Shorter than in earnest, so that a storm sees many ends of grants; the least that a budget may have.
GRANT_S = 10
COORDINATOR = "powercap-system/powercap-coordinator"
# The installed roles, by the number of shards.
RULES = {1: "fleet-rules.json", 2: "shard-rules.json"}


class Broken(Exception):
    """A program doesn't do what the storm needs of it."""


def wait(what, ready, seconds=DEADLINE_S):
    """Until `ready` gives something: that, and after how many seconds."""
    started = time.monotonic()
    while True:
        if found := ready():
            return found, time.monotonic() - started
        if time.monotonic() - started > seconds:
            raise Broken(f"{what} within {seconds} s: no")
        time.sleep(0.02)


def shard_of(name, shards):
    """As docs/fleet.md has it."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value % 65_521 % shards


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """A program under test, whose log is a file."""

    def __init__(self, command, log, **environment):
        self.log = pathlib.Path(log)
        with open(log, "ab") as file:
            self.child = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file,
                env={"PATH": os.environ["PATH"], **environment})

    def says(self, text, seconds=DEADLINE_S):
        def said():
            if self.child.poll() is not None:
                raise Broken(f"{self.log.name} ended with {self.child.returncode}:\n{self.tail()}")
            return text in self.log.read_text(errors="replace")
        wait(f"{self.log.name} says {text!r}\n{self.tail()}", said, seconds)

    def tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])

    def send(self, number):
        self.child.send_signal(number)

    def end(self, number=signal.SIGTERM):
        if self.child.poll() is None:
            # One that was stopped hears nothing else.
            self.child.send_signal(signal.SIGCONT)
            self.child.send_signal(number)
        try:
            return self.child.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise Broken(f"{self.log.name} doesn't end:\n{self.tail()}") from None


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
        (self.directory / "token").write_text(cluster.token(self.name, "powercap-coordinator", "powercap-system/powercap-controller"))
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


class Cluster:
    def __init__(self, directory, programs, count, shards=1):
        self.directory, self.programs, self.shards = pathlib.Path(directory), programs, shards
        self.certificate, self.key = self.directory / "tls.crt", self.directory / "tls.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
             "/CN=powercap-coordinator", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.key, "-out", self.certificate],
            check=True, capture_output=True)
        self.double = Double("--empty", "--rbac", str(HERE.parent / "apiserver" / RULES[shards]))
        self.double.tell(f"nodes node- {count} rack=a")
        self.admin = self.double.facts["admin_token"]
        (self.directory / "token").write_text(self.token("-", "-", COORDINATOR))
        # Two of the first shard, then two of the next.
        self.places = [(free_port(), free_port()) for _ in range(2 * shards)]
        self.coordinators = [None] * len(self.places)
        server = self.double.address
        # What stands between coordinators and the API server.
        self.backstage = Lines(sys.executable, HERE / "gate.py", len(self.places), f"{server.hostname}:{server.port}")
        self.servers = [f"{server.scheme}://{server.hostname}:{port}" for port in self.backstage.first.split()[1:]]
        self.gate = Lines(sys.executable, HERE / "gate.py", count, *(f"127.0.0.1:{port}" for port, _ in self.places))
        self.ports = [word.split(",") for word in self.gate.first.split()[1:]]
        self.nodes = [Node(self, number) for number in range(count)]
        self.sampler = Lines(sys.executable, HERE / "sampler.py", *(file for node in self.nodes for file in node.files))

    def token(self, node, audience, account):
        return self.double.ask(f"token-for {node} {audience} 7200 {account}")

    # MARK: API

    def ask(self, method, path, body=None, kind="application/json"):
        connection = self.double.connect()
        connection.request(
            method, path, json.dumps(body) if body else None, {"Authorization": f"Bearer {self.admin}", "Content-Type": kind})
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        if response.status >= 300:
            raise Broken(f"{method} {path}: {response.status} {answer}")
        return answer

    def make_budget(self, name, **spec):
        self.ask("POST", GROUP, {
            "apiVersion": "powercap.dev/v1alpha1", "kind": "PowerBudget", "metadata": {"name": name},
            "spec": {"grantSeconds": GRANT_S, "contingencyNodes": 1, **spec}})

    def change_budget(self, name, **spec):
        self.ask("PATCH", f"{GROUP}/{name}", {"spec": spec}, "application/merge-patch+json")

    def condition(self, name, kind):
        conditions = self.ask("GET", f"{GROUP}/{name}").get("status", {}).get("conditions", [])
        return next((condition for condition in conditions if condition["type"] == kind), {})

    # MARK: Coordinators

    def start_coordinator(self, index):
        port, ready = self.places[index]
        self.coordinators[index] = Program(
            [self.programs.controller, "coordinate", "--listen", f"127.0.0.1:{port}", "--certificate", self.certificate, "--key", self.key,
             "--identity", f"coordinator-{index}", "--metrics-address", f"127.0.0.1:{ready}",
             "--shard", index // 2, "--shards", self.shards],
            self.directory / f"coordinator-{index}.log",
            KUBE_SERVER=self.servers[index], KUBE_CA_FILE=self.double.facts["ca"], KUBE_TOKEN_FILE=f"{self.directory}/token")

    def is_ready(self, index):
        connection = http.client.HTTPConnection("127.0.0.1", self.places[index][1], timeout=1)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def leader(self, shard=0):
        return next((index for index in (2 * shard, 2 * shard + 1) if self.coordinators[index] and self.is_ready(index)), None)

    def wait_for_leader(self, seconds=DEADLINE_S, shard=0):
        (index,), time_s = wait(
            f"a coordinator of shard {shard} leads", lambda: [found] if (found := self.leader(shard)) is not None else [], seconds)
        return index, time_s

    def grants(self, index):
        """How many a coordinator has given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.places[index][1], timeout=5)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        found = re.search(r'^powercap_fleet_asks_total{result="granted"} (\d+)$', text, re.M)
        return int(found[1]) if found else 0

    # MARK: Figures

    def figures(self):
        return json.loads(self.sampler.tell("mark"))

    def close(self):
        for program in self.coordinators:
            if program:
                program.end(signal.SIGKILL)
        for node in self.nodes:
            node.close()
        self.sampler.close()
        self.gate.close()
        self.backstage.close()
        self.double.stop()
