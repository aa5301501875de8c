"""A stand-in for the coordinator: HTTPS as the node wants it, and answers that a test scripts."""
import http.server
import json
import pathlib
import ssl
import subprocess
import threading
import time


def certificate(directory):
    """A key and a certificate of its own for 127.0.0.1, which is its own authority."""
    directory = pathlib.Path(directory)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=coordinator", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", directory / "tls.key",
         "-out", directory / "tls.crt"], check=True, capture_output=True)
    return directory / "tls.crt", directory / "tls.key"


class Coordinator:
    """Answers each report by `answer`, a function of the report that gives a grant's members, (status, members), bytes, or None for
    no answer at all. What was reported is in `reports`, each with the time when it came."""

    def __init__(self, pair, answer=None):
        self.answer = answer or self.granting(100)
        self.is_closing = False
        self.reports, self.tokens, self.connections = [], [], 0
        self.changed = threading.Condition()
        coordinator = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                coordinator.connections += 1

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                report = json.loads(body)
                with coordinator.changed:
                    coordinator.tokens.append(self.headers["Authorization"])
                    coordinator.reports.append((time.monotonic(), report))
                    coordinator.changed.notify_all()
                answer = coordinator.answer(report) if self.path == "/v1/grant" else (404, {"error": "no such path"})
                if answer is None:
                    # The node gives up first.
                    self.close_connection = True
                    with coordinator.changed:
                        coordinator.changed.wait_for(lambda: coordinator.is_closing, 10)
                    return
                fields = {}
                status, answer = answer if isinstance(answer, tuple) else (200, answer)
                if isinstance(answer, dict):
                    fields = answer.pop("headers", {})
                    answer = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(answer)), **fields}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def granting(self, watts, minimum=20, **more):
        """Grants the same again and again."""
        return lambda report: grant(report, watts, minimum, **more)

    def await_report(self, since=0, deadline_s=20, such=lambda report: True):
        """The first report from number `since` on of which `such` holds."""
        deadline = time.monotonic() + deadline_s
        with self.changed:
            while True:
                for _, report in self.reports[since:]:
                    if such(report):
                        return report
                if not self.changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"no such report within {deadline_s} s: {self.reports[-3:]}")

    def close(self):
        with self.changed:
            self.is_closing = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()


def grant(report, watts, minimum=20, ttl_ms=10_000, ask_ms=500, epoch=7, **more):
    members = {
        "version": 1, "epoch": epoch, "nonce": report["nonce"], "limitMicrowatts": int(watts * 1e6),
        "minimumMicrowatts": int(min(minimum, watts) * 1e6), "ttlMilliseconds": ttl_ms, "askAgainMilliseconds": ask_ms,
        "budgets": [{"name": "site", "limitMicrowatts": 400_000_000, "countedMicrowatts": 380_000_000, "nodes": 4, "silent": 1,
                     "binding": True}]}
    members.update(more)
    return {name: value for name, value in members.items() if value is not None}
