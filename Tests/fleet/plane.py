"""What nodes have outside of them: an API server's double, and two coordinators for each shard, as processes on this machine's loopback."""
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "apiserver"))
from harness import Double, free_port  # noqa: E402

DEADLINE_S = 30
GROUP = "/apis/powercap.dev/v1alpha1/powerbudgets"
# The least that a budget may have, so that many ends of grants are seen.
GRANT_S = 10
COORDINATOR, CONTROLLER = "powercap-system/powercap-coordinator", "powercap-system/powercap-controller"
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


class Plane:
    def __init__(self, directory, controller, nodes, shards=1, host="127.0.0.1"):
        """Coordinators aren't started.
        host: the address by which nodes know this machine."""
        self.directory, self.controller, self.shards = pathlib.Path(directory), controller, shards
        # Two of the first shard, then two of the next.
        self.places = [(free_port(), free_port()) for _ in range(2 * shards)]
        self.coordinators = [None] * len(self.places)
        self.certificate, self.key = self.directory / "tls.crt", self.directory / "tls.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
             "/CN=powercap-coordinator", "-addext", f"subjectAltName=IP:{host}", "-keyout", self.key, "-out", self.certificate],
            check=True, capture_output=True)
        self.double = Double("--empty", "--rbac", str(HERE.parent / "apiserver" / RULES[shards]))
        self.double.tell(f"nodes node- {nodes} rack=a")
        # Where each coordinator finds the API server.
        self.servers = [self.double.facts["url"]] * len(self.places)
        (self.directory / "token").write_text(self.token("-", "-", COORDINATOR))

    def token(self, node, audience, account):
        return self.double.ask(f"token-for {node} {audience} 7200 {account}")

    def node_token(self, name):
        return self.token(name, "powercap-coordinator", CONTROLLER)

    # MARK: API

    def ask(self, method, path, body=None, kind="application/json"):
        connection = self.double.connect()
        connection.request(
            method, path, json.dumps(body) if body else None,
            {"Authorization": f"Bearer {self.double.facts['admin_token']}", "Content-Type": kind})
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
            [self.controller, "coordinate", "--listen", f"127.0.0.1:{port}", "--certificate", self.certificate, "--key", self.key,
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

    def close(self):
        for program in filter(None, self.coordinators):
            program.end(signal.SIGKILL)
        self.double.stop()
