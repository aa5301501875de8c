"""What the doubles of services with devices have in common: lines of commands on standard input, a line for each request on standard output."""
import contextlib
import http.server
import json
import socket
import socketserver
import ssl
import sys
import threading


class State:
    """Faults by path, and the lock of everything that a double knows."""

    def __init__(self):
        self.lock, self.faults, self.awake = threading.RLock(), {}, threading.Event()

    def fault(self, method, path):
        """The fault of this request; None where there is none, or no more."""
        with self.lock:
            for key in (f"{method}:{path}", path, f"{method}:*"):
                left, fault = self.faults.get(key, (0, None))
                if fault is None or left == 0:
                    continue
                self.faults[key] = (left - 1, fault) if left is not None else (None, fault)
                return fault
        return None

    def forget(self):
        with self.lock:
            self.faults = {}
            self.awake.set()
            self.awake = threading.Event()


def say(line):
    with say.lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


say.lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    """Whoever inherits has `respond(body)`, which gives status, document and fields."""

    protocol_version = "HTTP/1.1"
    state = None

    def log_message(self, *_):
        pass

    def address_string(self):
        return "local"

    def handle_any(self):
        received = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        fault = self.state.fault(self.command, self.path.split("?")[0])
        fields = {name.lower(): value for name, value in self.headers.items()}
        say("request " + json.dumps({"method": self.command, "target": self.path, "fields": fields, "body": received,
                                     "fault": fault[0] if fault else ""}))
        if not fault:
            return self.answer(*self.respond(received))
        getattr(self, "fault_" + fault[0].replace("-", "_"))(received, *fault[1:])

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any

    def answer(self, status, document=None, fields=()):
        body = b"" if document is None else document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    # Faults, by their names.

    def fault_status(self, received, status, *retry_after):
        self.answer(int(status), {"error": {"message": "as told"}}, [("Retry-After", after) for after in retry_after])

    def fault_hang(self, received):
        """Nothing is done, and nothing is said."""
        self.close_connection = True
        self.state.awake.wait()

    def fault_mute(self, received):
        """It is done, and nothing is said."""
        self.respond(received)
        self.fault_hang(received)

    def fault_late(self, received):
        """It is done when faults are forgotten, long after whoever asked has gone."""
        self.fault_hang(received)
        self.respond(received)

    def fault_reset(self, received):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    def fault_garbled(self, received):
        self.answer(200, b'{"half":')

    def fault_body(self, received, *words):
        self.answer(200, " ".join(words).encode())


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, handler, context=None):
        self.context = context
        self.address_family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        super().__init__(address, handler)

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", 0

    def finish_request(self, request, client_address):
        if self.context:
            request = self.context.wrap_socket(request, server_side=True)
        with contextlib.suppress(OSError, ValueError):  # The client went, or a fault ended it.
            self.RequestHandlerClass(request, client_address, self)
        with contextlib.suppress(OSError):
            request.close()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (OSError, ssl.SSLError)):
            super().handle_error(request, client_address)


def serve(server, state, facts, execute):
    """Answers until standard input ends."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say("ready " + json.dumps(facts))
    for line in sys.stdin:
        words = line.split()
        if words[0] == "fault":
            with state.lock:
                state.faults[words[1]] = (None if words[2] == "every" else int(words[2]), words[3:])
        elif words[0] == "forget":
            state.forget()
        else:
            execute(words)
        say("done " + line.rstrip("\n"))
