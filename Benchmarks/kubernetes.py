"""The controller's figures while it watches its Node: what it sends, how soon it follows an override, what it takes."""
import datetime
import json
import math
import pathlib
import socket
import ssl
import statistics
import subprocess
import sys
import time
import urllib.parse

import controller
from asking import OPEN_METRICS, Asking
from report import Figure
from rig import LIMIT_FILE, Helper, NotMeasured, Running, places

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests/apiserver"))
from harness import Double

IDLE_CYCLES, CHANGES, CHANGING_CYCLES = 20, 100, 20
MEMORY_S = 75
# One change of the overrides a second is followed at once.
PACE = 1.05
NODE = "node-0"


class Setting:
    """A controller on a helper of its own, watching a Node of 15 kB over TLS, and asked as one that is installed is. A cycle takes a
    second."""

    def __init__(self, binary, helper_binary, directory, cpu, under=(), **settings):
        directory.mkdir()
        self.command, self.directory, self.cpu = [*under, binary, "run"], directory, cpu
        self.helper = Helper(helper_binary, self.directory / "helper", cpu)
        self.settings = {"SOURCE": "static", "MAX_SOURCE": "200W", **places(directory), **settings}
        self.address = self.settings["METRICS_ADDRESS"]
        self.node = self.settings.setdefault("NODE_NAME", NODE)

    def __enter__(self):
        self.helper.__enter__()
        self.double = Double("--node", self.node)
        self.double.tell(f"node {self.node} large")
        facts = self.double.facts
        environment = {"TZ": "UTC", "RAPLHELPER_SOCKET": str(self.helper.socket), "SAMPLE_INTERVAL": "1s",
                       "STABILISATION_TIME": "1s", "KUBERNETES": "on", "KUBE_SERVER": facts["url"],
                       "KUBE_TOKEN_FILE": facts["token_file"], "KUBE_CA_FILE": facts["ca"], **self.settings}
        self.controller = Running(self.command, self.directory / "kubernetes.log", self.cpu, environment)
        self.controller.__enter__()
        self.controller.wait_for(lambda: "Node condition set" in self.controller.log.read_text(), "doesn't publish")
        # The Events of the first limits.
        time.sleep(2)
        return self

    def __exit__(self, *problem):
        self.controller.__exit__(*problem)
        self.double.stop()
        self.helper.__exit__(*problem)

    def requests(self):
        return self.double.ask("requests")

    def limit(self):
        return int((self.helper.root / LIMIT_FILE).read_text().split()[0])

    def override(self, watts):
        self.double.process.stdin.write(f"annotate {self.node} powercap.dev/limit={watts}W\n")
        self.double.process.stdin.flush()


def figures(binary, helper_binary, directory, cpu):
    with Setting(binary, helper_binary, directory / "kubernetes", cpu) as setting:
        yield from idle(setting)
        yield from overridden(setting)
        yield from reaction(setting)
    with Setting(binary, helper_binary, directory / "kubernetes-morning", cpu, **morning()) as setting:
        yield from changing(setting)


def idle(setting):
    before, sent_before = len(setting.requests()), tcp_bytes(setting)
    time.sleep(IDLE_CYCLES)
    requests, sent = len(setting.requests()) - before, tcp_bytes(setting) - sent_before
    yield Figure("controller: requests and bytes to the API while nothing changes", requests + sent,
                 f"{requests} and {sent} (in {IDLE_CYCLES} cycles)")


def tcp_bytes(setting):
    """What the controller's connections to the server have sent so far (tcp(7), ss)."""
    port = urllib.parse.urlparse(setting.double.facts["url"]).port
    lines = subprocess.run(["ss", "--tcp", "--info", "--no-header", "dport", "=", str(port)], check=True, text=True,
                           stdout=subprocess.PIPE).stdout
    return sum(int(word.split(":")[1]) for word in lines.split() if word.startswith("bytes_sent:"))


def memory(binary, helper_binary, directory, cpu):
    """One is scraped every second, one has no metrics, one no Kubernetes. What starting needs is given back within a minute."""
    scraped, quiet = (Setting(binary, helper_binary, directory / name, cpu, **settings)
                      for name, settings in [("scraped", {}), ("no-metrics", {"METRICS_ADDRESS": "off"})])
    host = controller.Setting(binary, helper_binary, directory / "unwatched", cpu)
    with scraped, quiet, host.helper, host.controller() as alone:
        for _ in range(MEMORY_S):
            for setting in (scraped, host):
                with Asking(setting.address) as asking:
                    asking.get("/metrics", OPEN_METRICS)
            time.sleep(1)
        with_metrics, without = scraped.controller, quiet.controller
        resident = [process.resident_mb() for process in (with_metrics, without, alone)]
        anonymous = [process.resident_mb("RssAnon") for process in (with_metrics, without)]
        peak, threads = with_metrics.resident_mb("VmHWM"), with_metrics.status("Threads")
        with Asking(scraped.address) as asking:
            asking.get("/")
        looked_at = with_metrics.resident_mb()
    yield Figure("controller: VmRSS while it watches, with metrics", resident[0],
                 f"{resident[0]:.2f} MB (for a moment at the start {peak:.1f} MB, for a minute after a look at the page "
                 f"{looked_at:.1f} MB)",
                 f"{resident[2]:.2f} MB without Kubernetes")
    yield Figure("controller: VmRSS while it watches, without metrics", resident[1], f"{resident[1]:.2f} MB")
    yield Figure("controller: RssAnon while it watches", anonymous[0], f"{anonymous[0]:.2f} MB", f"{anonymous[1]:.2f} MB without metrics")
    # The loop's and the log's. The server is given by its address: no name is looked up.
    yield Figure("controller: threads", threads, f"{threads}")


