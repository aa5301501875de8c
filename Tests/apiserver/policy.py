"""The admission policy that pins a token to its own node and to our keys, as a real server answered for it."""
from statuses import Refused

NAME = "powercap-own-node"
LABELS = ("rapl/",)
ANNOTATIONS = ("powercap.dev/", "power-manager/")
CONDITION = "PowerCapped"


def check(user, kind, old, new):
    if user.is_admin or kind.name != "Node":
        return
    before, after, name = old["metadata"], new["metadata"], new["metadata"]["name"]
    if user.node != name:
        deny(name, f"powercap may change only the node it runs on: {user.node}")
    if foreign(before, after, "labels", LABELS):
        deny(name, "powercap may change only rapl/ labels")
    if foreign(before, after, "annotations", ANNOTATIONS):
        deny(name, "powercap may change only annotations under powercap.dev/ and power-manager/")
    if old["spec"] != new["spec"] or any(before.get(part) != after.get(part) for part in ("ownerReferences", "finalizers")):
        deny(name, "powercap may not change a node's spec, owners or finalizers")
    if others(old["status"]) != others(new["status"]):
        deny(name, f"powercap may change only the condition {CONDITION} in a node's status")


def foreign(before, after, part, prefixes):
    old, new = before.get(part, {}), after.get(part, {})
    return any(old.get(key) != new.get(key) for key in old.keys() | new.keys() if not key.startswith(prefixes))


def others(status):
    conditions = [condition for condition in status.get("conditions", []) if condition["type"] != CONDITION]
    return status | {"conditions": conditions}


def deny(name, message):
    text = f"ValidatingAdmissionPolicy '{NAME}' with binding '{NAME}' denied request: {message}"
    raise Refused(422, f'nodes "{name}" is forbidden: {text}',
                  details={"name": name, "kind": "nodes", "causes": [{"message": text}]})
