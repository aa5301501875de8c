"""What goes wrong, with which requests, and how often."""
import dataclasses
import fnmatch
import threading

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "event", "connect", "*")
# Each fault: its arguments, and what happens to a request; then what happens to an event of a running watch.
KINDS = {
    "freeze": ("", "it is read, and nothing comes back; the connection stays open. The watch goes silent from this event on"),
    "reset": ("", "it isn't carried out; the connection is reset. So is the watch's"),
    "close": ("", "it isn't carried out; the connection is closed without an answer. So is the watch's, within the response"),
    "lost": ("", "it is carried out; the connection is reset in place of the answer. The watch's connection is reset"),
    "half": ("[close|reset|freeze]", "it is carried out; half of the answer comes back, then this. Half of the event's line"),
    "delay": ("MS", "the answer comes so much later. The event comes later"),
    "status": ("CODE [SECONDS]", "it isn't carried out; a Status comes back, with Retry-After. An ERROR event, and the watch ends"),
    "body": ("[TEXT]", "it isn't carried out; 200 comes back with this body. The text is a line of the watch, in place of the event"),
    "garbage": ("", "as body, with bytes that are no text"),
    "endless": ("[MB]", "as body, with one that goes on and on (64 MB)"),
    "redirect": ("URL", "it isn't carried out; 302 comes back. The watch ignores it"),
    "nohttp": ("", "it isn't carried out; what comes back is no HTTP. The chunks of the watch are broken"),
}


@dataclasses.dataclass
class Fault:
    left: int  # Negative: for ever.
    verb: str
    pattern: str
    kind: str
    arguments: list

    def __post_init__(self):
        if self.verb not in VERBS or self.kind not in KINDS:
            raise ValueError(f"no fault: {self.verb} {self.kind}")
        if self.kind in ("delay", "status"):
            self.arguments = [int(argument) for argument in self.arguments]
            self.arguments[0]

    def first(self, default=None):
        return self.arguments[0] if self.arguments else default


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
                if fault.verb in (verb, "*") and fnmatch.fnmatchcase(path, fault.pattern):
                    fault.left -= 1
                    if fault.left == 0:
                        self.faults.remove(fault)
                    return fault
        return None

    def forget(self):
        with self.lock:
            self.faults.clear()
