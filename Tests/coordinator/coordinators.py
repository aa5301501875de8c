"""Coordinators as children of a test, against the double of the API server, and nodes that ask them over real TLS."""
import http.client
import json
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

sys.dont_write_bytecode = True
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / "Tests/apiserver"))
from harness import Double, free_port  # noqa: E402

PROGRAM = os.environ.get("POWERCAP_CONTROLLER", str(REPOSITORY / ".build/debug/powercap-controller"))
ACCOUNT = "powercap-system/powercap-coordinator"
AUDIENCE = "powercap-coordinator"
BUDGETS = "/apis/powercap.dev/v1alpha1/powerbudgets"
SHARDS = "/apis/powercap.dev/v1alpha1/powerbudgetshards"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/powercap-system/leases"
LEASE = f"{LEASES}/powercap-coordinator-0"
# The installed roles, by the number of shards.
RULES = {1: REPOSITORY / "Tests/apiserver/fleet-rules.json", 2: REPOSITORY / "Tests/apiserver/shard-rules.json"}
W = 1_000_000
DEADLINE_S = 40


def wait(what, condition, deadline_s=DEADLINE_S):
    """What the condition gives when it is true; an error in it counts as false."""
    end, problem = time.monotonic() + deadline_s, None
    while time.monotonic() < end:
        try:
            if found := condition():
                return found
        except (OSError, http.client.HTTPException, KeyError, TypeError) as error:
            problem = error
        time.sleep(0.05)
    raise AssertionError(f"{what} never came to be ({problem})")


class Certificate:
    """An authority, and a server's certificate of it for 127.0.0.1."""

    def __init__(self, directory):
        self.authority, self.chain, self.key = (f"{directory}/{name}" for name in ("ca.crt", "tls.crt", "tls.key"))

        self.openssl("-subj", "/CN=test", "-keyout", f"{directory}/ca.key", "-out", self.authority)
        self.renew()

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", *arguments],
                       check=True, capture_output=True)

    def renew(self):
        """Another key and certificate of the same authority, in place of the old ones: one file after the other, each whole."""
        self.openssl("-subj", "/CN=coordinator", "-addext", "subjectAltName=IP:127.0.0.1", "-CA", self.authority, "-CAkey",
                     str(pathlib.Path(self.authority).with_name("ca.key")), "-keyout", f"{self.key}.new", "-out", f"{self.chain}.new")
        for path in (self.key, self.chain):
            os.replace(f"{path}.new", path)


class Coordinator:
    """A running `powercap-controller coordinate`."""

    def __init__(self, name, facts, certificate, *flags, token_file=None, environment=None):
        self.name, self.port, self.metrics = name, free_port(), free_port()
        self.lines = []
        self.process = subprocess.Popen(
            [PROGRAM, "coordinate", "--listen", f"127.0.0.1:{self.port}", "--certificate", certificate.chain, "--key", certificate.key,
             "--identity", name, "--metrics-address", f"127.0.0.1:{self.metrics}", *flags],
            env={"PATH": os.environ["PATH"], "KUBE_SERVER": facts["url"], "KUBE_CA_FILE": facts["ca"],
                 "KUBE_TOKEN_FILE": token_file or facts["token_file"]} | (environment or {}),
            stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def is_ready(self):
        return self.get("/readyz")[0] == 200

    def status(self):
        return json.loads(self.get("/status")[1])

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)

    def end(self, number=signal.SIGKILL):
        """The exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)
        status = self.process.wait(DEADLINE_S)
        self.reader.join(DEADLINE_S)
        self.process.stderr.close()
        return status


class Answer:
    def __init__(self, status, body, headers):
        self.status, self.body, self.headers = status, body, headers
        self.error = body.get("error", "")

    def __repr__(self):
        return f"{self.status} {self.body}"


class Node:
    """A node as a coordinator sees one: it reports what it has, and takes what it is granted at once."""

    def __init__(self, name, token, authority, ceiling=200, floor=20, demand=None, rest=None, boots_at_rest=True):
        self.name, self.token = name, token
        self.ceiling, self.floor = ceiling * W, floor * W
        self.demand = (demand or ceiling) * W
        self.rest = self.ceiling if rest is None else rest * W
        self.in_force, self.epoch, self.nonce = self.ceiling, 0, 0
        self.boot, self.boots_at_rest = str(uuid.uuid4()), boots_at_rest
        self.context = ssl.create_default_context(cafile=authority)
        self.connections = {}
        self.last = None

    def report(self, **others):
        self.nonce += 1
        return {"version": 1, "node": self.name, "boot": self.boot, "nonce": self.nonce, "epoch": self.epoch,
                "inForceMicrowatts": self.in_force, "restMicrowatts": self.rest, "floorMicrowatts": self.floor,
                "ceilingMicrowatts": self.ceiling, "demandMicrowatts": self.demand, "bootsAtRest": self.boots_at_rest} | others

    def send(self, port, body, token=None, method="POST", path="/v1/grant", headers=None):
        """One request, over the connection that there is."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = {"Authorization": f"Bearer {token or self.token}"} if headers is None else headers
        for _ in range(2):
            connection = self.connections.get(port)
            if connection is None:
                connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=self.context)
                self.connections[port] = connection
            try:
                connection.request(method, path, data, head)
                answer = connection.getresponse()
                text = answer.read()
                return Answer(answer.status, json.loads(text or b"{}"), answer.headers)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.connections.pop(port).close()
            except OSError:
                self.connections.pop(port).close()
                raise
        raise ConnectionError("the connection ends again and again")

    def ask(self, port):
        """Reports, and does what the answer says: the answer."""
        answer = self.send(port, self.report())
        if answer.status == 200:
            self.epoch = max(self.epoch, answer.body["epoch"])
            limit = answer.body.get("limitMicrowatts")
            if limit is not None:
                self.in_force = limit
                self.rest = min(limit, max(self.floor, answer.body["minimumMicrowatts"]))
        self.last = answer
        return answer

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.connections = {}


