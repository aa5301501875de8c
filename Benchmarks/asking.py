"""A client of the controller's interface: what the figures need of HTTP."""
import contextlib
import http.client
import json
import socket

from rig import NotMeasured

OPEN_METRICS = "application/openmetrics-text;version=1.0.0"


class Asking:
    """A connection that is kept, to an address or a Unix socket."""

    def __init__(self, place):
        if place.startswith("/"):
            self.connection = http.client.HTTPConnection("localhost")
            self.connection.sock = socket.socket(socket.AF_UNIX)
            self.connection.sock.settimeout(10)
            self.connection.sock.connect(place)
        else:
            self.connection = http.client.HTTPConnection(place, timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def begin(self, method, path, body=None, accept="*/*"):
        self.connection.request(method, path, None if body is None else json.dumps(body), {"Accept": accept})

    def answer(self):
        response = self.connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise NotMeasured(f"the controller answers {response.status}: {body.decode(errors='replace')}")
        return body

    def get(self, path, accept="*/*"):
        self.begin("GET", path, accept=accept)
        return self.answer()


def is_answered(place):
    """Whether somebody answers there."""
    with contextlib.suppress(OSError), Asking(place) as asking:
        return asking.get("/healthz") == b"ok\n"
    return False


def buckets(place, histogram):
    """How many values of a histogram fell into each bucket alone, by its bound, in seconds."""
    with Asking(place) as asking:
        lines = asking.get("/metrics").decode().splitlines()
    start = f'{histogram}_bucket{{le="'
    sums = {float(line[len(start):].split('"')[0]): int(line.split()[-1]) for line in lines if line.startswith(start)}
    return {bound: count - below for (bound, count), below in zip(sums.items(), [0, *sums.values()])}
