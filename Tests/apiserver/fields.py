"""Who owns which field of an object: metadata.managedFields, and server-side apply.

A set of fields has the paths of its members. FieldsV1 writes it as a tree; a member that has children is marked with ".".
"""
import json

from patches import LIST_KEYS, strategic
from statuses import Refused

# Nobody's: the server's own.
UNOWNED = {("f:apiVersion",), ("f:kind",), ("f:metadata",), ("f:spec",), ("f:status",)} | {
    ("f:metadata", f"f:{name}") for name in (
        "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "selfLink")}
# Maps that have one owner.
ATOMIC = {"regarding", "related", "involvedObject"}


def leaves(thing, containers=True):
    """Every field with its value; a map or a list with keys is one as well, without a value."""
    found = {}

    def visit(value, path, name):
        is_keyed = isinstance(value, list) and name in LIST_KEYS
        if isinstance(value, dict) and name not in ATOMIC or is_keyed:
            is_item = bool(path) and path[-1].startswith("k:")
            if path and (containers or is_item or not value):
                found[path] = None
            if is_keyed:
                key = LIST_KEYS[name]
                for item in value:
                    visit(item, path + (f"k:{json.dumps({key: item[key]}, separators=(',', ':'))}",), "")
            else:
                for child, below in value.items():
                    visit(below, path + (f"f:{child}",), child)
        else:
            found[path] = json.dumps(value, sort_keys=True)

    visit(thing, (), "")
    return {path: value for path, value in found.items()
            if path[:2] not in UNOWNED and value != "null"}


def tree(paths):
    root = {}
    for path in sorted(paths):
        below = root
        for step in path:
            below = below.setdefault(step, {})
    for path in paths:
        below = root
        for step in path:
            below = below[step]
        if below:
            below["."] = {}
    return root


def paths(below, path=()):
    found = set()
    for step, child in below.items():
        if step == ".":
            found.add(path)
        elif child:
            found |= paths(child, path + (step,))
        else:
            found.add(path + (step,))
    return found


class Owners:
    """The entries of an object: who, by which operation, in which subresource."""

    def __init__(self, thing):
        self.entries = {}
        for entry in thing["metadata"].get("managedFields", []):
            key = (entry["operation"], entry["manager"], entry["apiVersion"], entry.get("subresource", ""))
            self.entries[key] = (entry["time"], paths(entry["fieldsV1"]))

    def take(self, key, now, gained, lost):
        """An owner gains fields and everybody else loses them; some fields are gone."""
        for other, (time, owned) in self.entries.items():
            self.entries[other] = (time, owned - lost - (set() if other == key else gained))
        owned = self.entries.get(key, (now, set()))[1] | gained
        self.entries[key] = (now, owned)

    def written(self):
        result = []
        for key, (time, owned) in sorted(self.entries.items(), key=lambda item: (item[0][0], item[1][0], item[0][1])):
            if owned:
                operation, manager, version, subresource = key
                entry = {"manager": manager, "operation": operation, "apiVersion": version, "time": time,
                         "fieldsType": "FieldsV1", "fieldsV1": tree(owned)}
                result.append(entry | ({"subresource": subresource} if subresource else {}))
        return result


def update(old, new, key, now):
    """Writes into `new` who owns what after `key` changed `old` into it."""
    before, after = leaves(old), leaves(new)
    owners = Owners(old)
    gained = {path for path, value in after.items() if path not in before or before[path] != value}
    owners.take(key, now, gained, set(before) - set(after))
    own(new, owners)


def apply(old, config, key, now, force):
    """Server-side apply: the object, with its owners."""
    wanted, live, owners = leaves(config, containers=False), leaves(old), Owners(old)
    differing = {path for path, value in wanted.items() if live.get(path, value if value is None else "") != value}
    conflicts = [(other, path) for other, (_, owned) in owners.entries.items() if other != key
                 for path in sorted(owned & differing)]
    if conflicts and not force:
        raise conflict(conflicts)
    mine = owners.entries.get(key, (now, set()))[1]
    others = set().union(*(owned for other, (_, owned) in owners.entries.items() if other != key))
    dropped = mine - set(wanted) - others
    new = strategic(old, {name: value for name, value in config.items() if name not in ("apiVersion", "kind")})
    for path in sorted(dropped, reverse=True):
        new = without(new, path)
    owners.entries[key] = (now, set(wanted))
    owners.take(key, now, set(wanted) & differing, dropped)
    own(new, owners)
    return new


def own(thing, owners):
    thing["metadata"] = {name: value for name, value in thing["metadata"].items() if name != "managedFields"}
    if entries := owners.written():
        thing["metadata"]["managedFields"] = entries


def without(thing, path):
    step, rest = path[0], path[1:]
    if step.startswith("k:"):
        key = json.loads(step[2:])
        items = [item for item in thing if not key.items() <= item.items()]
        chosen = [item for item in thing if key.items() <= item.items()]
        return items + [without(item, rest) for item in chosen if rest]
    result, name = dict(thing), step[2:]
    if name in result:
        if rest:
            result[name] = without(result[name], rest)
        else:
            del result[name]
    return result


def conflict(conflicts):
    causes, by_owner = [], {}
    for (operation, manager, version, _), path in conflicts:
        who = f'"{manager}"' + (f" using {version}" if operation == "Update" else "")
        field = "".join("." + step[2:] if step.startswith("f:") else f"[{step[2:]}]" for step in path)
        causes.append({"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": field})
        by_owner.setdefault(who, []).append(field)
    if len(causes) == 1:
        text = f"conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        text = "conflicts: " + "\n".join(
            f"conflicts with {who}:\n" + "\n".join(f"- {field}" for field in owned) for who, owned in by_owner.items())
    return Refused(409, f"Apply failed with {len(causes)} {text}", details={"causes": causes})