class FleetCase(unittest.TestCase):
    """A cluster without nodes, and one certificate for all."""

    SHARDS = 1

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        cls.certificate = Certificate(cls.directory.name)

    def setUp(self):
        self.double = Double("--empty", "--account", ACCOUNT, "--rbac", str(RULES[self.SHARDS]))
        self.addCleanup(self.double.stop)
        for shard in range(self.SHARDS):
            self.free_lease(shard)

    def free_lease(self, shard):
        """As somebody leaves it who ends in good order: the first one need not wait for whoever may have had it."""
        self.double.tell("put " + json.dumps({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": f"powercap-coordinator-{shard}", "namespace": "powercap-system"},
            "spec": {"holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 0}}))

    def coordinator(self, name="a", *flags, **others):
        coordinator = Coordinator(name, self.double.facts, self.certificate, *flags, **others)

        def end():
            coordinator.end()
            result = self._outcome.result if hasattr(self._outcome, "result") else None
            if result and any(test is self for test, _ in result.failures + result.errors):
                print(f"-- {name}", *coordinator.lines, sep="\n", file=sys.stderr)

        self.addCleanup(end)
        return coordinator

    def leader(self, name="a", *flags, **others):
        coordinator = self.coordinator(name, *flags, **others)
        wait(f"{name} as leader", coordinator.is_ready)
        return coordinator

    def budget(self, name="site", **spec):
        body = {"maximumMilliwatts": 200_000, "contingencyNodes": 0} | spec
        self.double.tell("put " + json.dumps(
            {"apiVersion": "powercap.dev/v1alpha1", "kind": "PowerBudget", "metadata": {"name": name}, "spec": body}))

    def nodes(self, count, prefix="n", labels="", **others):
        self.double.tell(f"nodes {prefix} {count} {labels}".strip())
        return [self.node(f"{prefix}{number}", **others) for number in range(count)]

    def token(self, node, audience=AUDIENCE, seconds=3600, account="powercap-system/powercap-controller"):
        return self.double.ask(f"token-for {node} {audience} {seconds} {account}")

    def node(self, name, **others):
        node = Node(name, self.token(name), self.certificate.authority, **others)
        self.addCleanup(node.close)
        return node

    def object(self, path):
        return self.double.ask(f"show {path}")

    def conditions(self, name="site"):
        status = (self.object(f"{BUDGETS}/{name}") or {}).get("status") or {}
        return {condition["type"]: condition for condition in status.get("conditions", [])}

    def settle(self, nodes, port, total_w=None, deadline_s=DEADLINE_S):
        """Lets nodes ask until all have been granted what they are to have, and it stays so."""
        end, calm, last = time.monotonic() + deadline_s, 0, None
        while time.monotonic() < end:
            for node in nodes:
                node.ask(port)
            now = [node.in_force for node in nodes]
            is_granted = all(node.last.status == 200 and "limitMicrowatts" in node.last.body for node in nodes)
            calm = calm + 1 if is_granted and now == last and (total_w is None or abs(sum(now) - total_w * W) < W) else 0
            if calm >= 3:
                return now
            last = now
            time.sleep(0.25)
        raise AssertionError(f"nodes have {[power / W for power in last]} W, {nodes[0].last}")
