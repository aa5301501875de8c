"""Who may do what: roles and bindings, as the cluster's objects have them."""
import json
import pathlib
import re

from statuses import Refused

# The role that a cluster gives to everybody.
PUBLIC_PATHS = ("/healthz", "/livez", "/readyz", "/version", "/version/")
# And to everybody whom it knows.
DISCOVERY = re.compile(r"/apis?(/|$)")


def load(path):
    """The objects of a manifest: JSON (an object, or a list of them) or YAML of any number of documents."""
    text = pathlib.Path(path).read_text()
    if path.endswith(".json"):
        things = json.loads(text)
    else:
        import yaml  # Debian's python3-yaml: the one thing that isn't in the standard library, and for manifests alone.
        things = list(yaml.safe_load_all(text))
    things = things if isinstance(things, list) else [things]
    return [item for thing in things if thing for item in (thing["items"] if thing["kind"] == "List" else [thing])]


class Rules:
    def __init__(self, things):
        self.roles, self.bindings = {}, []
        for thing in things:
            namespace = thing["metadata"].get("namespace", "")
            if thing["kind"] in ("ClusterRole", "Role"):
                self.roles[(thing["kind"], namespace, thing["metadata"]["name"])] = thing.get("rules") or []
            elif thing["kind"] in ("ClusterRoleBinding", "RoleBinding"):
                self.bindings.append((thing["kind"], namespace, thing["roleRef"], thing.get("subjects") or []))
        # What was asked for and allowed: group, resource, verb, namespace.
        self.used = set()

    def rules_of(self, user, namespace):
        for kind, scope, reference, subjects in self.bindings:
            if kind == "RoleBinding" and scope != namespace:
                continue
            if any(is_subject(subject, user) for subject in subjects):
                where = scope if reference["kind"] == "Role" else ""
                yield from self.roles.get((reference["kind"], where, reference["name"]), [])

    def check(self, user, target):
        """Refused is the server's answer to what isn't allowed."""
        if user.is_admin:
            return
        if not target.resource:
            is_known = "system:authenticated" in user.groups
            if target.verb == "get" and (target.path in PUBLIC_PATHS or is_known and DISCOVERY.match(target.path)):
                self.used.add(("", target.path, target.verb, ""))
                return
            raise Refused(403, f'forbidden: User "{user.name}" cannot {target.verb} path "{target.path}"', details={})
        for rule in self.rules_of(user, target.namespace):
            if (among(target.group, rule.get("apiGroups")) and among(target.full_resource, rule.get("resources"))
                    and among(target.verb, rule.get("verbs"))
                    and (not rule.get("resourceNames") or target.name in rule["resourceNames"])):
                self.used.add((target.group, target.full_resource, target.verb, target.namespace))
                return
        qualified = f"{target.resource}.{target.group}" if target.group else target.resource
        where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
        shown = f'{qualified} "{target.name}"' if target.name else qualified
        details = {"name": target.name} if target.name else {}
        details |= {"group": target.group} if target.group else {}
        raise Refused(403, f'{shown} is forbidden: User "{user.name}" cannot {target.verb} resource "{target.full_resource}" in '
                      f'API group "{target.group}" {where}', details=details | {"kind": target.resource})


def among(value, allowed):
    return bool(allowed) and (value in allowed or "*" in allowed)


def is_subject(subject, user):
    if subject["kind"] == "ServiceAccount":
        return user.name == f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
    return subject["name"] in ((user.name,) if subject["kind"] == "User" else user.groups)
