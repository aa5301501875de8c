#!/usr/bin/env python3
"""A client of raplhelper in the standard library of Python 3.11, written from docs/protocol.md alone.

  powercap_client.py [--socket PATH] zones     the zones, and between which limits each constraint may be set
  powercap_client.py [--socket PATH] sample    energy or power, and limits now
  powercap_client.py [--socket PATH] apply intel-rapl:0/long_term=60 intel-rapl:1/long_term=60
      sets limits in watts and keeps them until it is interrupted; then the original limits come back.
      With --hold it leaves them and exits: they last until the helper stops.
"""
import argparse
import signal
import socket
import struct
import sys

NUMBERS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "flag": "<?"}
MAGIC, VERSION, HEADER_BYTES, MAXIMUM_BYTES = 0x43525750, 3, 8, 65536
RESTORE, HOLD, FALLBACK = 0, 1, 2

# What is in the way of a limit; with `locked` limits are taken all the same.
OBSTACLES = ["none", "writesRefused", "noLimitFile", "originalUnknown", "ceilingBelowFloor", "locked", "zoneGone", "sameNames",
             "writeDenied", "notGoverned", "unread", "unknownDriver"]
ORIGINAL_KNOWN, ORIGINAL_DISABLED = 1, 16
GONE, WRITING = 1, 2
# What a zone's reading is, with its unit.
READINGS = {1: "J", 2: "W"}

TYPES = {
    "Hello": 0x01, "ListZones": 0x02, "ReadSample": 0x03, "AcquireControl": 0x04, "Renew": 0x05, "Apply": 0x06,
    "Release": 0x07, "Ping": 0x08, "Welcome": 0x81, "Zones": 0x82, "Sample": 0x83, "Control": 0x84, "Renewed": 0x85,
    "Applied": 0x86, "Released": 0x87, "Pong": 0x88, "Refused": 0xFE, "Error": 0xFF,
}

# The document's field tables. `u16?` is 65535 for none, `text` a u8 length with UTF-8, `u8*Item` a count with that many.
LAYOUTS = {
    "Hello": "magic:u32 lowest_version:u8 highest_version:u8 client_name:text",
    "ListZones": "first:u16", "ReadSample": "", "Ping": "", "Pong": "",
    "AcquireControl": "lease_ms:u32 previous_token:u64",
    "Renew": "token:u64",
    "Apply": "token:u64 items:u8*ApplyItem",
    "ApplyItem": "zone:u16 constraint:u8 has_window:flag limit_uw:u64 window_us:u64 has_fallback:flag fallback_uw:u64",
    "Release": "token:u64 disposal:u8",
    "Welcome": "version:u8 boot_id_high:u64 boot_id_low:u64 helper_version:text sandbox:u32 writes:u8 "
               "lease_minimum_ms:u32 lease_maximum_ms:u32 on_lease_expiry:u8 min_power_uw:u64 boot:u8",
    "Zones": "lease_remaining_ms:u32 lease_holder:text total:u16 zones:u16*Zone",
    "Zone": "index:u16 parent:u16? control_type:text id:text name:text reading:u8 max_energy_range_uj:u64 constraints:u8*Constraint",
    "Constraint": "index:u8 name:text flags:u8 obstacle:u8 original_uw:u64 max_power_uw:u64 floor_uw:u64 ceiling_uw:u64 "
                  "original_window_us:u64 requested_uw:u64 fallback_uw:u64 step_uw:u64",
    "Sample": "time_ns:u64 zones:u16*ZoneSample",
    "ZoneSample": "index:u16 flags:u8 enabled:u8 reading_errno:u8 reading:u64 last_write:u16 limits:u8*Limit",
    "Limit": "errno:u8 limit_uw:u64",
    "Control": "token:u64 lease_ms:u32 resumed:flag",
    "Renewed": "lease_ms:u32",
    "Applied": "items:u8*AppliedItem",
    "AppliedItem": "effective_uw:u64 effective_window_us:u64 pending:flag",
    "Released": "restored:u16 foreign:u16 failed:u16 fallback:u16",
    "Refused": "reason:u8 text:text",
    "Error": "code:u16 errno:u16 item:u16? effective_uw:u64 text:text",
}


