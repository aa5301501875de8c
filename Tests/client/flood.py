#!/usr/bin/env python3
"""Keeps a helper as busy as it can until it is told to end: flood.py SOCKET KIND

Prints `flooding` when it has begun, and at SIGTERM how often it has done what it does.
"""
import itertools
import random
import selectors
import signal
import socket
import struct
import sys

from powercap_client import MAGIC, VERSION, Client, encode_frame

CONNECTIONS = 60
# Requests that are outstanding on a connection, as long as their replies fit into the socket's buffer.
PIPELINED, OUTSTANDING_BYTES = 32, 65536
HELLO = encode_frame("Hello", 0, {"magic": MAGIC, "lowest_version": VERSION, "highest_version": VERSION, "client_name": "flood"})


def requests(path, frame, fields=None):
    """On many connections: requests without pause, whose replies are read."""
    request = encode_frame(frame, 1, fields or {})
    selector = selectors.DefaultSelector()
    for _ in range(CONNECTIONS):
        client = Client(path)
        client.hello("flood")
        client.socket.sendall(request)
        reply_bytes = len(client.exactly(struct.unpack("<I", client.exactly(4))[0])) + 4
        client.socket.setblocking(False)
        selector.register(client.socket, selectors.EVENT_READ, client)
        count = min(PIPELINED, OUTSTANDING_BYTES // reply_bytes)
        client.socket.send(count * request)
        client.owed = count * reply_bytes
    while True:
        for key, _ in selector.select():
            client, received = key.data, len(key.data.socket.recv(1 << 20))
            if not received:
                sys.exit("flood: the helper closed a connection that reads its replies")
            client.owed -= received
            if client.owed == 0:
                client.owed = count * reply_bytes
                client.socket.send(count * request)
                yield count


def connect(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(path)
    return client


def garbage(path):
    """Bytes that are no frames. A seed makes it the same in every run."""
    source = random.Random(1)
    while True:
        with connect(path) as client:
            client.sendall(source.randbytes(64))
            yield 1


def connections(path):
    """Closed as soon as they are made."""
    while True:
        connect(path).close()
        yield 1


def greetings(path):
    """Connections that say Hello and then nothing, the oldest closed for the newest."""
    held = [connect(path) for _ in range(CONNECTIONS)]
    for turn in itertools.cycle(range(CONNECTIONS)):
        held[turn].close()
        held[turn] = connect(path)
        held[turn].sendall(HELLO)
        yield 1


def unread(path):
    """Requests whose replies nobody reads, until the helper closes the connection."""
    while True:
        with connect(path) as client:
            try:
                client.sendall(HELLO)
                while True:
                    client.sendall(encode_frame("ReadSample", 1, {}))
                    yield 1
            except (BrokenPipeError, ConnectionResetError):
                pass


KINDS = {
    "Ping": lambda path: requests(path, "Ping"),
    "ReadSample": lambda path: requests(path, "ReadSample"),
    "ListZones": lambda path: requests(path, "ListZones", {"first": 0}),
    "wrong tokens": lambda path: requests(path, "Renew", {"token": random.Random(1).getrandbits(64)}),
    "garbage": garbage, "connections": connections, "greetings": greetings, "unread replies": unread,
}


def main():
    path, kind = sys.argv[1:]
    done = 0

    def end(*_):
        print(done, flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    for count in KINDS[kind](path):
        if not done:
            print("flooding", flush=True)
        done += count


if __name__ == "__main__":
    main()
