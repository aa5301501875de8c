#!/usr/bin/env python3
"""Clients of one server over TLS, as lines of standard input say. Each line has an answer, which is one line.

usage: secure.py PORT CA

open NAME [VERSION]  shakes hands, with no later version than this: `opened VERSION SERIAL` or `failed WHY`
half NAME BYTES      sends so many bytes of a handshake, 0: its first flight whole: `sent`
raw NAME TEXT        sends text without TLS, on a connection of its own or one that has sent some: `sent`
send NAME TEXT       sends over TLS: `sent`
answer NAME          waits for an answer to a request: `answer STATUS LENGTH BODY-IN-JSON`, or `end` where the connection has ended before
wait NAME            waits for the connection's end: `end SECONDS BYTES`; seconds since the command, bytes that came before
drop NAME            resets the connection: `dropped`
TEXT is a JSON string.
"""
import json
import socket
import ssl
import struct
import sys
import time
import warnings

PATIENCE_S = 30
warnings.simplefilter("ignore", DeprecationWarning)


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()

    def read(self):
        """False at the end, which may be a reset."""
        try:
            piece = self.socket.recv(65536)
        except TimeoutError:
            raise
        except OSError:
            piece = b""
        self.received += piece
        return bool(piece)

    def answer(self):
        while b"\r\n\r\n" not in self.received:
            if not self.read():
                return "end"
        head, _, rest = self.received.partition(b"\r\n\r\n")
        lengths = [int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        self.received = rest
        while len(self.received) < lengths[0]:
            if not self.read():
                return "end"
        body, self.received = self.received[:lengths[0]], self.received[lengths[0]:]
        return f"answer {head.split()[1].decode()} {len(body)} {json.dumps(body[:200].decode(errors='replace'))}"

    def wait(self):
        start, self.received = time.monotonic(), bytearray()
        while self.read():
            pass
        return f"end {time.monotonic() - start:.1f} {len(self.received)}"


def hello(context):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


def main(port, ca):
    port, clients = int(port), {}

    def carry_out(verb, name, rest):
        context = ssl.create_default_context(cafile=ca)
        if verb == "open":
            if rest:
                # What OpenSSL itself would refuse is the server's to refuse here.
                context.minimum_version = context.maximum_version = ssl.TLSVersion[rest]
                context.set_ciphers("DEFAULT:@SECLEVEL=0")
            client = Client(port)
            try:
                client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
            except (OSError, ssl.SSLError) as error:
                return f"failed {error}"
            clients[name] = client
            return f"opened {client.socket.version()} {client.socket.getpeercert()['serialNumber']}"
        if verb == "drop":
            client = clients.pop(name)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.socket.close()
            return "dropped"
        if verb in ("half", "raw") and name not in clients:
            clients[name] = Client(port)
        client = clients[name]
        if verb in ("half", "raw", "send"):
            text = hello(context)[:int(rest) or None] if verb == "half" else json.loads(rest).encode()
            try:
                client.socket.sendall(text)
            except OSError:
                # Its end is what the next command tells of.
                pass
            return "sent"
        return client.answer() if verb == "answer" else client.wait()

    for line in sys.stdin:
        verb, name, *rest = line.rstrip("\n").split(" ", 2)
        print(carry_out(verb, name, rest[0] if rest else ""), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
