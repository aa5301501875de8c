"""The admission policy of deploy/kubernetes, which pins a token to its own node and to the keys in which we report."""
from statuses import Refused

NAME = "powercap-own-node"
LABELS = {"rapl/pmax", "rapl/max_power_uw"}
ANNOTATIONS = {"power-manager/initialized", "powercap.dev/effective-limit", "powercap.dev/source", "powercap.dev/reason",
               "powercap.dev/changed", "powercap.dev/state"}
CONDITION = "PowerCapped"
OTHER_NODE = "powercap may change only the node it runs on"
OTHER_LABELS = "powercap may change only the labels rapl/pmax and rapl/max_power_uw"
OTHER_ANNOTATIONS = "powercap may change only the annotations in which it reports, not overrides or others"
OTHER_PARTS = "powercap may not change a node's spec, owners or finalizers"
OTHER_STATUS = "powercap may change only the condition PowerCapped in a node's status"


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
    if old["spec"] != new["spec"] or any(before.get(part) != after.get(part) for part in ("ownerReferences", "finalizers")):
        deny(name, OTHER_PARTS)
    if without_ours(old["status"]) != without_ours(new["status"]):
        deny(name, OTHER_STATUS)


def changed(before, after, part):
    old, new = before.get(part, {}), after.get(part, {})
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def without_ours(status):
    conditions = [condition for condition in status.get("conditions", []) if condition["type"] != CONDITION]
    return status | {"conditions": conditions}


def deny(name, message):
    text = f"ValidatingAdmissionPolicy '{NAME}' with binding '{NAME}' denied request: {message}"
    raise Refused(422, f'nodes "{name}" is forbidden: {text}',
                  details={"name": name, "kind": "nodes", "causes": [{"message": text}]})
