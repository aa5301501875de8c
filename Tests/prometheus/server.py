"""Serves the pages as the nodes would, the one of now to each scrape, and what else runs on a node."""
import http.server
import pathlib
import threading
import time

# As Kepler and node_exporter show a package in a pod: their page, in which the energy goes up.
OTHERS = """\
# TYPE node_rapl_package_joules_total counter
node_rapl_package_joules_total{{index="0",path="/host/sys/class/powercap/intel-rapl:0"}} {joules}
# TYPE kepler_node_cpu_joules_total counter
kepler_node_cpu_joules_total{{zone="package",path="/host/sys/class/powercap/intel-rapl:0"}} {joules}
# TYPE kepler_pod_cpu_watts gauge
kepler_pod_cpu_watts{{zone="package",pod_name="web-1",pod_namespace="shop"}} 31.5
"""
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Pages(http.server.ThreadingHTTPServer):
    """`/NODE/text` and `/NODE/openmetrics` are its pages; `/others` the stand-ins."""
    daemon_threads = True

    def __init__(self, pages: pathlib.Path):
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server_port}"
        self.pages = {path.name: {ending: sorted((int(page.stem), page) for page in path.glob(f"*.{ending}"))
                                  for ending in ("text", "openmetrics")} for path in pages.iterdir()}
        # The headers `Accept` of those who came.
        self.accepted = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def page(self, node, ending):
        pages = self.pages[node][ending]
        now = time.time()
        return next((page for second, page in reversed(pages) if second <= now), pages[0][1]).read_bytes()

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.accepted.add(self.headers["Accept"])
        parts = self.path.strip("/").split("/")
        if parts == ["others"]:
            body, kind = OTHERS.format(joules=90 * (time.time() % 1e6)).encode(), TEXT
        else:
            body, kind = self.server.page(*parts), OPENMETRICS if parts[1] == "openmetrics" else TEXT
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
