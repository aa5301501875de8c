"""The controller's figures where it is asked: what an answer costs, and how soon an order is followed."""
import contextlib
import os
import random
import time

from asking import OPEN_METRICS, Asking, is_answered
from client import APPLY, Client, limits
from controller import Setting
from helper import packages
from report import Figure
from rig import LIMIT_FILE, Helper, NotMeasured, median, p99, server, volatile_directory

ANSWERS, BLOCK = 1000, 50
ORDERS = 200
# Of a node with two packages, in W.
ORDERED = (100, 140)
PATIENCE_S = 5


def answers(binary, helper_binary, directory, cpu):
    """CPU time of answers over a connection that is kept, in blocks of each kind by turns. That of `ok` is the null: connection, parser and
    loop are in it as well."""
    kinds = {"null": ("/healthz", "*/*"), "text": ("/metrics", "text/plain"), "OpenMetrics": ("/metrics", OPEN_METRICS),
             "page": ("/", "*/*")}
    setting = Setting(binary, helper_binary, directory / "answers", cpu, server(8))
    with setting.helper, setting.controller() as controller, Asking(setting.address) as asking:
        sizes = {kind: len(asking.get(*request)) for kind, request in kinds.items()}
        spent = dict.fromkeys(kinds, 0)
        for _ in range(ANSWERS // BLOCK):
            for kind, (path, accept) in kinds.items():
                before = controller.cpu_time_ns()
                for number in range(BLOCK):
                    # Who asks for the same as the one before has the same answer, which costs next to nothing.
                    asking.get(path, f"{accept}, x/{number % 2}")
                spent[kind] += controller.cpu_time_ns() - before
    each = {kind: nanoseconds / ANSWERS / 1e6 for kind, nanoseconds in spent.items()}
    print(f"\nCPU time in ms of an answer, and its bytes, on a node with 8 packages: {ANSWERS:,} of each kind over one\nconnection, by turns")
    for kind, request in kinds.items():
        print(f"  {request[0]:10}{kind:>12}{each[kind]:>9.3f}{sizes[kind]:>9,}")
    text, open_metrics = (each[kind] - each["null"] for kind in ("text", "OpenMetrics"))
    most = max(text, open_metrics)
    yield Figure("controller: CPU time of a scrape, 8 packages", most, f"{most:.2f} ms (text {text:.2f}, OpenMetrics {open_metrics:.2f})",
                 f"{each['null']:.3f} ms GET /healthz, which isn't in it", ratio=most / each["null"])


def orders(binary, helper_binary, cpu, other_cpu):
    """From connecting to the control socket to the limit in the register's file, by turns with a client that asks a helper of its own for
    the same."""
    if other_cpu is None:
        raise NotMeasured("controller: order: the program that watches the limit needs a second CPU")
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(volatile_directory())
        setting = Setting(binary, helper_binary, directory / "orders", cpu)
        stack.enter_context(setting.helper)
        stack.enter_context(setting.controller())
        direct = stack.enter_context(Helper(helper_binary, directory / "direct", cpu))
        client = stack.enter_context(Client(direct.socket))
        token, indexes = client.acquire(), packages(client)

        def ordered(watts):
            with Asking(setting.socket) as asking:
                asking.begin("PUT", "/override/limit", {"limit": f"{watts}W", "for": "1h"})
                seen = when_limited(setting.helper, watts)
                asking.answer()
            return seen

        def applied(watts):
            client.ask(APPLY, token + limits(indexes, watts * 500_000))
            return when_limited(direct, watts)

        times = {ordered: [], applied: []}
        source, turns, allowed = random.Random(1), list(times), os.sched_getaffinity(0)
        os.sched_setaffinity(0, {other_cpu})
        try:
            for number in range(ORDERS):
                source.shuffle(turns)
                for turn in turns:
                    start = time.perf_counter()
                    times[turn].append((turn(ORDERED[number % 2]) - start) * 1e3)
                # It is at rest when somebody orders something.
                time.sleep(0.02)
        finally:
            os.sched_setaffinity(0, allowed)
    ours, null = times[ordered], times[applied]
    yield Figure("controller: `set` to limit in force, p99", p99(ours), f"{p99(ours):.1f} ms (of {ORDERS}; median {median(ours):.2f} ms)",
                 f"{p99(null):.1f} ms (median {median(null):.2f} ms) a client of the helper itself", ratio=median(ours) / median(null))


def when_limited(helper, watts):
    """The time at which the first of two packages has its half, in whole steps of the hardware."""
    file, wanted, end = helper.root / LIMIT_FILE, watts * 500_000, time.perf_counter() + PATIENCE_S
    while int(file.read_text().split()[0]) != wanted:
        if time.perf_counter() > end:
            raise NotMeasured(f"controller: order: {watts} W is not in force after {PATIENCE_S} s")
    return time.perf_counter()
