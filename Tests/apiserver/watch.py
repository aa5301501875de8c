"""A watch: the events of a collection from a version on, until it times out, is closed, or its client goes."""
import collections
import os
import select
import time

from statuses import Refused, status
from store import matches

DEFAULT_TIMEOUT_S = 1800
BOOKMARK_PERIOD_S = 60
# The real server's last bookmark comes so long before the end.
BOOKMARK_BEFORE_END_S = 2


class Waker:
    """Ends a wait from another thread."""

    def __init__(self):
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK)

    def wake(self):
        os.eventfd_write(self.descriptor, 1)

    def wait(self, socket, timeout_s=None):
        """False when the peer has closed the connection; returns when woken, and at the latest after the time."""
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        poll.register(socket.fileno(), select.POLLRDHUP)
        ready = dict(poll.poll(None if timeout_s is None else max(0, timeout_s) * 1000))
        if self.descriptor in ready:
            os.eventfd_read(self.descriptor)
        return socket.fileno() not in ready

    def close(self):
        os.close(self.descriptor)


class Watch:
    def __init__(self, store, target, form):
        self.store, self.target, self.form = store, target, form
        self.orders = collections.deque()  # What an administrator wants: "bookmark", "close", "expire".
        self.bookmarks = target.query.get("allowWatchBookmarks") in ("true", "1")
        self.timeout_s = number(target, "timeoutSeconds") or DEFAULT_TIMEOUT_S
        self.position = number(target, "resourceVersion")

    def order(self, what):
        self.orders.append(what)
        self.wake()

    def wake(self):
        self.waker.wake()

    def open(self):
        self.waker = Waker()
        self.cause = "timeout"
        with self.store.lock:
            self.store.watches.add(self)

    def close(self):
        with self.store.lock:
            self.store.watches.discard(self)
        self.waker.close()

    def next_bookmark(self, now, end):
        time_s = min(now + BOOKMARK_PERIOD_S, end - BOOKMARK_BEFORE_END_S)
        return time_s if time_s > now else end

    def type_of(self, event):
        """Whoever has a selector sees an object come and go with what it selects; "" is nothing to be seen."""
        was = event.old is not None and self.target.selects(event.old)
        is_ = event.type != "DELETED" and self.target.selects(event.thing)
        return "MODIFIED" if was and is_ else "ADDED" if is_ else "DELETED" if was else ""

    def lines(self, socket):
        """Each event as an object, at the time when it is to be written. `cause` says how it ended."""
        kind, target = self.target.kind, self.target
        if target.query.get("sendInitialEvents") in ("true", "1"):
            self.cause = "refused"
            yield error(500, "a watch stream was requested by the client but the required storage feature RequestWatchProgress "
                        "is disabled")
            return
        end = time.monotonic() + self.timeout_s
        bookmark = self.next_bookmark(time.monotonic(), end)
        position = self.position
        if position == 0:
            with self.store.lock:
                position, things = self.store.version, self.store.select(kind, target.namespace, target.name)
            for thing in filter(target.selects, things):
                yield {"type": "ADDED", "object": self.form.event(thing)}
        while True:
            with self.store.lock:
                events, latest = self.store.since(position), self.store.version
            if events is None:
                self.cause = "expired"
                yield error(410, f"too old resource version: {position} ({self.store.lost})")
                return
            # What happens from now on is after `latest`, which a bookmark may give therefore.
            position = max(position, latest)
            for event in events:
                if matches(event.key, kind, target.namespace, target.name) and (type_ := self.type_of(event)):
                    yield {"type": type_, "object": self.form.event(event.thing)}
            while self.orders:
                order = self.orders.popleft()
                if order == "bookmark" and self.bookmarks:
                    yield {"type": "BOOKMARK", "object": self.form.bookmark(kind, position)}
                elif order == "expire":
                    self.cause = "expired"
                    yield error(410, f"too old resource version: {position} ({position})")
                    return
                elif order == "close":
                    self.cause = "closed"
                    return
            now = time.monotonic()
            if now >= end:
                return
            if now >= bookmark:
                bookmark = self.next_bookmark(now, end)
                self.order("bookmark")
            if not self.waker.wait(socket, min(end, bookmark) - now):
                self.cause = "client"
                return


def number(target, name):
    value = target.query.get(name) or "0"
    if not value.isdecimal():
        raise Refused(400, f'{name}: Invalid value: "{value}": strconv.ParseUint: parsing "{value}": invalid syntax')
    return int(value)


def error(code, message):
    return {"type": "ERROR", "object": status(code, message)}
