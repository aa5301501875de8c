"""What goes wrong: with which requests, how often, and how."""
import dataclasses
import fnmatch
import gzip
import itertools
import json
import threading
import time

from statuses import status

# `event` is an event of a running watch, `connect` a connection before its TLS handshake.
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "event", "connect", "*")
GARBAGE = bytes(range(128, 256)) * 8
PIECE = 7


class Over(Exception):
    """The connection has no more requests to expect."""


class EndOfWatch(Exception):
    """The watch ends as it does at its timeout."""


@dataclasses.dataclass
class Fault:
    left: int  # Negative: for ever.
    verb: str
    pattern: str
    kind: str
    arguments: list

    def __post_init__(self):
        """A mistake in a test's line is found when it is said."""
        if self.verb not in VERBS or self.kind not in INSTEAD | DELIVERIES:
            raise ValueError(f"no fault {self.kind} of {self.verb}")
        if self.kind in ("delay", "late", "status", "endless"):
            self.arguments = [int(argument) for argument in self.arguments]
        if self.verb == "event" and self.kind in HEADS:
            raise ValueError(f"{self.kind} is of a head, which an event has none of")
        if self.kind == "fill" and (not self.arguments or self.arguments[0] not in FILLINGS):
            raise ValueError(f"fill takes one of {', '.join(FILLINGS)}")
        if self.kind in ("delay", "late", "status", "redirect") and not self.arguments:
            raise ValueError(f"{self.kind} takes an argument")

    def concerns(self, verb):
        """`*` is every request; a connection and an event are none."""
        return self.verb == verb or self.verb == "*" and verb not in ("connect", "event")

    @property
    def is_instead(self):
        return self.kind in INSTEAD

    def prepare(self, connection):
        """Before a request is carried out."""
        if self.kind == "webhook":
            change_override(connection.asked)
        if self.kind == "late":
            connection.server.say(f"late {connection.path}")
            time.sleep(self.arguments[0] / 1000)

    def happen(self, connection, event=None):
        INSTEAD[self.kind][2](connection, self.arguments, event)

    def deliver(self, connection, head, body):
        DELIVERIES[self.kind][2](connection, self.arguments, head, body)


class Faults:
    def __init__(self):
        self.lock = threading.Lock()
        self.faults = []

    def add(self, fault):
        with self.lock:
            self.faults.append(fault)

    def take(self, verb, path):
        """The fault that happens to this request, if any. Of several it's the oldest one."""
        with self.lock:
            for fault in self.faults:
                if fault.concerns(verb) and fnmatch.fnmatchcase(path, fault.pattern):
                    fault.left -= 1
                    if fault.left == 0:
                        self.faults.remove(fault)
                    return fault
        return None

    def forget(self):
        with self.lock:
            self.faults.clear()


# What happens instead of carrying out a request, or instead of an event.

def freeze(connection, arguments, event):
    connection.freeze()


def reset(connection, arguments, event):
    connection.reset()


def close(connection, arguments, event):
    raise Over


def refuse(connection, arguments, event):
    code, *seconds = arguments
    refusal = status(code, f"the test wants {code}")
    if event is None:
        connection.send(code, refusal, {"Retry-After": seconds[0]} if seconds else {})
    else:
        connection.write_event({"type": "ERROR", "object": refusal})
        raise EndOfWatch


def say(connection, arguments, event):
    say_bytes(connection, " ".join(arguments).encode(), event)


def say_garbage(connection, arguments, event):
    say_bytes(connection, GARBAGE, event)


def say_bytes(connection, data, event):
    if event is None:
        connection.send_bytes(200, data, "application/json")
    else:
        connection.write_chunk(data + b"\n")


def go_on(connection, arguments, event):
    if event is None:
        connection.write(connection.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}))
    connection.write_chunk(b'{"type":"MODIFIED","kind":"Node","object":{"metadata":{"name":"')
    for _ in range((arguments or [64])[0] * 16):
        connection.write_chunk(b"x" * 65536)
    raise Over


