"""What a node's agent costs that is granted its limits: the controller with SOURCE=granted, beside the same one with SOURCE=static."""
import contextlib
import time

import controller
import coordinator
import kubernetes
from asking import OPEN_METRICS, Asking
from report import Figure
from rig import NotMeasured

# Starting is over by then. A minute has in it what is done once a minute.
BEGIN_S, REST_S = 8, 60
SCRAPES = 5
# How often both of them sample and decide is what it is where nobody says anything: that an agent does more of it by itself is a part of
# what it costs.
USUAL = {"SAMPLE_INTERVAL": "10s", "STABILISATION_TIME": "5m"}
STATIC = {**USUAL, "SOURCE": "static", "MAX_SOURCE": "200W"}


@contextlib.contextmanager
def granting(binary, directory):
    """A coordinator with one node: what makes a controller that node's agent."""
    place = directory / "granting"
    with coordinator.serving(binary, place, 1, contingencyNodes=0) as (leader, certificate, tokens):
        [(name, token)] = tokens.items()
        (place / "token").write_text(token)
        yield {**USUAL, "SOURCE": "granted", "GRANT_URL": f"https://127.0.0.1:{leader.port}", "GRANT_TOKEN_FILE": str(place / "token"),
               "GRANT_CA_FILE": certificate.authority, "NODE_NAME": name}


def beside(binary, helper_binary, directory, cpu):
    """Four at once: with each source on Kubernetes and without. They are left alone for a minute, and then scraped a few times."""
    with granting(binary, directory) as granted, contextlib.ExitStack() as stack:
        running, doubles = {}, []
        for source, environment in [("static", STATIC), ("granted", granted)]:
            alone = controller.Setting(binary, helper_binary, directory / f"{source}-alone", cpu)
            # Of a lease and of an end each source has its own.
            for name in ("MAX_SOURCE", "LEASE_TIME", "ON_EXIT"):
                del alone.environment[name]
            alone.environment |= environment
            stack.enter_context(alone.helper)
            running[source, "alone"] = alone.address, stack.enter_context(alone.controller())
            node = kubernetes.Setting(binary, helper_binary, directory / f"{source}-node", cpu, **environment)
            running[source, "node"] = node.address, stack.enter_context(node).controller
            doubles.append(node.double)
        time.sleep(BEGIN_S)
        before = {which: process.cpu_time_ns() for which, (_, process) in running.items()}
        began_ns = time.monotonic_ns()
        time.sleep(REST_S)
        passed_ns = time.monotonic_ns() - began_ns
        percent = {which: (process.cpu_time_ns() - before[which]) / passed_ns * 100 for which, (_, process) in running.items()}
        # As there is one a minute.
        for double in doubles:
            double.tell("bookmark")
        for _ in range(SCRAPES):
            for which, (address, _) in running.items():
                with Asking(address) as asking:
                    page = asking.get("/metrics", OPEN_METRICS)
                if which[0] == "granted" and b"\npowercap_grant_watts " not in page:
                    raise NotMeasured("controller: an agent: it isn't granted anything")
            time.sleep(1)
        resident, anonymous = ({which: process.resident_mb(field) for which, (_, process) in running.items()}
                               for field in ("VmRSS", "RssAnon"))

    def more(values, where):
        return values["granted", where] - values["static", where]
    yield Figure("controller: CPU time of a node's agent, more than with SOURCE=static", more(percent, "node"),
                 f"{more(percent, 'node'):.3f} % of a core ({more(percent, 'alone'):.3f} % without Kubernetes; a report every 2 s)",
                 f"{percent['static', 'node']:.3f} % with SOURCE=static")
    yield Figure("controller: VmRSS of a node's agent, more than with SOURCE=static", more(resident, "node"),
                 f"{more(resident, 'node'):.2f} MB (RssAnon {more(anonymous, 'node'):.2f} MB)", f"{resident['static', 'node']:.2f} MB with SOURCE=static")
    yield Figure("controller: VmRSS of a node's agent without Kubernetes, more than with SOURCE=static", more(resident, "alone"),
                 f"{more(resident, 'alone'):.2f} MB (RssAnon {more(anonymous, 'alone'):.2f} MB; nothing else there has TLS)",
                 f"{resident['static', 'alone']:.2f} MB with SOURCE=static")
