"""A client's connection: HTTP/1.1 with keep-alive."""
import http.server
import json
import socket
import ssl
import struct

from api import Request
from faults import EndOfWatch, Over
from resources import Target
from statuses import Refused
from tokens import ANONYMOUS
from watch import Waker, Watch

# Go's server sends a longer body in chunks.
CHUNKED_FROM = 2048
CHUNK = 4096


class Counted:
    """A file that counts what is read from it."""

    def __init__(self, file):
        self.file, self.count = file, 0

    def readline(self, *size):
        line = self.file.readline(*size)
        self.count += len(line)
        return line

    def read(self, size):
        data = self.file.read(size)
        self.count += len(data)
        return data

    def close(self):
        self.file.close()


class Connection(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        self.connection, self.sent, self.is_logged = self.request, 0, True
        self.path = "-"  # There is no request yet.
        self.fault = self.server.faults.take("connect", "")
        if self.fault:
            self.server.say(f"connect {self.fault.kind}")
            if self.fault.is_instead:
                self.fault.happen(self)
            self.deliver(b"", b"")
        if self.server.context:
            try:
                self.connection.do_handshake()
            except ssl.SSLError as error:
                self.server.say(f"handshake failed: {error.reason}")
                raise
        super().setup()
        self.rfile = Counted(self.rfile)

    # One request.

    def respond(self):
        if "Transfer-Encoding" in self.headers:
            self.send_error(411)  # The controller's client always knows how long its body is.
            raise Over
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked = Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.received, self.rfile.count = self.rfile.count, 0
        self.sent, self.user, self.fault, self.code, self.is_logged = 0, ANONYMOUS, None, None, False
        try:
            self.attempt()
        finally:
            self.log()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = respond

    def attempt(self):
        refused = None
        try:
            target = Target.parse(self.command, self.path)
            self.user = self.server.api.tokens.user(self.asked.header("authorization"))
        except Refused as error:
            refused, target = error, Target(self.path.partition("?")[0], {}, self.command.lower())
        self.fault = self.server.faults.take(target.verb, target.path)
        if self.fault and self.fault.is_instead:
            self.fault.happen(self)
            return
        try:
            if refused:
                raise refused
            if self.fault:
                self.fault.prepare(self)
            code, answer = self.server.api.answer(self.asked, target, self.user)
        except Refused as error:
            code, answer = error.code, error.status
        if isinstance(answer, Watch):
            self.stream(answer)
        else:
            self.send(code, answer)

    def stream(self, watch):
        events, cause = 0, None
        watch.open()
        try:
            self.deliver(self.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}), b"")
            self.log()
            self.server.say(f"watch {self.path} {self.user.name}")
            for event in watch.lines(self.connection):
                events += 1
                self.fault = self.server.faults.take("event", watch.target.path)
                if self.fault and self.fault.is_instead:
                    self.fault.happen(self, event)
                else:
                    self.write_event(event)
            if watch.cause == "client":
                raise Over
            self.write(b"0\r\n\r\n")
        except OSError:
            cause = "client"
            raise
        except Over:
            cause = "fault" if self.fault else None
            raise
        except EndOfWatch:
            cause = "fault"
            self.write(b"0\r\n\r\n")
        finally:
            watch.close()
            self.server.say(f"watched {self.path} {events} {self.sent} {cause or watch.cause}")

    # Writing.

    def write(self, data):
        self.sent += len(data)
        if data:
            self.connection.sendall(data)

    def deliver(self, head, body):
        if self.fault and not self.fault.is_instead:
            self.fault.deliver(self, head, body)
        else:
            # Whoever has the answer finds the request in the log.
            self.log(len(head) + len(body))
            self.write(head + body)

    def head(self, code, headers):
        self.code = code
        lines = [f"HTTP/1.1 {code} {self.responses.get(code, ('Unknown',))[0]}", "Cache-Control: no-cache, private",
                 f"Date: {self.date_time_string()}", *(f"{name}: {value}" for name, value in headers.items())]
        if self.close_connection:
            lines.append("Connection: close")
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def send(self, code, answer, headers=None):
        headers = dict(headers or {})
        headers |= {"Warning": ", ".join(f'299 - "{text}"' for text in self.asked.warnings)} if self.asked.warnings else {}
        headers |= {"X-Content-Type-Options": "nosniff"} if code == 403 or isinstance(answer, str) else {}
        if isinstance(answer, str):
            self.send_bytes(code, answer.encode(), "text/plain; charset=utf-8", headers)
        else:
            self.send_bytes(code, encoded(answer, is_indented="gitVersion" in answer), "application/json", headers)

    def send_bytes(self, code, data, media_type, headers=None):
        headers = {"Content-Type": media_type} | (headers or {})
        if len(data) > CHUNKED_FROM:
            head = self.head(code, headers | {"Transfer-Encoding": "chunked"})
            data = b"".join(chunk(data[start:start + CHUNK]) for start in range(0, len(data), CHUNK)) + b"0\r\n\r\n"
        else:
            head = self.head(code, headers | {"Content-Length": len(data)})
        self.deliver(head, b"" if self.command == "HEAD" else data)

    def write_chunk(self, data):
        self.write(chunk(data))

    def write_event(self, event):
        self.deliver(b"", chunk(encoded(event)))

    # Ends that no client wants.

    def reset(self):
        """Closing a socket that lingers for no time sends RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Over

    def freeze(self):
        """Until the faults are forgotten, or the client goes."""
        waker = Waker()
        with self.server.frozen(waker):
            self.log()
            self.server.say(f"frozen {self.path}")
            waker.wait(self.connection)
        waker.close()
        raise Over

    # The log: a line for each request.

    def log(self, coming=0):
        """- coming: bytes that are about to be sent."""
        if not self.is_logged:
            self.is_logged = True
            row = {"method": self.command, "path": self.path, "status": self.code, "received": self.received, "sent": self.sent + coming,
                   "user": self.user.name, "fault": self.fault.kind if self.fault else None}
            self.server.requests.append(row)
            self.server.say("request " + " ".join(str("-" if value is None else value) for value in row.values()))

    def log_message(self, *_):
        pass


def encoded(thing, is_indented=False):
    if is_indented:
        return json.dumps(thing, indent=2).encode()
    text = json.dumps(thing, separators=(",", ":"), ensure_ascii=False)
    # Go's encoder escapes these, in strings; they are nowhere else.
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode() + b"\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)
