"""What nodes in the guest have outside of it: an API server's double and two coordinators, on this machine's loopback.

The guest reaches them through QEMU's user network, in which this machine is 10.0.2.2. What a scenario wants of them it prints as a line,
`rig-host WORDS`; what came of it shows in what the nodes then do.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "fleet"))
from plane import Plane  # noqa: E402

HOST = "10.0.2.2"
NODES = 2
BUDGET = {"limitMilliwatts": 200_000, "minimumMilliwatts": 40_000, "maximumMilliwatts": 150_000, "contingencyNodes": 0}
QEMU = ["-netdev", "user,id=outside", "-device", "e1000,netdev=outside,addr=7"]


def library():
    """The libcurl that the controller loads; None where there is none."""
    known = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
    found = re.search(r"libcurl\.so\.4 \(libc6,x86-64\) => (\S+)", known)
    return found and found[1]


def can():
    """Whether this machine has what a fleet takes."""
    return shutil.which("openssl") and library()


class Fleet(Plane):
    def __init__(self, controller):
        super().__init__(tempfile.mkdtemp(prefix="powercap-rig-"), controller, NODES, host=HOST)
        try:
            self.make_budget("site", **BUDGET)
            for index in range(len(self.coordinators)):
                self.start_coordinator(index)
            self.wait_for_leader()
        except BaseException:
            self.close()
            raise

    def stage(self, root):
        """Puts under root what the guest's nodes are given: tokens, the certificate, addresses, and the library that asks."""
        place = root / "rig/fleet"
        place.mkdir(parents=True)
        shutil.copy(self.certificate, place / "ca.crt")
        (place / "urls").write_text(" ".join(f"https://{HOST}:{port}" for port, _ in self.places) + "\n")
        for node in range(NODES):
            token = place / f"token-{node}"
            token.write_text(self.node_token(f"node-{node}"))
            os.chmod(token, 0o644)   # of a guest in which only the node's own programs are

    def do(self, words):
        """What a scenario asked for."""
        match words:
            case ["kill-leader"]:
                index = self.leader()
                self.coordinators[index].end(signal.SIGKILL)
                self.start_coordinator(index)
            case ["api", ("stop" | "listen") as verb]:
                self.double.tell(verb)
            case _:
                raise AssertionError(f"nobody knows what {' '.join(words)!r} is")

    def tail(self):
        return [line for program in self.coordinators if program for line in program.tail().splitlines()]

    def close(self):
        super().close()
        shutil.rmtree(self.directory)
