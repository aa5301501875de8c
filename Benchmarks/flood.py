"""The helper's figures under a flood: how long whoever is in control waits, and what it costs in memory."""
import random
import sys
import time

from client import APPLY, RENEW, Client, limits
from helper import packages
from report import Figure
from rig import HERE, Helper, NotMeasured, Running

ROUNDS = 2000
FLOOD = HERE.parent / "Tests/client/flood.py"


def under_flood(binary, directory, cpu, other_cpu):
    """Two helpers, of which one is flooded: the other is the null, for both share the machine with the flood. The client takes
    turns between them in random order."""
    if other_cpu is None:
        raise NotMeasured("helper under a flood: the flood needs a second CPU")
    with Helper(binary, directory / "flooded", cpu) as flooded, Helper(binary, directory / "quiet", cpu) as quiet, \
            Client(flooded.socket) as first, Client(quiet.socket) as second:
        holders = [Holder(first), Holder(second)]
        idle = take_turns(holders)
        idle_kb = flooded.status("RssAnon")
        log = directory / "flood.log"
        with Running([sys.executable, FLOOD, flooded.socket, "ReadSample"], log, other_cpu) as flood:
            flood.wait_for(lambda: log.read_text().startswith("flooding"), "doesn't begin")
            busy = take_turns(holders)
            flooded_kb = flooded.status("RssAnon")
        requests = log.read_text().split()[-1]
    if not requests.isdigit():
        raise NotMeasured(f"helper under a flood: it ended early: {log.read_text()}")
    print(f"\nRound trips in µs of whoever is in control: {ROUNDS} of each kind, in random turns, while 60 connections pipelined\n"
          f"{int(requests):,} samples to one of two helpers on the same CPU")
    print(f"  {'':8}{'helper':>10}{'':>10}{'p50':>9}{'p90':>9}{'p99':>9}")
    for state, times in [("idle", idle), ("flood", busy)]:
        for operation in ("Renew", "Apply"):
            for number, name in enumerate(["flooded", "quiet"]):
                print(f"  {operation:8}{name:>10}{state:>10}"
                      + "".join(f"{percentile(times[number][operation], share):9.1f}" for share in (50, 90, 99)))
    for operation in ("Renew", "Apply"):
        waited, null, before = (percentile(times[operation], 50) for times in [busy[0], busy[1], idle[0]])
        yield Figure(f"helper: {operation} under a flood of samples, p50", waited / 1e3,
                     f"{waited:.0f} µs (idle: {before:.0f} µs)", f"{null:.0f} µs a helper beside it that isn't flooded",
                     ratio=waited / null)
    yield Figure("helper: memory that a flood costs", flooded_kb - idle_kb,
                 f"{flooded_kb - idle_kb} KiB (anonymous; idle: {idle_kb} KiB)")


class Holder:
    """A client in control, that moves the packages' limits to and fro."""

    def __init__(self, client):
        self.client, self.token, self.packages, self.applied = client, client.acquire(), packages(client), 0

    def time_us(self, operation):
        self.applied += operation == "Apply"
        limit = 100_000_000 + self.applied % 2 * 1_000_000
        opcode, payload = (RENEW, b"") if operation == "Renew" else (APPLY, limits(self.packages, limit))
        start = time.perf_counter_ns()
        self.client.ask(opcode, self.token + payload)
        return (time.perf_counter_ns() - start) / 1000


def take_turns(holders):
    """Sorted times by holder and operation."""
    times = [{"Renew": [], "Apply": []} for _ in holders]
    turns = [(number, operation) for number in range(len(holders)) for operation in times[0]]
    source = random.Random(1)
    for _ in range(ROUNDS):
        source.shuffle(turns)
        for number, operation in turns:
            times[number][operation].append(holders[number].time_us(operation))
    return [{operation: sorted(each) for operation, each in mine.items()} for mine in times]


def percentile(ordered, share):
    return ordered[len(ordered) * share // 100]