def encode(layout, fields):
    """The bytes of a payload or of an element of one."""
    out = b""
    for name, kind in (field.split(":") for field in LAYOUTS[layout].split()):
        value = fields[name]
        number, _, element = kind.partition("*")
        if element:
            out += struct.pack(NUMBERS[number], len(value)) + b"".join(encode(element, each) for each in value)
        elif kind == "text":
            out += bytes([len(value.encode())]) + value.encode()
        else:
            out += struct.pack(NUMBERS[kind.rstrip("?")], 0xFFFF if value is None else value)
    return out


def decode(layout, data, at=0):
    """The fields of a payload and where they end."""
    fields = {}
    for name, kind in (field.split(":") for field in LAYOUTS[layout].split()):
        number, _, element = kind.rstrip("?").partition("*")
        number = NUMBERS["u8" if number == "text" else number]
        (value,), at = struct.unpack_from(number, data, at), at + struct.calcsize(number)
        if element:
            count, value = value, []
            for _ in range(count):
                each, at = decode(element, data, at)
                value.append(each)
        elif kind == "text":
            value, at = data[at:at + value].decode(), at + value
        elif kind.endswith("?") and value == 0xFFFF:
            value = None
        fields[name] = value
    return fields, at


def encode_frame(frame, request_id, fields):
    payload = encode(frame, fields)
    return struct.pack("<IBBH", 4 + len(payload), TYPES[frame], 0, request_id) + payload


def decode_frame(data):
    """(type, request id, fields) of one whole frame."""
    length, number, flags, request_id = struct.unpack_from("<IBBH", data)
    frame = next((name for name in TYPES if TYPES[name] == number), None)
    if frame is None or flags or length + 4 != len(data) or len(data) > MAXIMUM_BYTES:
        raise ValueError(f"not a frame of version {VERSION}")
    fields, end = decode(frame, data, HEADER_BYTES)
    if end != len(data):
        raise ValueError(f"{frame} has bytes after its last field")
    return frame, request_id, fields


class Failed(Exception):
    """The helper's Error or Refused; its fields are those of the frame."""

    def __init__(self, fields):
        super().__init__(fields["text"])
        self.fields = fields
        self.code, self.item = fields.get("code"), fields.get("item")


class Client:
    """A connection. Every method sends one request and waits for its reply."""

    def __init__(self, path, timeout_s=30):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Without a timeout, which would make a full queue of connections an error (connect(2), EAGAIN).
        self.socket.connect(path)
        self.socket.settimeout(timeout_s)
        self.request_id = 0

    def close(self):
        self.socket.close()

    def send(self, frame, **fields):
        self.request_id = (self.request_id + 1) & 0xFFFF
        self.socket.sendall(encode_frame(frame, self.request_id, fields))
        return self.request_id

    def receive(self):
        length = self.exactly(4)
        return decode_frame(length + self.exactly(struct.unpack("<I", length)[0]))

    def exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError("the helper closed the connection; its log says why")
            data += more
        return data

    def call(self, frame, **fields):
        request_id = self.send(frame, **fields)
        reply, reply_id, fields = self.receive()
        if reply_id != request_id:
            raise ValueError(f"{reply} answers request {reply_id}, not {request_id}")
        if reply in ("Error", "Refused"):
            raise Failed(fields)
        if TYPES[reply] != TYPES[frame] | 0x80:
            raise ValueError(f"{reply} doesn't answer {frame}")
        return fields

    def hello(self, name="powercap_client.py", lowest=VERSION, highest=VERSION):
        return self.call("Hello", magic=MAGIC, lowest_version=lowest, highest_version=highest, client_name=name)

    def list_zones(self):
        """Zones with all zones in it, however many replies they take."""
        whole = self.call("ListZones", first=0)
        while len(whole["zones"]) < whole["total"]:
            more = self.call("ListZones", first=len(whole["zones"]))["zones"]
            if not more:
                raise ValueError("Zones has fewer zones than it counts")
            whole["zones"] += more
        return whole

    def read_sample(self):
        return self.call("ReadSample")

    def acquire(self, lease_ms, previous_token=0):
        return self.call("AcquireControl", lease_ms=lease_ms, previous_token=previous_token)

    def renew(self, token):
        return self.call("Renew", token=token)["lease_ms"]

    def apply(self, token, items, fallback_uw=None):
        """`items`: (zone, constraint, limit_uw) or (zone, constraint, limit_uw, window_us). `fallback_uw`, where it is given, is
        that of every item; 0 takes it away."""
        return self.call("Apply", token=token, items=[
            {"zone": zone, "constraint": constraint, "limit_uw": limit_uw, "has_window": bool(window),
             "window_us": window[0] if window else 0, "has_fallback": fallback_uw is not None, "fallback_uw": fallback_uw or 0} for zone, constraint, limit_uw, *window in items])["items"]

    def release(self, token, disposal=RESTORE):
        return self.call("Release", token=token, disposal=disposal)

    def ping(self):
        self.call("Ping")


