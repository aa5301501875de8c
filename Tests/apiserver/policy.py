"""The admission policy of deploy/kubernetes, which pins a token to its own node and to the keys in which we report."""
from statuses import Refused

NAME = "powercap-own-node"
LABELS = {"rapl/pmax", "rapl/max_power_uw"}
ANNOTATIONS = {"power-manager/initialized", "powercap.dev/effective-limit", "powercap.dev/source", "powercap.dev/reason",
               "powercap.dev/changed", "powercap.dev/state", "powercap.dev/operator"}
CONDITION = "PowerCapped"
# Metadata that has rules of its own, or is the server's alone.
RULED = {"labels", "annotations", "managedFields", "resourceVersion", "generation"}
OTHER_NODE = "powercap may change only the node it runs on"
OTHER_LABELS = "powercap may change only the labels rapl/pmax and rapl/max_power_uw"
OTHER_ANNOTATIONS = "powercap may change only the annotations in which it reports, not overrides or others"
LONG_ANNOTATION = "powercap may report at most 256 characters in an annotation"
OTHER_PARTS = "powercap may not change a node's spec, owners, finalizers or other metadata"
OTHER_STATUS = "powercap may change only the condition PowerCapped in a node's status"
BAD_CONDITION = "powercap may have one condition PowerCapped, of at most 1024 characters"
# Nobody gets this one here: the server of these tests takes no owners from a request.
OTHER_OWNERS = "powercap may not change who owns other fields"


def check(user, kind, old, new):
    if user.is_admin or kind.name != "Node":
        return
    before, after, name = old["metadata"], new["metadata"], new["metadata"]["name"]
    if user.node != name:
        deny(name, f"{OTHER_NODE}: {user.node}")
    if changed(before, after, "labels") - LABELS:
        deny(name, OTHER_LABELS)
    if changed(before, after, "annotations") - ANNOTATIONS:
        deny(name, OTHER_ANNOTATIONS)
    if any(len(after.get("annotations", {}).get(key, "")) > 256 for key in ANNOTATIONS):
        deny(name, LONG_ANNOTATION)
    if old["spec"] != new["spec"] or without(before, RULED) != without(after, RULED):
        deny(name, OTHER_PARTS)
    if without_ours(old["status"]) != without_ours(new["status"]):
        deny(name, OTHER_STATUS)
    own = [condition for condition in new["status"].get("conditions", []) if condition["type"] == CONDITION]
    if len(own) > 1 or not all(is_short(condition) for condition in own):
        deny(name, BAD_CONDITION)


def changed(before, after, part):
    old, new = before.get(part, {}), after.get(part, {})
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def without(thing, names):
    return {name: value for name, value in thing.items() if name not in names}


def is_short(condition):
    return (condition.get("status") in ("True", "False", "Unknown") and len(condition.get("reason", "")) <= 128
            and len(condition.get("message", "")) <= 1024)


def without_ours(status):
    conditions = [condition for condition in status.get("conditions", []) if condition["type"] != CONDITION]
    return status | {"conditions": conditions}


def deny(name, message):
    text = f"ValidatingAdmissionPolicy '{NAME}' with binding '{NAME}' denied request: {message}"
    raise Refused(422, f'nodes "{name}" is forbidden: {text}',
                  details={"name": name, "kind": "nodes", "causes": [{"message": text}]})
