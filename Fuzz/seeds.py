"""Writes the fuzzers' first inputs: the vectors' frames, a state file, conversations made of the vectors' requests, and what
recorded API servers answered."""
import json
import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = pathlib.Path(sys.argv[1])

HEAD = b"""boot 6f1c2a0e-0b5d-4c3e-9a8b-7c6d5e4f3a2b
generation 12
"""
ORIGINALS = [
    b"original 150000000 999424 intended 60000000 1000000 in-force 60000000 999424 limit-and-window\n",
    b"original 150000000 999424 intended 60000000 999424 in-force 60000000 999424 limit\n",
    b"original 180000000 2440 unchanged\n",
]
SECOND_STATE = b"raplhelper-state 2\n" + HEAD + b"".join(b"constraint " + zone + b" " + original for zone, original in zip([
    b"long_term 0 of intel-rapl:0 intel-rapl 1 package-0", b"long_term 0 of intel-rapl:1 intel-rapl 1 package-1",
    b"short_term 1 of intel-rapl:1:0 intel-rapl 2 package-1 dram"], ORIGINALS))
STATE = SECOND_STATE.replace(b"state 2\n", b"state 3\n").replace(b"generation 12\n", b"generation 12\nbegun at-fallback\n").replace(
    b" limit\n", b" limit fallback 45000000\n")
# As 0.1.0 wrote it.
FIRST_STATE = b"raplhelper-state 1\n" + HEAD + b"".join(b"constraint " + zone + b" " + original for zone, original in zip([
    b"intel-rapl:0 package-0 0 long_term", b"intel-rapl:1 package-1 0 long_term", b"intel-rapl:1:0 dram 1 short_term"], ORIGINALS))

# The longest record that there can be.
NAME, SETTING = b"n" * 63, b"18446744073709551615 18446744073709551615"
LONGEST = STATE.split(b"constraint")[0].replace(b"12", b"18446744073709551615") + b"constraint " + NAME + b" 3 of " + NAME + b" " + NAME + \
    b" 6" + 6 * (b" " + NAME) + b" original " + SETTING + b" intended " + SETTING + b" in-force " + SETTING + b" limit-and-window fallback 18446744073709551615\n"

# Steps of Conversation.swift: 1 Hello, 2 AcquireControl, 3 Apply, 4 Renew or Release, 5 time passes, 6 reconnect, 7 meddle.
# With the high bit set a request comes in two pieces.
HELLO, OTHER_HELLO, ACQUIRE, OTHER_ACQUIRE = b"\x01", b"\x09", b"\x02\xff\x7f", b"\x0a\xff\x7f"
APPLY = b"\x03\x00\x60\xea\x00\x00"
APPLY_TWO = b"\x13\x20\x60\xea\x00\x00\xe8\x03\x02\x60\xea\x00\x00"
APPLY_FALLBACK = b"\x03\x40\x60\xea\x00\x00\xc8\xaf\x00\x00"
APPLY_TO_READ_ONLY, APPLY_TO_IGNORING = b"\x13\x00\x60\xea\x00\x00\x0a\x60\xea\x00\x00", b"\x13\x00\x60\xea\x00\x00\x12\x60\xea\x00\x00"
RENEW, RESTORE, FALLBACK, HOLD, PASS, RECONNECT, MEDDLE = b"\x04", b"\x14", b"\x34", b"\x54", b"\x05\xff\xff", b"\x06", b"\x07\x01\x02\x03\x00"
CONVERSATIONS = [
    HELLO + ACQUIRE + APPLY + RENEW + RESTORE,
    HELLO + ACQUIRE + APPLY_TWO + HOLD + ACQUIRE + RESTORE,
    HELLO + ACQUIRE + APPLY + PASS + ACQUIRE + APPLY,
    HELLO + ACQUIRE + APPLY + MEDDLE + RESTORE,
    HELLO + ACQUIRE + APPLY_FALLBACK + FALLBACK + ACQUIRE + APPLY + PASS + ACQUIRE + RESTORE,
    b"\x81\x0a" + b"\x82\xff\x7f\x03" + b"\x83" + APPLY[1:] + b"\x12" + RESTORE,
    HELLO + ACQUIRE + APPLY_TO_READ_ONLY + APPLY_TO_IGNORING + RESTORE,
    HELLO + ACQUIRE + APPLY + RECONNECT + OTHER_HELLO + OTHER_ACQUIRE + PASS,
]


def write(target, name, data):
    folder = CORPUS / target
    if folder.is_dir():
        (folder / f"seed-{name}").write_bytes(data)


frames = {}
for block in (ROOT / "Tests/Fixtures/protocol/vectors.txt").read_text().split("\n\n")[1:]:
    lines = block.split("\n")
    digits = "".join(line[5:] for line in lines if line.startswith("hex "))
    frames[lines[0][5:]] = bytes.fromhex(digits)
