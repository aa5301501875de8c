"""The objects, and the events that watches are made of."""
import collections
import threading

# An event of a watch; `old` is what the object was before, or None.
Event = collections.namedtuple("Event", "version type key thing old")


class Store:
    """Objects are never changed in place: what was read stays as it was."""

    def __init__(self, window):
        self.lock = threading.RLock()
        self.objects = {}  # By kind, namespace and name.
        self.version = 0
        self.events = collections.deque()
        self.window = window
        self.lost = 0  # The version of the last event that `events` doesn't have any more.
        self.watches = set()

    def get(self, key):
        return self.objects.get(key)

    def select(self, kind, namespace, name):
        return [thing for key, thing in sorted(self.objects.items(), key=lambda item: item[0][1:])
                if matches(key, kind, namespace, name)]

    def write(self, key, thing, version=None):
        """Stores an object under the next version, or under a later one."""
        with self.lock:
            old = self.objects.get(key)
            self.objects[key] = self._happen("MODIFIED" if old else "ADDED", key, thing, version, old)
            return self.objects[key]

    def delete(self, key):
        with self.lock:
            thing = self.objects.pop(key)
            return self._happen("DELETED", key, thing, None, thing)

    def _happen(self, kind, key, thing, version, old):
        self.version = max(self.version + 1, version or 0)
        thing = thing | {"metadata": ordered(thing["metadata"] | {"resourceVersion": str(self.version)})}
        self.events.append(Event(self.version, kind, key, thing, old))
        while len(self.events) > self.window:
            self.lost = self.events.popleft().version
        for watch in self.watches:
            watch.wake()
        return thing

    def compact(self):
        """Forgets the events so far."""
        with self.lock:
            self.events.clear()
            self.lost = self.version

    def since(self, version):
        """The events after a version, or None when some of them are lost."""
        with self.lock:
            if version < self.lost:
                return None
            return [event for event in self.events if event.version > version]


def matches(key, kind, namespace, name):
    return key[0] == kind and namespace in ("", key[1]) and name in ("", key[2])


ORDER = ("name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "labels", "annotations",
         "ownerReferences", "finalizers", "managedFields")


def ordered(metadata):
    return {name: metadata[name] for name in ORDER if name in metadata}
