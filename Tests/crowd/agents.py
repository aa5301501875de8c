#!/usr/bin/env python3
"""Many clients of one HTTPS server, each of which keeps a connection and posts over it at a pace.

usage: agents.py PORT CA [COUNT=2000] [SECONDS=20] [PACE_S=2] [PID=0] [PATH=/posted]

Prints how long all handshakes took, what became of the posts, how long answers took and, where PID is the server's, its processor time for each
and its memory for each connection. Exit status 1 where one wasn't answered.
"""
import os
import resource
import selectors
import socket
import ssl
import sys
import time

TOKEN = "x" * 1200
BODY = (b'{"version":1,"node":"n1","boot":"6f1c2a0e-3f0b-4a55-9e0f-0c7d6a1d2b3c","nonce":12,"inForceMicrowatts":120000000,'
        b'"restMicrowatts":60000000,"floorMicrowatts":20000000,"ceilingMicrowatts":240000000,"demandMicrowatts":180000000,"bootsAtRest":true}')
PATIENCE_S = 30


def processor_s(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kb(pid):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS:"))


class Agent:
    def __init__(self, context, port, selector):
        self.selector, self.asked, self.answer = selector, None, b""
        plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setblocking(False)
        self.socket = context.wrap_socket(plain, server_hostname="localhost", do_handshake_on_connect=False)
        self.isReady = False
        selector.register(self.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self)

    def shake(self):
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            return self.selector.modify(self.socket, selectors.EVENT_READ, self)
        except ssl.SSLWantWriteError:
            return None
        self.isReady = True
        self.selector.modify(self.socket, selectors.EVENT_READ, self)

    def post(self, request):
        self.asked, self.answer = time.monotonic(), b""
        self.socket.send(request)

    def read(self):
        """Seconds that a whole answer took; None as long as there is none."""
        try:
            piece = self.socket.recv(4096)
        except ssl.SSLWantReadError:
            return None
        if not piece:
            raise ConnectionResetError
        self.answer += piece
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end or self.asked is None:
            return None
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:"))
        if len(body) < length:
            return None
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ConnectionResetError(head)
        taken, self.asked = time.monotonic() - self.asked, None
        return taken


def main(port, ca, count=2000, seconds=20, pace=2, pid=0, path="/posted"):
    port, count, seconds, pace, pid = int(port), int(count), float(seconds), float(pace), int(pid)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    request = (f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: powercap-controller/1.0\r\nAuthorization: Bearer {TOKEN}\r\n"
               f"Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n").encode() + BODY
    context = ssl.create_default_context(cafile=ca)
    selector = selectors.DefaultSelector()
    before_kb, before_s = (memory_kb(pid), processor_s(pid)) if pid else (0, 0)
    started = time.monotonic()
    agents, lost = [], 0
    while len(agents) < count or not all(agent.isReady for agent in agents):
        if len(agents) < count:
            agents.append(Agent(context, port, selector))
        for key, _ in selector.select(0 if len(agents) < count else 1):
            if not key.data.isReady:
                try:
                    key.data.shake()
                    # Who has posted nothing has a newcomer's place.
                    if key.data.isReady:
                        key.data.post(request)
                except OSError:
                    lost += 1
                    selector.unregister(key.data.socket)
                    agents.remove(key.data)
        if time.monotonic() - started > PATIENCE_S:
            break
    shaken = time.monotonic() - started
    hands_s = processor_s(pid) - before_s if pid else 0

    def listen(until):
        nonlocal lost
        for key, _ in selector.select(max(0, until - time.monotonic())):
            try:
                taken = key.data.read()
                if taken is not None:
                    times.append(taken)
            except OSError:
                lost += 1
                selector.unregister(key.data.socket)
                agents.remove(key.data)

    times = []
    while any(agent.asked is not None for agent in agents) and time.monotonic() - started < PATIENCE_S:
        listen(time.monotonic() + 1)
    times.clear()
    start, posted, before_s = time.monotonic(), 0, processor_s(pid) if pid else 0
    while (now := time.monotonic()) < start + seconds:
        due = int((now - start) * count / pace)
        while posted < due and agents:
            agent = agents[posted % len(agents)]
            posted += 1
            if agent.asked is None:
                agent.post(request)
        listen(start + (posted + 1) * pace / count)
    while any(agent.asked is not None for agent in agents) and time.monotonic() < start + seconds + PATIENCE_S:
        listen(time.monotonic() + 1)
    used_s = processor_s(pid) - before_s if pid else 0
    times.sort()
    print(f"connections={len(agents)} lost={lost} handshakes_s={shaken:.2f} posted={posted} answered={len(times)}",
          f"median_ms={times[len(times) // 2] * 1e3:.2f} p99_ms={times[len(times) * 99 // 100] * 1e3:.2f} longest_ms={times[-1] * 1e3:.2f}",
          end="" if pid else "\n")
    if pid:
        print(f" us_for_each={used_s / len(times) * 1e6:.1f} us_for_each_handshake={hands_s / count * 1e6:.0f}",
              f"kB_for_each_connection={(memory_kb(pid) - before_kb) / len(agents):.1f} memory_MB={memory_kb(pid) / 1024:.1f}")
    return 1 if lost or len(times) != posted or len(agents) != count else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
