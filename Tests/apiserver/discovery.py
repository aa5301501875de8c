"""What there is: groups, and the resources of each, by which kubectl finds its way. The older of the server's two forms; the newer
(`as=APIGroupDiscoveryList`) is a wish that a server may leave unheard."""
from resources import KINDS

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
ALIASES = {"nodes": ["no"], "pods": ["po"], "configmaps": ["cm"], "events": ["ev"]}


def answer(path):
    """The object at a path, or None where there is nothing of this kind."""
    return paths().get(path.rstrip("/"))


def group(name):
    number = next(kind.version for (group, _), kind in KINDS.items() if group == name)
    version = {"groupVersion": f"{name}/{number}", "version": number}
    return {"name": name, "versions": [version], "preferredVersion": version}


def resources(group):
    found = []
    for kind in (kind for (name, _), kind in KINDS.items() if name == group):
        thing = {"name": kind.plural, "singularName": kind.name.lower(), "namespaced": kind.namespaced, "kind": kind.name}
        short = ALIASES.get(kind.plural, list(kind.short_names))
        verbs = ["create"] if kind.is_transient else VERBS
        found.append(thing | {"verbs": verbs} | ({"shortNames": short} if short else {}))
        if kind.has_status:
            found.append(thing | {"name": f"{kind.plural}/status", "singularName": "", "verbs": ["get", "patch", "update"]})
    version = next(kind.version for (name, _), kind in KINDS.items() if name == group)
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/{version}" if group else version,
            "resources": found}


def paths():
    groups = {name: next(kind.version for (group, _), kind in KINDS.items() if group == name) for name, _ in KINDS if name}
    return {
        "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group(name) for name in sorted(groups)]},
        "/api/v1": resources(""),
    } | {f"/apis/{name}": {"kind": "APIGroup", "apiVersion": "v1"} | group(name) for name in groups} | {
        f"/apis/{name}/{version}": resources(name) for name, version in groups.items()}
