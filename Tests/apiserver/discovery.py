"""What there is: groups, and the resources of each, by which kubectl finds its way. The older of the server's two forms; the newer
(`as=APIGroupDiscoveryList`) is a wish that a server may leave unheard."""
from resources import KINDS

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
ALIASES = {"nodes": ["no"], "pods": ["po"], "configmaps": ["cm"], "events": ["ev"]}


def answer(path):
    """The object at a path, or None where there is nothing of this kind."""
    return PATHS.get(path.rstrip("/"))


def group(name):
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def resources(group):
    found = []
    for kind in (kind for (name, _), kind in KINDS.items() if name == group):
        thing = {"name": kind.plural, "singularName": kind.name.lower(), "namespaced": kind.namespaced, "kind": kind.name}
        found.append(thing | {"verbs": VERBS} | ({"shortNames": ALIASES[kind.plural]} if kind.plural in ALIASES else {}))
        if kind.has_status:
            found.append(thing | {"name": f"{kind.plural}/status", "singularName": "", "verbs": ["get", "patch", "update"]})
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/v1" if group else "v1", "resources": found}


GROUPS = sorted({name for name, _ in KINDS if name})
PATHS = {
    "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group(name) for name in GROUPS]},
    "/api/v1": resources(""),
} | {f"/apis/{name}": {"kind": "APIGroup", "apiVersion": "v1"} | group(name) for name in GROUPS} | {
    f"/apis/{name}/v1": resources(name) for name in GROUPS}