replies = {}
for name, data in frames.items():
    write("frames", name, data)
    if data[4] < 0x80 and len(data) < 256:
        write("conversation", name, HELLO + b"\x00" + bytes([len(data)]) + data)
    replies.setdefault(data[4], data[8:])
write("state", "changed", STATE)
write("state", "second", SECOND_STATE)
write("state", "first", FIRST_STATE)
write("state", "longest", LONGEST)
for number, steps in enumerate(CONVERSATIONS):
    write("conversation", str(number), steps)

# The payloads of a whole run, in the order of Replies.swift: the first of each kind that the vectors have.
RUN = [0x81, 0x82, 0x83, 0x84, 0x86, 0x83, 0x86, 0x85, 0x87]
for end in range(1, len(RUN) + 1):
    write("replies", str(end), b"".join(struct.pack("<H", len(replies[kind])) + replies[kind] for kind in RUN[:end]))

# What the API server of the recordings answered: bodies, and the lines of watches.
for file in sorted((ROOT / "Tests/Fixtures/kubernetes").glob("[0-9]*.json")):
    response = json.loads(file.read_text())["response"]
    lines = [entry["line"] for entry in response.get("stream", [])] or [response.get("body")]
    data = b"\n".join(json.dumps(line, separators=(",", ":")).encode() for line in lines)
    if len(data) <= 4096:
        write("answers", file.stem, data)
OVERRIDES = {"powercap.dev/paused": "false", "powercap.dev/limit": "120W", "powercap.dev/max-source": "1kW", "powercap.dev/min-power": "9"}
write("answers", "overrides", json.dumps({"metadata": {"resourceVersion": "1", "annotations": OVERRIDES}}).encode())

# Files of a source, orders as they come in, and an answer on the controller's socket.
for file in sorted((ROOT / "Tests/Fixtures/sources").iterdir()):
    write("files", file.stem, file.read_bytes())
write("files", "limit", b'{"limit":"120W","for":"1h","reason":"hot aisle"}')
write("files", "pause", b'{"for":"ever"}')
write("files", "answer", b'HTTP/1.1 403 Forbidden\r\nContent-Length: 15\r\n\r\n{"error":"no"}\n')

# Paths, times, a zone's file, and answers of services: the first byte says which.
SIGNALS = ROOT / "Tests/Fixtures/signals"
for number, row in enumerate(json.loads((SIGNALS / "expected.json").read_text())):
    for path in row["configuration"].values():
        if isinstance(path, str) and path.startswith("$"):
            write("signals", f"path-{number}-{len(path)}", b"\0" + path.encode())
TIMES = ["2026-06-15T22:00Z", "2026-06-16 00:00:00.5+0200", "1781560800000", "25/10/2026 02:00:00 (CEST) - 25/10/2026 02:00:00 (CET)", "P1DT15M",
         "CET-1CEST,M3.5.0,M10.5.0/3"]
for number, time in enumerate(TIMES):
    write("signals", f"time-{number}", b"\1" + time.encode())
zone = pathlib.Path("/usr/share/zoneinfo/Europe/Berlin")
if zone.exists():
    write("signals", "zone", b"\2" + zone.read_bytes())
    # Of the least time that 64 bits hold.
    header = zone.read_bytes()[:20]
    clocks = struct.pack(">6I", 0, 0, 0, 0, 1, 0) + bytes(6) + header + struct.pack(">6Iq", 0, 0, 0, 1, 1, 0, -(1 << 63)) + bytes(7)
    write("signals", "zone-least", b"\2" + header + clocks + b"\n\n")
write("signals", "path-longest", b"\0$" + b".*" * 100)
for file in sorted(SIGNALS.iterdir()):
    if not file.name.startswith("expected"):
        write("signals", file.name, b"\3" + file.read_bytes())

# What a pod's token says of itself, and what an API server says of one.
CLAIMS = {"aud": ["powercap-coordinator"], "exp": 1795492800, "kubernetes.io": {"namespace": "powercap-system", "node": {"name": "n1"}}}
REVIEW = {"authenticated": True, "audiences": ["powercap-coordinator"],
          "user": {"username": "system:serviceaccount:powercap-system:powercap-controller", "uid": "1", "groups": ["system:serviceaccounts"],
                   "extra": {"authentication.kubernetes.io/node-name": ["n1"], "authentication.kubernetes.io/pod-name": ["p1"]}}}
write("tokens", "claims", json.dumps(CLAIMS).encode())
write("tokens", "token", b"eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4IiwiZXhwIjoxfQ.c2lnbmF0dXJl")
write("tokens", "review", json.dumps({"kind": "TokenReview", "status": REVIEW}).encode())
write("tokens", "error", json.dumps({"status": {"error": "[invalid bearer token]"}}).encode())
