"""Callers of the helper, one after the other."""
import sys
import threading

from machine import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "Tests/client"))
from powercap_client import Client  # noqa: E402


class Visitors:
    """Connects to the helper again and again: nobody may be refused."""

    def __init__(self, machine):
        self.path = f"/proc/{machine.first_process}/root/run/powercap/raplhelper.sock"
        self.served, self.cut, self.refused, self.stop = 0, 0, [], threading.Event()
        self.thread = threading.Thread(target=self.visit, daemon=True)
        self.thread.start()

    def visit(self):
        while not self.stop.wait(0.02):
            try:
                client = Client(self.path, timeout_s=30)
            except OSError as error:
                self.refused.append(str(error))
                continue
            try:
                client.hello()
                self.served += 1
            except (EOFError, ConnectionError):
                self.cut += 1     # taken by a helper that was then ended
            finally:
                client.close()

    def end(self):
        self.stop.set()
        self.thread.join(60)
        return not self.refused and not self.thread.is_alive()

    def __str__(self):
        return f"{self.served} served, {self.cut} cut off by a stop, {len(self.refused)} refused {self.refused[:3]}"