def morning():
    """A curve that is at 200 W now, early in the morning of some time zone, and moves a package's limit in every cycle."""
    now = datetime.datetime.now(datetime.timezone.utc)
    hours = 5 + now.minute / 60 + now.second / 3600
    peak = 200 / math.sin(math.pi / 16 * (hours - 4)) ** 4
    east = (5 - now.hour + 12) % 24 - 12
    # The signs of these names are those of POSIX: Etc/GMT-5 is east of Greenwich.
    return {"SOURCE": "solar", "ALPHA": "4", "MAX_SOURCE": f"{peak:.3f}W", "TIMEZONE": f"Etc/GMT{-east:+d}" if east else "UTC"}


def changing(setting):
    """The source moves the limits: they are written each time, and the Node is patched every tenth time."""
    changes, requests = setting.controller.log.read_text().count('"limit changed"'), len(setting.requests())
    before = setting.controller.cpu_time_ns()
    time.sleep(CHANGING_CYCLES)
    each = (setting.controller.cpu_time_ns() - before) / CHANGING_CYCLES / 1e6
    changes = setting.controller.log.read_text().count('"limit changed"') - changes
    if changes < CHANGING_CYCLES:
        raise NotMeasured(f"controller: changing cycle: {changes} limits changed in {CHANGING_CYCLES} cycles")
    yield Figure("controller: CPU time per changing cycle, traffic to the API included", each,
                 f"{each:.3f} ms (of {CHANGING_CYCLES}: {changes} limits, {len(setting.requests()) - requests} requests)")


def overridden(setting):
    """An override each second: the watch tells of it, limits are written, the Node is patched, the watch tells of that."""
    before = setting.controller.cpu_time_ns()
    for cycle in range(CHANGING_CYCLES):
        setting.override(100 + cycle)
        time.sleep(PACE)
    each = (setting.controller.cpu_time_ns() - before) / CHANGING_CYCLES / 1e6
    idle_before = setting.controller.cpu_time_ns()
    time.sleep(CHANGING_CYCLES)
    nothing = (setting.controller.cpu_time_ns() - idle_before) / CHANGING_CYCLES / 1e6
    yield Figure("controller: CPU time per override, which is answered at once", each,
                 f"{each:.3f} ms (of {CHANGING_CYCLES})", f"{nothing:.3f} ms a cycle without a change")


def reaction(setting):
    """From the administrator's write to the limit in the tree; the null is a watch that does nothing with what it is told."""
    limits, nulls = [], []
    with Watcher(setting.double) as watcher:
        for change in range(CHANGES):
            watts = 60 + change % 2 * 40 + change // 10
            # Half of it is each package's, in whole steps of the hardware.
            wanted = watts * 500_000
            start = time.perf_counter()
            setting.override(watts)
            while setting.limit() != wanted:
                if time.perf_counter() - start > 5:
                    raise NotMeasured(f"controller: override: {watts} W is not in force after 5 s")
            limits.append((time.perf_counter() - start) * 1e3)
            nulls.append((watcher.seen(f"{watts}W") - start) * 1e3)
            time.sleep(PACE)
    limits.sort()
    nulls.sort()
    p99, null = limits[CHANGES * 99 // 100 - 1], nulls[CHANGES * 99 // 100 - 1]
    medians = statistics.median(limits), statistics.median(nulls)
    yield Figure("controller: annotation changed to limit in force, p99", p99,
                 f"{p99:.1f} ms (of {CHANGES}; median {medians[0]:.1f} ms)",
                 f"{null:.1f} ms (median {medians[1]:.1f} ms) a watch in Python is told", ratio=medians[0] / medians[1])


class Watcher:
    """A second watch of the same Node."""

    def __init__(self, double):
        self.double = double

    def __enter__(self):
        url = urllib.parse.urlparse(self.double.facts["url"])
        context = ssl.create_default_context(cafile=self.double.facts["ca"])
        raw = socket.create_connection((url.hostname, url.port))
        self.socket = context.wrap_socket(raw, server_hostname=url.hostname)
        path = f"/api/v1/nodes?watch=1&fieldSelector=metadata.name%3D{NODE}"
        accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nUser-Agent: bench\r\n"
                            f"Authorization: Bearer {self.double.token}\r\n\r\n".encode())
        self.stream = self.socket.makefile("rb")
        return self

    def __exit__(self, *_):
        self.socket.close()

    def seen(self, value):
        """When the value of the override came."""
        for line in self.stream:
            if line.startswith(b"{"):
                notes = json.loads(line)["object"]["metadata"].get("annotations", {})
                if notes.get("powercap.dev/limit") == value:
                    return time.perf_counter()
        raise NotMeasured("controller: override: the second watch ended")
