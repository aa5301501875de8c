"""A client of the helper: what the figures need of the protocol."""
import socket
import struct

from rig import NotMeasured

HELLO, LIST_ZONES, READ_SAMPLE, ACQUIRE_CONTROL, RENEW, APPLY, PING = 1, 2, 3, 4, 5, 6, 8


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.ask(HELLO, struct.pack("<4sBBB5s", b"PWRC", 3, 3, 5, b"bench"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, opcode, payload=b""):
        """The payload of the reply, which must be the one that belongs to the request."""
        self.socket.sendall(struct.pack("<IBBH", 4 + len(payload), opcode, 0, 0) + payload)
        length, kind = struct.unpack("<IBxxx", self.receive(8))
        reply = self.receive(length - 4)
        if kind != opcode | 0x80:
            raise NotMeasured(f"request 0x{opcode:02x} is answered with 0x{kind:02x} {reply!r}")
        return reply

    def receive(self, count):
        received = b""
        while len(received) < count:
            part = self.socket.recv(count - len(received))
            if not part:
                raise NotMeasured("the helper closed the connection")
            received += part
        return received

    def zone_ids(self):
        """The zones' ids in the helper's order."""
        ids, total = [], 1
        while len(ids) < total:
            reply = self.ask(LIST_ZONES, struct.pack("<H", len(ids)))

            def name(at):
                return reply[at + 1:at + 1 + reply[at]].decode(), at + 1 + reply[at]
            _, at = name(4)
            total, count = struct.unpack_from("<HH", reply, at)
            at += 4
            for _ in range(count):
                at = name(at + 4)[1]
                id, at = name(at)
                at = name(at)[1] + 10
                ids.append(id)
                for _ in range(reply[at - 1]):
                    at = name(at + 1)[1] + 66
        return ids

    def acquire(self, lease_ms=30_000):
        return self.ask(ACQUIRE_CONTROL, struct.pack("<IQ", lease_ms, 0))[:8]

    def ask_everything(self, requests, token, packages):
        """Every kind of request in turn. An Apply changes the limit of each package, to one of two values."""
        for number in range(requests // 5):
            limit = 100_000_000 + number % 2 * 1_000_000
            self.ask(PING)
            self.ask(READ_SAMPLE)
            self.ask(LIST_ZONES, b"\0\0")
            self.ask(RENEW, token)
            self.ask(APPLY, token + limits(packages, limit))


def limits(zones, limit_uw):
    """What an Apply asks for: the same of the first limit of each zone, without a time window or a fallback limit."""
    return bytes([len(zones)]) + b"".join(struct.pack("<HBBQQBQ", zone, 0, 0, limit_uw, 0, 0, 0) for zone in zones)
