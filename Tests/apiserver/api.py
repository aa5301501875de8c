"""Carries out requests on the store, as the real server does after it has read them and before it answers."""
import copy
import dataclasses
import json
import random
import time
import uuid

import discovery
import fields
import patches
import policy
import reviews
import statuses
import validation
from resources import Form, Target, kind_of
from statuses import Refused
from tokens import ADMIN
from watch import Watch, number

VERSION = {
    "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35", "gitVersion": "v1.36.2", "gitCommit": "8e16b12fda5b1dccc41a6de48b3e356cc7d5048b",
    "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "go1.27.3", "compiler": "gc",
    "platform": "linux/amd64"}
MERGES = {"application/merge-patch+json": patches.merge, "application/strategic-merge-patch+json": patches.strategic}
APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
SERVER_OWNED = ("name", "namespace", "uid", "creationTimestamp", "generateName")
# What the real server makes generated names of.
LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclasses.dataclass
class Request:
    method: str
    url: str
    headers: dict  # With lower-case names.
    body: bytes
    # What the answer warns of.
    warnings: list = dataclasses.field(default_factory=list)

    def header(self, name):
        return self.headers.get(name.lower(), "")

    @property
    def media_type(self):
        return self.header("content-type").split(";")[0].strip()


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Api:
    def __init__(self, store, rules, tokens, pins_nodes):
        self.store, self.rules, self.tokens, self.pins_nodes = store, rules, tokens, pins_nodes
        # The rest of a list that is shown in pages, as it was when it was asked for, by the token that goes on with it.
        self.pages = {}

    def answer(self, request, target, user):
        """The code with an object, a text, or a watch."""
        self.rules.check(user, target)
        if not target.resource:
            return self.public(target)
        kind, form = target.kind, Form.accepted(request.header("accept"))
        if kind.is_transient:
            return self.review(request, target)
        if target.verb == "watch":
            return 200, Watch(self.store, target, form)
        with self.store.lock:
            if target.verb == "list":
                return 200, self.list(target, form)
            if target.verb == "create":
                return 201, form.one(self.create(request, target))
            old = self.store.get(target.key)
            if target.verb == "patch":
                code, thing = self.patch(request, target, user, old)
                return code, form.one(thing)
            if old is None:
                raise statuses.not_found(kind, target.name)
            if target.verb == "update":
                return 200, form.one(self.update(target, user, old, decoded(request, kind), request))
            if target.verb == "delete":
                self.store.delete(target.key)
                details = statuses.about(kind, target.name) | {"uid": old["metadata"]["uid"]}
                return 200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
            return 200, form.one(old)

    def review(self, request, target):
        if target.verb != "create":
            raise Refused(405, "the server does not allow this method on the requested resource", details={})
        return 201, reviews.review(self.tokens, decoded(request, target.kind))

    def list(self, target, form):
        """As the server shows it: the whole, or a page and a token for the next one."""
        limit = number(target, "limit")
        if token := target.query.get("continue"):
            version, things = self.pages.get(token, (-1, []))
            if version < self.store.lost:
                raise Refused(410, "The provided continue parameter is too old to display a consistent list result.", "Expired", {})
        else:
            version = self.store.version
            things = list(filter(target.selects, self.store.select(target.kind, target.namespace, target.name)))
        page = None
        if limit and len(things) > limit:
            rest = things[limit:]
            page = {"continue": uuid.uuid4().hex}
            # With a selector the server would have to look at all of them to know.
            if not target.query.get("labelSelector") and not target.query.get("fieldSelector"):
                page["remainingItemCount"] = len(rest)
            self.pages[page["continue"]] = (version, rest)
            things = things[:limit]
        return form.many(target.kind, things, version, page)

    def public(self, target):
        if target.path.rstrip("/") == "/version":
            return 200, VERSION
        if target.path in ("/healthz", "/livez", "/readyz"):
            return 200, "ok"
        if found := discovery.answer(target.path):
            return 200, found
        raise Refused(404, "the server could not find the requested resource", details={})

    def create(self, request, target, thing=None, operation="Update"):
        kind, thing = target.kind, thing or decoded(request, target.kind)
        warn(request, target, validation.decode(kind, thing))
        metadata = {"name": None} | (thing.get("metadata") or {})
        if not metadata["name"] and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + "".join(random.choices(LETTERS, k=5))
        if kind.namespaced and metadata.setdefault("namespace", target.namespace) != target.namespace:
            raise Refused(400, "the namespace of the provided object does not match the namespace sent on the request")
        if not metadata["name"]:
            raise statuses.invalid(kind, "", [("FieldValueRequired", "Required value: name or generateName is required",
                                               "metadata.name")])
        key = (kind, target.namespace, metadata["name"])
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
        if kind.schema:
            metadata["generation"] = 1
            if kind.has_status:
                thing = {part: value for part, value in thing.items() if part != "status"}
        thing = kind.complete(thing | {"metadata": metadata})
        validation.check(kind, thing)
        if self.store.get(key):
            raise statuses.exists(kind, metadata["name"])
        if operation == "Update":
            metadata.pop("managedFields", None)
            empty = {"metadata": {}} | copy.deepcopy(kind.blank)
            fields.update(empty, thing, (operation, manager(request, target), kind.api_version, ""), now())
        return self.store.write(key, thing)

    def patch(self, request, target, user, old):
        kind, media_type = target.kind, request.media_type
        if media_type != APPLY and media_type not in MERGES or kind.schema and media_type not in (APPLY, MERGE):
            # Nobody has told the server how a custom resource's lists are merged.
            raise Refused(415, "415: Unsupported Media Type", details={})
        if media_type == APPLY:
            return self.apply(request, target, user, old)
        if old is None:
            raise statuses.not_found(kind, target.name)
        patch = parsed(request.body, "error decoding patch: ")
        if not isinstance(patch, dict):
            raise Refused(400, f"error decoding patch: json: cannot unmarshal {validation.GO_TYPES[type(patch)]} into Go value")
        return 200, self.update(target, user, old, MERGES[media_type](old, patch), request)

    def apply(self, request, target, user, old):
        kind, config = target.kind, decoded(request, target.kind)
        name = target.query.get("fieldManager")
        if not name:
            text = "Required value: is required for apply patch"
            raise Refused(422, f'PatchOptions.meta.k8s.io "" is invalid: fieldManager: {text}', details={
                "group": "meta.k8s.io", "kind": "PatchOptions",
                "causes": [{"reason": "FieldValueRequired", "message": text, "field": "fieldManager"}]})
        key = ("Apply", name, kind.api_version, target.subresource)
        base = old or {"metadata": {"name": target.name}}
        thing = fields.apply(base, config, key, now(), target.query.get("force") in ("true", "1"))
        if old:
            return 200, self.update(target, user, old, thing, request)
        self.rules.check(user, dataclasses.replace(target, verb="create"))
        return 201, self.create(request, target, thing, "Apply")

    def update(self, target, user, old, new, request):
        """Replaces an object as far as this path may; who owns what follows, unless an apply has settled it."""
        kind, name = target.kind, target.name
        warn(request, target, validation.decode(kind, new))
        metadata = dict(new.get("metadata") or {})
        if metadata.get("name", name) != name:
            raise Refused(400, f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})")
        uid = old["metadata"]["uid"]
        if metadata.get("uid", uid) != uid:
            raise Refused(409, f'Operation cannot be fulfilled on {kind.qualified(kind.plural)} "{name}": Precondition failed: '
                          f"UID in precondition: {metadata['uid']}, UID in object meta: {uid}", details=statuses.about(kind, name))
        if not metadata.get("resourceVersion") and not kind.unconditional:
            raise statuses.invalid(kind, name, [("FieldValueInvalid", "Invalid value: 0x0: must be specified for an update",
                                                 "metadata.resourceVersion")])
        if metadata.get("resourceVersion") not in (None, "", old["metadata"]["resourceVersion"]):
            raise statuses.modified(kind, name)
        for part in ("labels", "annotations"):
            if not metadata.get(part, True):
                del metadata[part]
        server_owned = {part: old["metadata"][part] for part in SERVER_OWNED if part in old["metadata"]}
        new = {part: value for part, value in new.items() if part not in ("kind", "apiVersion")}
        new["metadata"] = metadata | server_owned
        if kind.has_status:
            kept = "spec" if target.subresource else "status"
            if kind.schema and target.subresource:
                # Nothing but the status, not even labels.
                new = old | {part: new[part] for part in ("status",) if part in new}
            elif kept in old:
                new[kept] = old[kept]
            else:
                new.pop(kept, None)
        if kind.schema:
            counted = old["metadata"].get("generation", 1) + (generated(new) != generated(old))
            new["metadata"] = new["metadata"] | {"generation": counted}
        new = kind.complete(new)
        validation.check(kind, new, old)
        if self.pins_nodes:
            policy.check(user, kind, old, new)
        if request.media_type != APPLY:
            if content(new) == content(old):
                return old
            fields.update(old, new, ("Update", manager(request, target), kind.api_version, target.subresource), now())
        elif content(new, owners=True) == content(old, owners=True):
            return old
        return self.store.write(target.key, new)

    # What an administrator does.

    def put(self, thing):
        """Stores an object as it is, with what it lacks; its resourceVersion counts when it is later than the server's."""
        kind = kind_of(thing)
        metadata = {"uid": str(uuid.uuid4()), "creationTimestamp": now()} | thing["metadata"]
        namespace = metadata.setdefault("namespace", "default") if kind.namespaced else ""
        if kind.schema:
            metadata.setdefault("generation", 1)
        thing = kind.complete(thing | {"metadata": metadata})
        if kind.schema:
            # A test's line makes no object that there can't be.
            validation.decode(kind, thing)
            validation.check(kind, thing)
        return self.store.write((kind, namespace, metadata["name"]), thing, int(metadata.get("resourceVersion") or 0))

    def edit(self, path, patch, manager):
        """A merge patch by kubectl."""
        request = Request("PATCH", path, {"user-agent": manager}, b"")
        target = Target.parse(request.method, path)
        with self.store.lock:
            old = self.store.get(target.key)
            return self.update(target, ADMIN, old, patches.merge(old, patch), request)