def print_zones(client):
    for zone in client.list_zones()["zones"]:
        print(f"{zone['id']}  {zone['name']}")
        for each in zone["constraints"]:
            original = f"{each['original_uw'] / 1e6:g} W" if each["flags"] & ORIGINAL_KNOWN else "unknown"
            if each["flags"] & ORIGINAL_DISABLED:
                original = "none"
            reach = f"{each['floor_uw'] / 1e6:g} to {each['ceiling_uw'] / 1e6:g} W"
            fallback = f"  fallback {each['fallback_uw'] / 1e6:g} W" if each["fallback_uw"] else ""
            print(f"  {zone['id']}/{each['name']}  original {original}{fallback}  "
                  f"{OBSTACLES[each['obstacle']] if each['obstacle'] else reach}")


def print_sample(client):
    zones, sample = client.list_zones()["zones"], client.read_sample()
    for zone, now in zip(zones, sample["zones"]):
        reading = f"errno {now['reading_errno']}" if now["reading_errno"] else \
            f"{now['reading'] / 1e6:g} {READINGS.get(zone['reading'], '')}"
        writing = "  writing" if now["flags"] & WRITING else ""
        last = f"  last write: error {now['last_write']}" if now["last_write"] else ""
        print(f"{zone['id']}  {zone['name']}  {'gone' if now['flags'] & GONE else reading}{writing}{last}")
        for each, limit in zip(zone["constraints"], now["limits"]):
            print(f"  {each['name']}  " + (f"errno {limit['errno']}" if limit["errno"] else f"{limit['limit_uw'] / 1e6:g} W"))


def keep_applied(client, assignments, lease_ms, hold):
    wanted = dict(each.split("=") for each in assignments)
    places = {f"{zone['id']}/{each['name']}": (zone["index"], each["index"])
              for zone in client.list_zones()["zones"] for each in zone["constraints"]}
    for name in wanted.keys() - places.keys():
        sys.exit(f"no constraint {name}; `zones` lists them")
    # An interrupt must not come between the limits and their release.
    stop = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    control = client.acquire(lease_ms)
    items = [(*places[name], round(float(watts) * 1e6)) for name, watts in wanted.items()]
    for name, item in zip(wanted, client.apply(control["token"], items)):
        print(f"{name}  {item['effective_uw'] / 1e6:g} W {'asked for' if item['pending'] else 'in force'}", flush=True)
    while not hold and signal.sigtimedwait(stop, control["lease_ms"] / 3000) is None:
        client.renew(control["token"])
    print("{restored} restored, {foreign} changed by others, {failed} failed, {fallback} at their fallback".format(
        **client.release(control["token"], HOLD if hold else RESTORE)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--socket", default="/run/powercap/raplhelper.sock")
    parser.add_argument("--lease-seconds", type=float, default=30)
    parser.add_argument("--hold", action="store_true")
    parser.add_argument("command", choices=["zones", "sample", "apply"])
    parser.add_argument("limits", nargs="*", metavar="ZONE/CONSTRAINT=WATTS")
    arguments = parser.parse_args()
    try:
        client = Client(arguments.socket)
        client.hello()
        if arguments.command == "apply":
            keep_applied(client, arguments.limits, round(arguments.lease_seconds * 1000), arguments.hold)
        else:
            {"zones": print_zones, "sample": print_sample}[arguments.command](client)
    except (Failed, EOFError, OSError) as error:
        sys.exit(f"powercap_client.py: {error}")


if __name__ == "__main__":
    main()
