"""The kinds of object there are, the paths that lead to them, and how they are shown."""
import copy
import dataclasses
import re
import typing
import urllib.parse

import choices
from statuses import Refused

METADATA_ONLY = re.compile(r"application/json;as=(PartialObjectMetadata(?:List)?);g=meta\.k8s\.io;v=v1$")
BLANK_NODE_INFO = ("machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion", "kubeletVersion",
                   "kubeProxyVersion", "operatingSystem", "architecture")


@dataclasses.dataclass(frozen=True)
class Kind:
    group: str
    name: str
    plural: str
    namespaced: bool = True
    has_status: bool = False
    # An update may do without a resourceVersion.
    unconditional: bool = True
    # What an object of this kind always has.
    blank: dict = dataclasses.field(default_factory=dict, compare=False)
    version: str = "v1"
    # Of a custom resource: its structural schema.
    schema: dict = dataclasses.field(default_factory=dict, compare=False)
    # It is answered and not stored.
    is_transient: bool = False
    short_names: tuple = ()

    @property
    def api_version(self):
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def storage_group(self):
        """The group that errors name: events of either group are stored as the core's."""
        return "" if self.name == "Event" else self.group

    def qualified(self, name):
        return f"{name}.{self.storage_group}" if self.storage_group else name

    def complete(self, thing):
        """The object with its kind, in the server's order, and with what it always has."""
        if self.schema:
            # It has no type in Go, but is a map, which is written in the order of its keys.
            thing = thing | {"kind": self.name, "apiVersion": self.api_version}
            return {key: thing[key] for key in sorted(thing)}
        head = {"kind": self.name, "apiVersion": self.api_version, "metadata": thing["metadata"]}
        return fill(head | {key: value for key, value in thing.items() if key not in head}, self.blank)


def fill(thing, blank):
    for key, value in blank.items():
        if isinstance(value, dict):
            thing[key] = fill(dict(thing.get(key) or {}), value)
        else:
            thing.setdefault(key, value)
    return thing


KINDS = {(kind.group, kind.plural): kind for kind in (
    Kind("", "Node", "nodes", namespaced=False, has_status=True, blank={"spec": {}, "status": {
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}, "nodeInfo": {key: "" for key in BLANK_NODE_INFO}}}),
    Kind("", "Pod", "pods", has_status=True, blank={"spec": {}, "status": {}}),
    Kind("", "ConfigMap", "configmaps"),
    Kind("events.k8s.io", "Event", "events", blank={
        "regarding": {}, "deprecatedSource": {}, "deprecatedFirstTimestamp": None, "deprecatedLastTimestamp": None}),
    Kind("coordination.k8s.io", "Lease", "leases", unconditional=False, blank={"spec": {}}),
    Kind("authentication.k8s.io", "TokenReview", "tokenreviews", namespaced=False, is_transient=True),
)}


def define(thing):
    """Adds the kind that a CustomResourceDefinition makes."""
    spec = thing["spec"]
    version = next(version for version in spec["versions"] if version["storage"])
    kind = Kind(
        spec["group"], spec["names"]["kind"], spec["names"]["plural"], namespaced=spec["scope"] == "Namespaced",
        has_status="status" in version.get("subresources", {}), unconditional=False, version=version["name"],
        schema=version["schema"]["openAPIV3Schema"], short_names=tuple(spec["names"].get("shortNames", ())))
    KINDS[(kind.group, kind.plural)] = kind


def kind_of(thing):
    for kind in KINDS.values():
        if (kind.api_version, kind.name) == (thing.get("apiVersion"), thing.get("kind")):
            return kind
    raise ValueError(f"no kind {thing.get('apiVersion')} {thing.get('kind')}")


@dataclasses.dataclass
class Target:
    """What a request is about: a path of resources, or another path when it has no resource."""
    path: str
    query: dict
    verb: str = "get"
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    version: str = "v1"
    # Of an object, whether a list has it.
    selects: typing.Callable = lambda thing: True

    @property
    def kind(self):
        """Refused is what the server says to a resource that it doesn't know."""
        kind = KINDS.get((self.group, self.resource))
        kind = kind if kind and kind.version == self.version else None
        known_subresource = not self.subresource or kind and kind.has_status and self.subresource == "status"
        if not kind or not known_subresource or kind.namespaced and self.name and not self.namespace:
            raise Refused(404, "the server could not find the requested resource", details={})
        return kind

    @property
    def key(self):
        return (self.kind, self.namespace, self.name)

    @property
    def full_resource(self):
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    @classmethod
    def parse(cls, method, url):
        path, _, query = url.partition("?")
        target = cls(path, dict(urllib.parse.parse_qsl(query, keep_blank_values=True)))
        match = re.fullmatch(r"/(?:api|apis/([^/]+))/(v\d\w*)/(?:namespaces/([^/]+)/)?([^/]+)(?:/([^/]+))?(?:/([^/]+))?", path)
        if not match:
            target.verb = method.lower()
            return target
        target.group, target.version, target.namespace, target.resource, target.name, target.subresource = (
            urllib.parse.unquote(part or "") for part in match.groups())
        target.verb = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(method, "get")
        if target.verb == "get" and not target.name:
            target.verb = "watch" if target.query.get("watch") in ("1", "true") else "list"
            kind = KINDS.get((target.group, target.resource))
            labels = choices.by_labels(target.query.get("labelSelector", ""))
            # A selector of one name counts as the name, for the rules too.
            target.name, has_fields = choices.by_fields(kind and kind.name, target.query.get("fieldSelector", ""))
            target.selects = lambda thing: labels(thing["metadata"].get("labels", {})) and has_fields(thing)
        return target


@dataclasses.dataclass(frozen=True)
class Form:
    """How objects are shown: whole, or their metadata alone."""
    metadata_only: str = ""

    @classmethod
    def accepted(cls, header):
        for choice in (header or "*/*").split(","):
            choice = choice.replace(" ", "")
            if match := METADATA_ONLY.match(choice):
                return cls(match[1])
            if choice.split(";")[0] in ("application/json", "application/*", "*/*") and ";as=" not in choice:
                return cls()
        raise Refused(406, "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, "
                      "application/vnd.kubernetes.protobuf", details={})

    def one(self, thing):
        if self.metadata_only == "PartialObjectMetadataList":
            raise Refused(406, "you requested PartialObjectMetadataList, but the requested object is not a list", details={})
        return self.event(thing)

    def event(self, thing):
        return partial(thing) if self.metadata_only else thing

    def many(self, kind, things, version, page=None):
        if self.metadata_only == "PartialObjectMetadata":
            raise Refused(406, "you requested PartialObjectMetadata, but the requested object is a list", details={})
        head = {"resourceVersion": str(version)} | (page or {})
        if self.metadata_only:
            return {"kind": self.metadata_only, "apiVersion": "meta.k8s.io/v1", "metadata": head,
                    "items": [partial(thing) for thing in things]}
        if kind.schema:
            return {"apiVersion": kind.api_version, "items": things, "kind": f"{kind.name}List", "metadata": head}
        plain = [{key: value for key, value in thing.items() if key not in ("kind", "apiVersion")} for thing in things]
        return {"kind": f"{kind.name}List", "apiVersion": kind.api_version, "metadata": head, "items": plain}

    def bookmark(self, kind, version):
        head = {"resourceVersion": str(version)}
        if self.metadata_only:
            return partial({"metadata": head})
        return kind.complete({"metadata": head | {"creationTimestamp": None}} | copy.deepcopy(kind.blank))


def partial(thing):
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": thing["metadata"]}
