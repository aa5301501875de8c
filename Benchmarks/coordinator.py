"""What a coordinator costs that has 2,000 nodes: the program as it ships, TLS, tokens, and a double of the API server."""
import json
import subprocess
import sys
import time

from report import Figure
from rig import HERE, NotMeasured, pin

sys.path.append(str(HERE.parent / "Tests/coordinator"))
import coordinators as harness  # noqa: E402

NODES, SECONDS = 2_000, 30


def with_nodes(binary, directory, cpu, other_cpu):
    """The coordinator has a CPU of its own; nodes and double are on the other one."""
    if other_cpu is None:
        raise NotMeasured("a coordinator's figures: its nodes need a second CPU")
    place = directory / "coordinator"
    place.mkdir()
    certificate = harness.Certificate(place)
    double = harness.Double("--empty", "--account", harness.ACCOUNT, "--rbac", str(HERE.parent / "Tests/apiserver/fleet-rules.json"))
    harness.PROGRAM = str(binary)
    coordinator = None
    try:
        double.tell(f"nodes node- {NODES}")
        double.tell("put " + json.dumps({
            "apiVersion": "powercap.dev/v1alpha1", "kind": "PowerBudget", "metadata": {"name": "site"},
            "spec": {"limitMilliwatts": NODES * 200_000, "minimumMilliwatts": 60_000, "maximumMilliwatts": 400_000, "contingencyNodes": 2}}))
        tokens = place / "tokens"
        with open(tokens, "w") as file:
            for number in range(NODES):
                token = double.ask(f"token-for node-{number} {harness.AUDIENCE} 3600 powercap-system/powercap-controller")
                file.write(f"node-{number} {token}\n")
        coordinator = harness.Coordinator("bench", double.facts, certificate)
        subprocess.run(["taskset", "--cpu-list", "--all-tasks", "--pid", str(cpu), str(coordinator.process.pid)], check=True, capture_output=True)
        harness.wait("the coordinator as leader", coordinator.is_ready)
        said = subprocess.run(
            [sys.executable, HERE / "nodes.py", str(coordinator.port), certificate.authority, tokens, str(coordinator.process.pid), str(SECONDS)],
            check=True, stdout=subprocess.PIPE, text=True, preexec_fn=pin(other_cpu)).stdout
    finally:
        if coordinator:
            coordinator.end()
        double.stop()
    found = json.loads(said)
    if found["granted"] < NODES:
        raise NotMeasured(f"a coordinator's figures: {found['granted']} of {NODES} nodes were granted something")
    each_us = found["processor_s"] / found["answers"] * 1e6
    share = found["processor_s"] / found["seconds"] * 100
    print(f"\nA coordinator with {NODES} nodes, of which some want something else all the time, for {SECONDS} s: {found['answers']} reports, "
          f"{each_us:.0f} µs of CPU each;\nanswered after {found['median_ms']:.1f} ms (p99 {found['p99_ms']:.0f} ms). All were granted something "
          f"{found['settled_s']:.1f} s after the first report.")
    yield Figure("controller: a coordinator of 2,000 nodes", share, f"{share:.1f} % of a core ({each_us:.0f} µs a report)")
    yield Figure("controller: memory of a coordinator of 2,000 nodes", found["memory_mb"], f"{found['memory_mb']:.0f} MB")
