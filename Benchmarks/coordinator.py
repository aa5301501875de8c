"""What a coordinator costs that has 2,000 nodes: the program as it ships, TLS, tokens, and a double of the API server."""
import contextlib
import json
import subprocess
import sys
import time

from report import Figure
from rig import HERE, NotMeasured, pin

sys.path.append(str(HERE.parent / "Tests/coordinator"))
import coordinators as harness  # noqa: E402

NODES, SECONDS = 2_000, 30


@contextlib.contextmanager
def serving(binary, place, nodes, **budget):
    """A coordinator that leads, with so many nodes in one budget: it, its certificate, and each node's token by the node's name."""
    place.mkdir()
    certificate = harness.Certificate(place)
    double = harness.Double("--empty", "--account", harness.ACCOUNT, "--rbac", str(HERE.parent / "Tests/apiserver/fleet-rules.json"))
    harness.PROGRAM = str(binary)
    coordinator = None
    try:
        double.tell(f"nodes node- {nodes}")
        double.tell("put " + json.dumps({
            "apiVersion": "powercap.dev/v1alpha1", "kind": "PowerBudget", "metadata": {"name": "site"},
            "spec": {"limitMilliwatts": nodes * 200_000, "minimumMilliwatts": 60_000, "maximumMilliwatts": 400_000, **budget}}))
        names = [f"node-{number}" for number in range(nodes)]
        tokens = {name: double.ask(f"token-for {name} {harness.AUDIENCE} 3600 powercap-system/powercap-controller") for name in names}
        coordinator = harness.Coordinator("bench", double.facts, certificate)
        harness.wait("the coordinator as leader", coordinator.is_ready)
        yield coordinator, certificate, tokens
    except AssertionError as problem:
        raise NotMeasured(f"controller: a coordinator: {problem}") from problem
    finally:
        if coordinator:
            coordinator.end()
        double.stop()


def with_nodes(binary, directory, cpu, other_cpu):
    """The coordinator has a CPU of its own; nodes and double are on the other one."""
    if other_cpu is None:
        raise NotMeasured("a coordinator's figures: its nodes need a second CPU")
    place = directory / "coordinator"
    with serving(binary, place, NODES, contingencyNodes=2) as (coordinator, certificate, tokens):
        given = place / "tokens"
        given.write_text("".join(f"{name} {token}\n" for name, token in tokens.items()))
        subprocess.run(["taskset", "--cpu-list", "--all-tasks", "--pid", str(cpu), str(coordinator.process.pid)], check=True, capture_output=True)
        said = subprocess.run(
            [sys.executable, HERE / "nodes.py", str(coordinator.port), certificate.authority, given, str(coordinator.process.pid), str(SECONDS)],
            check=True, stdout=subprocess.PIPE, text=True, preexec_fn=pin(other_cpu)).stdout
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
