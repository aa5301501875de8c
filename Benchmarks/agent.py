"""What a node's agent costs that is granted its limits: the controller with SOURCE=granted, beside the same one with SOURCE=static."""
import contextlib
import time

import controller
import coordinator
import kubernetes
from asking import OPEN_METRICS, Asking
from report import Figure
from rig import NotMeasured, median

# Starting is over by then. A minute has in it what is done once a minute.
BEGIN_S, REST_S = 8, 60
SCRAPES = 5
PAIRS = 3
# How often both of them sample and decide is what it is where nobody says anything: that an agent does more of it by itself is a part of
# what it costs.
USUAL = {"SAMPLE_INTERVAL": "10s", "STABILISATION_TIME": "5m"}
STATIC = {**USUAL, "SOURCE": "static", "MAX_SOURCE": "200W"}


@contextlib.contextmanager
def granting(binary, directory, count):
    """A coordinator with so many nodes: what makes a controller the agent of one. The environment of each."""
    place = directory / "granting"
    with coordinator.serving(binary, place, count, contingencyNodes=0) as (leader, certificate, tokens):
        agents = []
        for name, token in tokens.items():
            (place / f"{name}.token").write_text(token)
            agents.append({**USUAL, "SOURCE": "granted", "GRANT_URL": f"https://127.0.0.1:{leader.port}",
                           "GRANT_TOKEN_FILE": str(place / f"{name}.token"), "GRANT_CA_FILE": certificate.authority, "NODE_NAME": name})
        yield agents


def beside(binary, helper_binary, directory, cpu):
    """Of each source some on Kubernetes and some without, all at once. They are left alone for a minute, and then scraped a few times. Memory is
    that of several, because the kernel maps up to 16 pages of the file around one that is touched, and which these are depends on the random
    address that a start gets."""
    with granting(binary, directory, 2 * PAIRS) as agents, contextlib.ExitStack() as stack:
        running, doubles = {}, []
        for number, granted in enumerate(agents):
            for source, environment in [("static", STATIC), ("granted", granted)]:
                place = directory / f"{source}-{number}"
                if number % 2:
                    setting = kubernetes.Setting(binary, helper_binary, place, cpu, **environment)
                    process = stack.enter_context(setting).controller
                    doubles.append(setting.double)
                else:
                    setting = controller.Setting(binary, helper_binary, place, cpu)
                    # Of a lease and of an end each source has its own.
                    for name in ("MAX_SOURCE", "LEASE_TIME", "ON_EXIT"):
                        del setting.environment[name]
                    setting.environment |= environment
                    stack.enter_context(setting.helper)
                    process = stack.enter_context(setting.controller())
                running.setdefault((source, "node" if number % 2 else "alone"), []).append((setting.address, process))
        time.sleep(BEGIN_S)
        processes = {which: [process for _, process in some] for which, some in running.items()}
        before = {which: [process.cpu_time_ns() for process in some] for which, some in processes.items()}
        began_ns = time.monotonic_ns()
        time.sleep(REST_S)
        passed_ns = time.monotonic_ns() - began_ns
        percent = {which: [(process.cpu_time_ns() - start) / passed_ns * 100 for process, start in zip(some, before[which])]
                   for which, some in processes.items()}
        # As there is one a minute.
        for double in doubles:
            double.tell("bookmark")
        for _ in range(SCRAPES):
            for which, some in running.items():
                for address, _ in some:
                    with Asking(address) as asking:
                        page = asking.get("/metrics", OPEN_METRICS)
                    if which[0] == "granted" and b"\npowercap_grant_watts " not in page:
                        raise NotMeasured("controller: an agent: it isn't granted anything")
            time.sleep(1)
        resident, anonymous = ({which: [process.resident_mb(field) for process in some] for which, some in processes.items()}
                               for field in ("VmRSS", "RssAnon"))

    def more(values, where):
        return median(values["granted", where]) - median(values["static", where])

    def megabytes(where):
        return f"{more(resident, where):.2f} MB (medians of {PAIRS}: {span(resident['granted', where])}; RssAnon {more(anonymous, where):.2f} MB"
    static = {where: f"{median(resident['static', where]):.2f} MB with SOURCE=static ({span(resident['static', where])})" for where in ("node", "alone")}
    yield Figure("controller: CPU time of a node's agent, more than with SOURCE=static", more(percent, "node"),
                 f"{more(percent, 'node'):.3f} % of a core ({more(percent, 'alone'):.3f} % without Kubernetes; a report every 2 s)",
                 f"{median(percent['static', 'node']):.3f} % with SOURCE=static")
    yield Figure("controller: VmRSS of a node's agent, more than with SOURCE=static", more(resident, "node"), f"{megabytes('node')})", static["node"])
    yield Figure("controller: VmRSS of a node's agent without Kubernetes, more than with SOURCE=static", more(resident, "alone"),
                 f"{megabytes('alone')}; nothing else there has TLS)", static["alone"])


def span(sizes):
    return f"{min(sizes):.2f} to {max(sizes):.2f}"