def warn(request, target, warnings):
    """What is unknown is dropped and told of, or refused, as the request wishes."""
    wish = target.query.get("fieldValidation", "Warn")
    if wish == "Strict" and warnings:
        raise Refused(400, "strict decoding error: " + ", ".join(warnings).replace('\\"', '"'))
    request.warnings += warnings if wish == "Warn" else []


def generated(thing):
    """What counts up a custom resource's generation."""
    return {part: value for part, value in thing.items() if part not in ("kind", "apiVersion", "metadata", "status")}


def manager(request, target):
    return target.query.get("fieldManager") or request.header("user-agent").split("/")[0] or "unknown"


def content(thing, owners=False):
    """What counts as a change."""
    metadata = {name: value for name, value in thing["metadata"].items() if name not in ("resourceVersion", "managedFields")}
    if owners:
        metadata["owners"] = [entry | {"time": ""} for entry in thing["metadata"].get("managedFields", [])]
    return thing | {"metadata": metadata}


def parsed(body, prefix):
    text = body.decode(errors="replace")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Refused(400, prefix + statuses.bad_json(error, text)) from None


def decoded(request, kind):
    if request.media_type not in ("application/json", APPLY):
        raise Refused(415, "415: Unsupported Media Type", details={})
    unknown = f"the object provided is unrecognized (must be of type {kind.name}): "
    thing = parsed(request.body, unknown + "couldn't get version/kind; json parse error: ")
    if not isinstance(thing, dict) or (thing.get("apiVersion"), thing.get("kind")) != (kind.api_version, kind.name):
        raise Refused(400, unknown + "it has another apiVersion or kind")
    return thing
