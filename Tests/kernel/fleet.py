"""What nodes in the guest have outside of it: an API server's double and two coordinators, on this machine's loopback.

The guest reaches them through QEMU's user network, in which this machine is 10.0.2.2. What a scenario wants of them it prints as a line,
`rig-host WORDS`; what came of it shows in what the nodes then do.
"""
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "fleet"), str(HERE.parent / "apiserver")]
from cluster import GROUP, Program, free_port, wait  # noqa: E402
from harness import Double  # noqa: E402

HOST = "10.0.2.2"
NODES = 2
ACCOUNT = "powercap-system/powercap-coordinator"
# The least that a budget may have, so that what ends with a grant is soon seen.
BUDGET = {"limitMilliwatts": 200_000, "minimumMilliwatts": 40_000, "maximumMilliwatts": 150_000, "grantSeconds": 10, "contingencyNodes": 0}
QEMU = ["-netdev", "user,id=outside", "-device", "e1000,netdev=outside,addr=7"]


def library():
    """The libcurl that the controller loads; None where there is none."""
    known = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
    found = re.search(r"libcurl\.so\.4 \(libc6,x86-64\) => (\S+)", known)
    return found and found[1]


def can():
    """Whether this machine has what a fleet takes."""
    return shutil.which("openssl") and library()


class Fleet:
    def __init__(self, controller):
        self.controller = controller
        self.directory = Path(tempfile.mkdtemp(prefix="powercap-rig-"))
        self.coordinators = [None, None]
        self.double = None
        try:
            self.open()
        except BaseException:
            self.close()
            raise

    def open(self):
        self.certificate, self.key = self.directory / "tls.crt", self.directory / "tls.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
             "/CN=powercap-coordinator", "-addext", f"subjectAltName=IP:{HOST}", "-keyout", self.key, "-out", self.certificate],
            check=True, capture_output=True)
        self.double = Double("--empty", "--rbac", str(HERE.parent / "apiserver/fleet-rules.json"))
        self.double.tell(f"nodes node- {NODES} rack=a")
        (self.directory / "token").write_text(self.token("-", "-", ACCOUNT))
        self.make_budget()
        self.places = [(free_port(), free_port()) for _ in self.coordinators]
        for index in range(len(self.coordinators)):
            self.start(index)
        wait("a coordinator leads", lambda: self.leader() is not None)

    def token(self, node, audience, account):
        return self.double.ask(f"token-for {node} {audience} 7200 {account}")

    def make_budget(self):
        connection = self.double.connect()
        connection.request("POST", GROUP, json.dumps({
            "apiVersion": "powercap.dev/v1alpha1", "kind": "PowerBudget", "metadata": {"name": "site"}, "spec": BUDGET,
        }), {"Authorization": f"Bearer {self.double.facts['admin_token']}", "Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        if response.status >= 300:
            raise AssertionError(f"the budget isn't taken: {response.status} {answer}")

    def start(self, index):
        port, ready = self.places[index]
        self.coordinators[index] = Program(
            [self.controller, "coordinate", "--listen", f"127.0.0.1:{port}", "--certificate", self.certificate, "--key", self.key,
             "--identity", f"coordinator-{index}", "--metrics-address", f"127.0.0.1:{ready}"],
            self.directory / f"coordinator-{index}.log",
            KUBE_SERVER=self.double.facts["url"], KUBE_CA_FILE=self.double.facts["ca"], KUBE_TOKEN_FILE=f"{self.directory}/token")

    def is_ready(self, index):
        connection = http.client.HTTPConnection("127.0.0.1", self.places[index][1], timeout=1)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def leader(self):
        return next((index for index in range(len(self.coordinators)) if self.is_ready(index)), None)

    def stage(self, root):
        """Puts under root what the guest's nodes are given: tokens, the certificate, addresses, and the library that asks."""
        place = root / "rig/fleet"
        place.mkdir(parents=True)
        shutil.copy(self.certificate, place / "ca.crt")
        (place / "urls").write_text(" ".join(f"https://{HOST}:{port}" for port, _ in self.places) + "\n")
        for node in range(NODES):
            token = place / f"token-{node}"
            token.write_text(self.token(f"node-{node}", "powercap-coordinator", "powercap-system/powercap-controller"))
            os.chmod(token, 0o644)   # of a guest in which only the node's own programs are

    def do(self, words):
        """What a scenario asked for."""
        match words:
            case ["kill-leader"]:
                index = self.leader()
                self.coordinators[index].end(signal.SIGKILL)
                self.start(index)
            case ["api", ("stop" | "listen") as verb]:
                self.double.tell(verb)
            case _:
                raise AssertionError(f"nobody knows what {' '.join(words)!r} is")

    def tail(self):
        return [line for program in self.coordinators if program for line in program.tail().splitlines()]

    def close(self):
        for program in filter(None, self.coordinators):
            program.end(signal.SIGKILL)
        if self.double:
            self.double.stop()
        shutil.rmtree(self.directory)
