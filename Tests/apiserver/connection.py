"""A client's connection: HTTP/1.1 with keep-alive, and all that can go wrong with it."""
import http.server
import json
import os
import socket
import ssl
import struct
import threading
import time
import traceback

from api import Request
from faults import Faults
from resources import Target
from statuses import Refused, status
from tokens import ANONYMOUS
from watch import Waker, Watch, error

# Go's server sends a longer body in chunks.
CHUNKED_FROM = 2048
GARBAGE = bytes(range(128, 256)) * 8
ENDLESS_MB = 64


class Over(Exception):
    """The connection has no more requests to expect."""


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
    server_version, sys_version = "double", ""

    def setup(self):
        self.waker = Waker()
        super().setup()
        self.rfile = Counted(self.rfile)
        self.sent = 0

    def finish(self):
        self.waker.close()
        super().finish()

    def handle(self):
        try:
            super().handle()
        except (Over, OSError):
            pass  # The client went, or a fault ended it.

    # One request.

    def respond(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.request = Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.received, self.rfile.count = self.rfile.count, 0
        self.sent, self.user, self.fault, self.code = 0, ANONYMOUS, None, "-"
        self.is_logged = False
        try:
            self.attempt()
        finally:
            self.log()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = respond

    def attempt(self):
        refused = None
        try:
            target = Target.parse(self.command, self.path)
            self.user = self.server.api.tokens.user(self.request.header("authorization"))
        except Refused as error:
            refused, target = error, Target(self.path.partition("?")[0], {}, self.command.lower())
        self.fault = self.server.faults.take(target.verb, target.path)
        if self.fault and self.fault.kind != "delay" and self.go_wrong():
            return
        try:
            if refused:
                raise refused
            code, answer = self.server.api.answer(self.request, target, self.user)
        except Refused as error:
            code, answer = error.code, error.status
        if self.fault and self.fault.kind == "delay":
            time.sleep(self.fault.first() / 1000)
        if isinstance(answer, Watch):
            self.stream(answer)
        else:
            self.send(code, answer)

    def go_wrong(self):
        """True when the request isn't carried out."""
        kind = self.fault.kind
        if kind == "freeze":
            self.freeze()
        elif kind == "reset":
            self.reset()
        elif kind == "close":
            raise Over
        elif kind == "status":
            code, *seconds = self.fault.arguments
            headers = {"Retry-After": seconds[0]} if seconds else {}
            self.send(code, status(code, f"the test wants {code}", None if code < 600 else "Unknown"), headers)
        elif kind == "redirect":
            self.write_head(302, {"Location": self.fault.first(), "Content-Length": 0})
        elif kind == "nohttp":
            self.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            raise Over
        elif kind in ("body", "garbage"):
            data = GARBAGE if kind == "garbage" else " ".join(self.fault.arguments).encode()
            self.write_head(200, {"Content-Type": "application/json", "Content-Length": len(data)})
            self.write(data)
        elif kind == "endless":
            self.write_head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
            self.write_endless(b'{"kind":"Node","metadata":{"name":"')
        else:
            return False
        return True

    # Writing.

    def write(self, data):
        self.sent += len(data)
        self.wfile.write(data)

    def write_head(self, code, headers):
        self.code = code
        if self.close_connection:
            headers = headers | {"Connection": "close"}
        self.send_response_only(code)
        self.send_header("Cache-Control", "no-cache, private")
        self.send_header("Date", self.date_time_string())
        for name, value in headers.items():
            self.send_header(name, str(value))
        self._headers_buffer.append(b"\r\n")
        data, self._headers_buffer = b"".join(self._headers_buffer), []
        self.write(data)

    def send(self, code, answer, headers=None):
        headers = dict(headers or {})
        if isinstance(answer, str):
            data, media_type = answer.encode(), "text/plain; charset=utf-8"
        elif "gitVersion" in answer:
            data, media_type = json.dumps(answer, indent=2).encode(), "application/json"
        else:
            data, media_type = compact(answer), "application/json"
        headers["Content-Type"] = media_type
        if isinstance(answer, str) or code == 403:
            headers["X-Content-Type-Options"] = "nosniff"
        if self.command == "HEAD":
            self.write_head(code, headers | {"Content-Length": len(data)})
            return
        if self.fault and self.fault.kind == "lost":
            self.reset()
        if len(data) > CHUNKED_FROM:
            headers["Transfer-Encoding"] = "chunked"
            data = chunk(data) + b"0\r\n\r\n"
        else:
            headers["Content-Length"] = len(data)
        self.write_head(code, headers)
        if self.fault and self.fault.kind == "half":
            self.write(data[:len(data) // 2])
            self.end_half()
        self.write(data)

    def write_endless(self, start):
        self.write(chunk(start))
        filler = chunk(b"x" * 65536)
        for _ in range(int(self.fault.first(ENDLESS_MB)) * 16):
            self.write(filler)
        raise Over

    def end_half(self):
        how = self.fault.first("close")
        if how == "freeze":
            self.freeze()
        elif how == "reset":
            self.reset()
        raise Over

    def reset(self):
        """Closing a socket that lingers for no time sends RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Over

    def freeze(self):
        """Until the fault is forgotten, or the client goes."""
        self.log()
        with self.server.lock:
            self.server.frozen.add(self.waker)
        try:
            self.waker.wait(self.connection)
        finally:
            with self.server.lock:
                self.server.frozen.discard(self.waker)
        raise Over

    # A watch.

    def stream(self, watch):
        watch.open()
        events = 0
        try:
            self.write_head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
            self.log()
            self.server.say(f"watch {self.path} {self.user.name}")
            for event in watch.lines(self.connection):
                self.fault = self.server.faults.take("event", watch.target.path)
                events += 1
                if not (self.fault and self.go_wrong_with(event, watch)):
                    self.write(chunk(compact(event)))
                if watch.cause == "fault":
                    break
            self.write(b"0\r\n\r\n")
        except OSError:
            watch.cause = "client"
        except Over:
            watch.cause = "fault"
        finally:
            watch.close()
            self.server.say(f"watched {self.path} {events} {self.sent} {watch.cause}")
        if watch.cause == "client":
            raise Over

    def go_wrong_with(self, event, watch):
        """True when the event isn't to be written any more."""
        kind, line = self.fault.kind, compact(event)
        if kind == "freeze":
            self.freeze()
        elif kind == "close":
            raise Over
        elif kind in ("reset", "lost"):
            self.reset()
        elif kind == "half":
            self.write(chunk(line[:len(line) // 2]))
            self.end_half()
        elif kind == "delay":
            time.sleep(self.fault.first() / 1000)
            return False
        elif kind == "status":
            code = self.fault.first()
            self.write(chunk(compact(error(code, f"the test wants {code}"))))
            watch.cause = "fault"
        elif kind in ("body", "garbage"):
            text = GARBAGE.replace(b"\n", b"") if kind == "garbage" else " ".join(self.fault.arguments).encode()
            self.write(chunk(text + b"\n"))
        elif kind == "endless":
            self.write_endless(b'{"type":"MODIFIED","object":{"metadata":{"name":"')
        elif kind == "nohttp":
            self.write(b"zz\r\n" + line)
            raise Over
        else:
            return False
        return True

    # The log: a line for each request.

    def log(self):
        if not self.is_logged:
            self.is_logged = True
            fault = f" fault={self.fault.kind}" if self.fault else ""
            self.server.say(f"request {self.command} {self.path} {self.code} {self.received} {self.sent} {self.user.name}{fault}")

    def log_message(self, *_):
        pass


def compact(thing):
    return json.dumps(thing, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Server:
    """Listens, and has a thread for each connection."""

    def __init__(self, api, port, context, say):
        self.api, self.context, self.say = api, context, say
        self.faults = Faults()
        self.lock = threading.Lock()
        self.connections, self.frozen = set(), set()
        self.port = port
        self.listen()

    def listen(self):
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """Connections are refused from now on; those that are open are closed."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.drop()

    def drop(self):
        with self.lock:
            for connection in self.connections:
                try:
                    # Not SSLSocket's own, which another thread must not call.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
                except OSError:
                    pass  # It has gone already.

    def forget(self):
        self.faults.forget()
        with self.lock:
            for waker in self.frozen:
                waker.wake()

    def _accept(self, listener):
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                return  # stop
            threading.Thread(target=self._serve, args=(connection, address), daemon=True).start()

    def _serve(self, connection, address):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fault = self.faults.take("connect", "")
        try:
            if fault:
                self._go_wrong(fault, connection)
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with self.lock:
                self.connections.add(connection)
            Connection(connection, address, self)
        except (Over, OSError, ssl.SSLError) as error:
            if isinstance(error, ssl.SSLError):
                self.say(f"handshake failed: {error.reason}")
        except Exception:  # A mistake of the double's own must end the test, not look like a fault.
            traceback.print_exc()
            os._exit(70)
        finally:
            with self.lock:
                self.connections.discard(connection)
            connection.close()

    def _go_wrong(self, fault, connection):
        if fault.kind == "freeze":
            waker = Waker()
            with self.lock:
                self.frozen.add(waker)
            self.say("connect fault=freeze")
            waker.wait(connection)
            with self.lock:
                self.frozen.discard(waker)
            waker.close()
            raise Over
        if fault.kind == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Over
        if fault.kind == "delay":
            time.sleep(fault.first() / 1000)
