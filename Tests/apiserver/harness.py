"""The double as a child of a test, and a client for it."""
import http.client
import json
import pathlib
import random
import socket
import ssl
import subprocess
import sys
import threading
import unittest
import urllib.parse

PROGRAM = pathlib.Path(__file__).resolve().parent / "apiserver"
DEADLINE_S = 20
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
MERGE = "application/merge-patch+json"


def free_port():
    """For a server that is about to start: none that the kernel gives to others' connections meanwhile (ip_local_port_range)."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Double:
    """A running double. Its lines are in `lines`; `next` waits for one."""

    def __init__(self, *flags):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", PROGRAM, *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.lines, self.cursor, self.news = [], 0, threading.Condition()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self.facts = json.loads(self.next("ready ").partition(" ")[2])
        self.address = urllib.parse.urlparse(self.facts["url"])

    def _read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append(line.rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.lines.append(None)
            self.news.notify_all()

    def next(self, start):
        """The next line that starts so; those before it are passed over."""
        with self.news:
            while True:
                if not self.news.wait_for(lambda: self.cursor < len(self.lines), DEADLINE_S) or self.lines[self.cursor] is None:
                    raise AssertionError(f"the double never said {start!r}, but {self.lines}")
                self.cursor += 1
                if self.lines[self.cursor - 1].startswith(start):
                    return self.lines[self.cursor - 1]

    def wait_for(self, start):
        """Until there has been a line that starts so. What a command causes can come before its `done`."""
        with self.news:
            if not self.news.wait_for(lambda: any(line and line.startswith(start) for line in self.lines), DEADLINE_S):
                raise AssertionError(f"the double never said {start!r}, but {self.lines}")

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        return self.next(f"done {line}")

    def ask(self, line):
        """The JSON that the double prints for a line."""
        self.process.stdin.write(line + "\n")
        word = line.split()[0]
        return json.loads(self.next("object " if word == "show" else f"{word} ").partition(" ")[2])

    @property
    def token(self):
        return pathlib.Path(self.facts["token_file"]).read_text()

    def connect(self, ca="ca"):
        if self.address.scheme == "http":
            return http.client.HTTPConnection(self.address.netloc, timeout=DEADLINE_S)
        context = ssl.create_default_context(cafile=self.facts[ca])
        return http.client.HTTPSConnection(self.address.netloc, timeout=DEADLINE_S, context=context)

    def connect_plainly(self):
        """A socket, before TLS."""
        return socket.create_connection((self.address.hostname, self.address.port), DEADLINE_S)

    def stop(self):
        self.process.stdin.close()
        status = self.process.wait(DEADLINE_S)
        self.reader.join()
        self.process.stdout.close()
        return status


class DoubleCase(unittest.TestCase):
    def start(self, *flags):
        double = Double(*flags)
        self.addCleanup(double.stop)
        return double

    def send(self, double, method, path, body=None, connection=None, token=None, **headers):
        """A request's response, whose head has been read."""
        if connection is None:
            connection = double.connect()
            self.addCleanup(connection.close)
        token = double.token if token is None else token
        fixed = {"Authorization": f"Bearer {token}"} if token else {}
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        fixed |= {"User-Agent": "powercap-controller/0", "Accept": "application/json"}
        connection.request(method, path, data, fixed | headers)
        return connection.getresponse()

    def ask(self, double, method, path, body=None, **keywords):
        """The status and the object."""
        response = self.send(double, method, path, body, **keywords)
        return response.status, json.loads(response.read())


def lines(response):
    """The events of a watch."""
    for line in response:
        yield json.loads(line)
