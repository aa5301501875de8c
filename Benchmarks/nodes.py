#!/usr/bin/env python3
"""Many nodes that report to one coordinator over TLS, each over a connection that is kept, and take what they are granted.

usage: nodes.py PORT CA TOKENS PID SECONDS

TOKENS has a line `NODE TOKEN` for each. When all have been granted something they go on for SECONDS, as often as they are told to; each
wants something else every ten minutes or so. Prints the figures of that time as JSON: of PID the processor time and the memory, and how long answers took.
"""
import heapq
import json
import os
import random
import resource
import selectors
import socket
import ssl
import sys
import time
import uuid

W = 1_000_000
CEILING, FLOOR = 400 * W, 40 * W
PATIENCE_S = 120


def processor_s(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS:")) / 1024


class Node:
    def __init__(self, name, token, port, context, selector):
        self.name, self.token, self.port, self.context, self.selector = name, token, port, context, selector
        self.boot, self.nonce, self.epoch = str(uuid.uuid4()), 0, 0
        self.in_force = self.rest = CEILING
        self.demand = random.choice((100, 200, 400)) * W
        self.granted, self.asked, self.took_s, self.socket = False, None, 0.0, None

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = self.context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.socket.setblocking(False)
        self.selector.register(self.socket, selectors.EVENT_READ, self)

    def ask(self):
        if self.socket is None:
            self.connect()
        self.nonce += 1
        body = json.dumps({
            "version": 1, "node": self.name, "boot": self.boot, "nonce": self.nonce, "epoch": self.epoch, "inForceMicrowatts": self.in_force,
            "restMicrowatts": self.rest, "floorMicrowatts": FLOOR, "ceilingMicrowatts": CEILING, "demandMicrowatts": self.demand,
            "bootsAtRest": True}).encode()
        self.asked, self.answer = time.monotonic(), b""
        self.socket.send(
            f"POST /v1/grant HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer {self.token}\r\nAccept: application/json\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    def read(self):
        """After how many seconds it is to ask again; None as long as there is no whole answer."""
        try:
            piece = self.socket.recv(16384)
        except ssl.SSLWantReadError:
            return None
        if not piece:
            # One that waits for nothing connects when it asks the next time.
            again_s = self.lose()
            return again_s if self.asked else None
        self.answer += piece
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end:
            return None
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(body) < int(fields[b"content-length"]):
            return None
        self.asked, self.took_s = None, time.monotonic() - self.asked
        if not head.startswith(b"HTTP/1.1 200 "):
            self.granted = False
            return float(fields.get(b"retry-after", 1)) if b"close" not in fields.get(b"connection", b"") else self.lose()
        answer = json.loads(body)
        self.epoch = answer["epoch"]
        if "limitMicrowatts" in answer:
            self.granted, self.in_force = True, answer["limitMicrowatts"]
            self.rest = min(self.in_force, max(FLOOR, answer["minimumMicrowatts"]))
        return answer["askAgainMilliseconds"] / 1e3

    def lose(self):
        self.selector.unregister(self.socket)
        self.socket.close()
        self.socket, self.granted = None, False
        return 1.0


def main(port, ca, tokens, pid, seconds):
    port, pid, seconds = int(port), int(pid), float(seconds)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    context, selector = ssl.create_default_context(cafile=ca), selectors.DefaultSelector()
    nodes = [Node(*line.split(), port, context, selector) for line in open(tokens)]
    started = time.monotonic()
    due = [(started + number * 2 / len(nodes), number) for number in range(len(nodes))]
    numbers = {id(node): number for number, node in enumerate(nodes)}
    begun, before_s, times, settled_s = None, 0, [], None
    while True:
        now = time.monotonic()
        if begun is None and (all(node.granted for node in nodes) or now > started + PATIENCE_S):
            settled_s, begun, before_s = now - started, now, processor_s(pid)
        if begun and now > begun + seconds:
            break
        while due and due[0][0] <= now:
            node = nodes[heapq.heappop(due)[1]]
            if begun and random.random() < 0.005:
                node.demand = random.choice((100, 200, 400)) * W
            node.ask()
        for key, _ in selector.select(max(0, (due[0][0] if due else now + 1) - time.monotonic())):
            node = key.data
            again_s = node.read()
            if again_s is not None:
                if begun:
                    times.append(node.took_s)
                heapq.heappush(due, (time.monotonic() + again_s, numbers[id(node)]))
    times.sort()
    print(json.dumps({
        "granted": sum(node.granted for node in nodes), "settled_s": settled_s, "answers": len(times), "seconds": seconds,
        "processor_s": processor_s(pid) - before_s, "memory_mb": memory_mb(pid), "median_ms": times[len(times) // 2] * 1e3,
        "p99_ms": times[len(times) * 99 // 100] * 1e3}))


main(*sys.argv[1:])