def fill(connection, arguments, event):
    """A list, or an object of an event, that is as large as it says and has more in it than anybody wants."""
    kind, size = arguments[0], int((arguments[1:] or ["2000"])[0]) * 1000
    head, unit, tail = FILLINGS[kind]
    start = b'{"metadata":{"resourceVersion":"1"},"items":[' if event is None else \
        b'{"type":"MODIFIED","object":{"metadata":{"name":"node-a","uid":"u","resourceVersion":"2"},"x":['
    end = b"]}" if event is None else b"]}}"
    if kind == "deep":
        units = [b"[" * (size // 2), b"]" * (size // 2)]
    else:
        count = max(1, (size - len(start) - len(head) - len(tail) - len(end)) // (len(unit(0)) + (kind not in ("text", "key", "value"))))
        units = [b",".join(unit(index) for index in range(count)) if kind not in ("text", "key", "value") else unit(0) * count]
    data = start + head + b"".join(units) + tail + end
    if event is None:
        connection.send_bytes(200, data, "application/json")
    else:
        connection.write_chunk(data + b"\n")


OWN = b'{"metadata":{"name":"node-a","uid":"u","resourceVersion":"1","annotations":{'
# What stands before the units, a unit by its number, and what stands behind them.
FILLINGS = {
    "numbers": (b"", lambda _: b"0", b""),
    "lists": (b"", lambda _: b"[0]", b""),
    "objects": (b"", lambda _: b'{"":0}', b""),
    "nested": (b"", lambda _: b'{"":{"":{"":{}}}}', b""),
    "deep": (b"", None, b""),
    "text": (b'{"metadata":"\\n', lambda _: b"a", b'"}'),
    "key": (b'{"metadata":{"', lambda _: b"a", b'":0}}'),
    "items": (b"", lambda index: b'{"metadata":{"name":"node-%06d","uid":"u","resourceVersion":"1"}}' % index, b""),
    "annotations": (OWN, lambda index: b'"%08x":"%016d"' % (index, index), b"}}}"),
    "own": (OWN, lambda index: b'"powercap.dev/%08x":"%016d"' % (index, index), b"}}}"),
    "same": (OWN, lambda index: b'"powercap.dev/limit":"%dW"' % (100 + index % 800), b"}}}"),
    "value": (OWN + b'"powercap.dev/limit":"', lambda _: b"9", b'"}}}'),
}


def go_on_with_heads(connection, arguments, event):
    connection.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    for number in range(64 << 10):
        connection.write(b"X-Header-%d: %s\r\n" % (number, b"x" * 1000))
    raise Over


def go_on_with_one_head(connection, arguments, event):
    connection.write(b"HTTP/1.1 200 OK\r\nX-Header: ")
    for _ in range(64 << 4):
        connection.write(b"x" * 65536)
    raise Over


def hint(connection, arguments, event):
    while True:
        connection.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 100)


def encode(connection, arguments, event):
    data = gzip.compress(bytes(64 << 20), 1)
    name = "Transfer-Encoding" if arguments == ["transfer"] else "Content-Encoding"
    connection.write(connection.head(200, {"Content-Type": "application/json", name: "gzip", "Connection": "close"}) + data)
    raise Over


def trickle(connection, arguments, event):
    if event is None:
        connection.write(connection.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}))
    while True:
        connection.write_chunk(b" ")
        time.sleep(0.02)


def redirect(connection, arguments, event):
    connection.write(connection.head(302, {"Location": arguments[0], "Content-Length": 0}))


def speak_otherwise(connection, arguments, event):
    connection.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    raise Over


# What happens to an answer or to an event on its way.

def delay(connection, arguments, head, body):
    time.sleep(arguments[0] / 1000)
    connection.write(head + body)


def drip(connection, arguments, head, body):
    data = head + body
    for start in range(0, len(data), PIECE):
        connection.write(data[start:start + PIECE])


def half(connection, arguments, head, body):
    connection.write(head + body[:len(body) // 2])
    INSTEAD[(arguments or ["close"])[0]][2](connection, [], None)


def lose(connection, arguments, head, body):
    connection.reset()


def deliver_all(connection, arguments, head, body):
    connection.write(head + body)


NUMBERS = itertools.count()


def change_override(request):
    """As an admission webhook may that changes what it is asked about."""
    body = json.loads(request.body)
    body.setdefault("metadata", {}).setdefault("annotations", {})["powercap.dev/limit"] = f"{20 + next(NUMBERS) % 60}W"
    request.body = json.dumps(body).encode()


# What goes wrong before a body.
HEADS = {"headers", "header", "hints", "gzip", "webhook", "late"}
# The arguments of each, and what it does.
INSTEAD = {
    "freeze": ("", "nothing comes back, and the connection stays open", freeze),
    "reset": ("", "the connection is reset", reset),
    "close": ("", "the connection is closed", close),
    "status": ("CODE [SECONDS]", "a Status of this code comes back, with Retry-After; to a watch its last event, an ERROR", refuse),
    "body": ("[TEXT]", "200 comes back with this text; to a watch a line of it", say),
    "garbage": ("", "the same with bytes that are no text", say_garbage),
    "endless": ("[MB]", "the same with a body or a line that goes on and on (64 MB)", go_on),
    "fill": ("KIND [KB]", "200 comes back with a list of so much (2000 kB); to a watch an event", fill),
    "headers": ("", "the head goes on with lines, for 64 MB", go_on_with_heads),
    "header": ("", "the head goes on with one line, for 64 MB", go_on_with_one_head),
    "hints": ("", "103 comes back, again and again", hint),
    "gzip": ("[transfer]", "200 comes back with 64 MB of zeros, compressed", encode),
    "trickle": ("", "200 comes back, and a blank now and then, for ever", trickle),
    "redirect": ("URL", "302 comes back", redirect),
    "nohttp": ("", "what comes back is no HTTP, or no chunk of a watch", speak_otherwise),
}
DELIVERIES = {
    "delay": ("MS", "it comes so much later", delay),
    "late": ("MS", "it is carried out so much later, whether anybody still waits for it or not", deliver_all),
    "drip": ("", f"it comes in pieces of {PIECE} bytes", drip),
    "half": ("[close|freeze|reset]", "the head and half of the body or of the line come, and then this happens", half),
    "webhook": ("", "a patch sets another powercap.dev/limit by the way, a new one each time", deliver_all),
    "lost": ("", "the connection is reset in its place", lose),
}
