"""What an object must be like: 400 where it can't be decoded, 422 with causes where it makes no sense."""
import re

import schemas
from statuses import Refused, invalid

LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
QUALIFIED_NAME = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
BAD_LABEL = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with "
    "an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')")
BAD_NAME = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')")
ANNOTATIONS_LIMIT = 256 * 1024
# Times of conditions, and of events and leases: these take six digits and nothing else.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
MICRO_TIMES = ("eventTime", "series.lastObservedTime", "spec.acquireTime", "spec.renewTime")
STRUCTURES = {"metadata": dict, "metadata.labels": dict, "metadata.annotations": dict, "spec": dict, "status": dict,
              "status.conditions": list, "regarding": dict, "series": dict}
# Fields that are unknown here are dropped, with a warning.
KNOWN = {
    ("Event", ""): {
        "kind", "apiVersion", "metadata", "eventTime", "series", "reportingController", "reportingInstance", "action", "reason",
        "regarding", "related", "note", "type", "deprecatedSource", "deprecatedFirstTimestamp", "deprecatedLastTimestamp",
        "deprecatedCount"},
    ("Event", "regarding"): {"kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"},
    ("Event", "series"): {"count", "lastObservedTime"},
    ("Lease", "spec"): {"holderIdentity", "leaseDurationSeconds", "acquireTime", "renewTime", "leaseTransitions", "strategy",
                        "preferredHolder"},
    ("Node", "status.conditions"): {"type", "status", "lastHeartbeatTime", "lastTransitionTime", "reason", "message"},
}
LEASE_TYPES = {"holderIdentity": str, "leaseDurationSeconds": int, "leaseTransitions": int}
GO_TYPES = {type(None): "null", str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
EVENT_LENGTHS = {"reportingInstance": 128, "action": 128, "reason": 128, "note": 1024}
EVENT_REQUIRED = ("reportingController", "reportingInstance", "action", "reason")
EVENT_FIXED = EVENT_REQUIRED + ("regarding", "related", "note", "type", "eventTime")
# What the errors about an event call its fields.
INTERNAL_NAMES = {"note": "message", "regarding": "involvedObject"}


def decode(kind, thing):
    """Refuses what isn't of the kind's types, and drops what it doesn't know: the warnings of that."""
    def refuse(text):
        raise Refused(400, f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {text}')

    def expect(wanted, value, path):
        if not isinstance(value, wanted):
            refuse(f"json: cannot unmarshal {GO_TYPES[type(value)]} into Go struct field {kind.name}.{path} of type "
                   f"{GO_TYPES[wanted]}")

    def expect_time(pattern, layout, value):
        if not pattern.fullmatch(value):
            refuse(f'parsing time "{value}" as "{layout}": cannot parse it')

    if kind.schema:
        dropped = sorted(schemas.prune(thing, kind.schema))
        schemas.fill(thing, kind.schema)
        return [f'unknown field \\"{path}\\"' for path in dropped]
    for path, wanted in STRUCTURES.items():
        if (value := at(thing, path)) is not None:
            expect(wanted, value, path)
    for path in ("metadata.labels", "metadata.annotations"):
        for value in (at(thing, path) or {}).values():
            expect(str, value, path)
    if kind.name == "Lease":
        for name, wanted in LEASE_TYPES.items():
            if (value := at(thing, f"spec.{name}")) is not None:
                expect(wanted, value, f"spec.{name}")
    for condition in at(thing, "status.conditions") or []:
        expect(dict, condition, "status.conditions")
        for name, value in condition.items():
            expect(str, value, f"status.conditions.{name}")
            if name in ("lastHeartbeatTime", "lastTransitionTime"):
                expect_time(TIME, "2006-01-02T15:04:05Z07:00", value)
    for path in MICRO_TIMES:
        if (value := at(thing, path)) is not None:
            expect(str, value, path)
            expect_time(MICRO_TIME, "2006-01-02T15:04:05.000000Z07:00", value)
    return [warning for (name, path), known in KNOWN.items() if name == kind.name for warning in prune(thing, path, known)]


def prune(thing, path, known):
    value = at(thing, path) if path else thing
    for part in value if isinstance(value, list) else [value or {}]:
        for name in set(part) - known:
            del part[name]
            where = f"{path}.{name}" if path else name
            yield f'unknown field \\"{where}\\"'


def check(kind, thing, old=None):
    causes = metadata_causes(thing["metadata"])
    if kind.name == "Node" and old:
        causes *= 4  # The real server validates a changed Node so often, and says it each time.
    if kind.name == "Event":
        causes += event_causes(thing, old)
    if kind.name == "Lease":
        causes += lease_causes(thing["spec"])
    if kind.schema:
        causes += schemas.causes(thing, kind.schema, old)
    if causes:
        raise invalid(kind, thing["metadata"]["name"], causes)


def at(thing, path):
    for name in path.split("."):
        thing = thing.get(name) if isinstance(thing, dict) else None
    return thing


def bad(value, message, field):
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return ("FieldValueInvalid", f"Invalid value: {shown}: {message}", field)


def required(field):
    return ("FieldValueRequired", "Required value", field)


def metadata_causes(metadata):
    causes = []
    for key, value in metadata.get("labels", {}).items():
        if not QUALIFIED_NAME.fullmatch(key):
            causes.append(bad(key, BAD_NAME, "metadata.labels"))
        if len(value) > 63:
            causes.append(bad(value, "must be no more than 63 bytes", "metadata.labels"))
        if not LABEL_VALUE.fullmatch(value):
            causes.append(bad(value, BAD_LABEL, "metadata.labels"))
    annotations = metadata.get("annotations", {})
    causes += [bad(key, BAD_NAME, "metadata.annotations") for key in annotations if not QUALIFIED_NAME.fullmatch(key)]
    if sum(len(key) + len(value) for key, value in annotations.items()) > ANNOTATIONS_LIMIT:
        causes.append(("FieldValueTooLong", f"Too long: may not be more than {ANNOTATIONS_LIMIT} bytes", "metadata.annotations"))
    return causes


def lease_causes(spec):
    """pkg/apis/coordination/validation of Kubernetes."""
    causes = []
    if (duration := spec.get("leaseDurationSeconds")) is not None and duration <= 0:
        causes.append(bad(duration, "must be greater than 0", "spec.leaseDurationSeconds"))
    if (transitions := spec.get("leaseTransitions")) is not None and transitions < 0:
        causes.append(bad(transitions, "must be greater than or equal to 0", "spec.leaseTransitions"))
    return causes


def event_causes(event, old):
    causes = []
    if event.get("eventTime"):
        if not event["regarding"].get("namespace") and event["metadata"]["namespace"] not in ("default", "kube-system"):
            causes.append(bad("", "does not match event.namespace", "involvedObject.namespace"))
        causes += [required(name) for name in EVENT_REQUIRED if not event.get(name)]
        if not QUALIFIED_NAME.fullmatch(event.get("reportingController") or ""):
            causes.append(bad(event.get("reportingController") or "", BAD_NAME, "reportingController"))
        for name, limit in EVENT_LENGTHS.items():
            if len(event.get(name) or "") > limit:
                causes.append(bad("", f"can have at most {limit} characters", INTERNAL_NAMES.get(name, name)))
    if event.get("series") and (not old or event["series"] != old.get("series")):
        if event["series"].get("count", 0) < 2:
            causes.append(bad("", "should be at least 2", "series.count"))
        if not event["series"].get("lastObservedTime"):
            causes.append(required("series.lastObservedTime"))
    if old:
        causes += [bad(event.get(name) or "", "field is immutable", INTERNAL_NAMES.get(name, name))
                   for name in EVENT_FIXED if event.get(name) != old.get(name)]
    else:
        if not event.get("eventTime"):
            causes.append(required("eventTime"))
        if event.get("type") not in ("Normal", "Warning"):
            causes.append(bad("", f"has invalid value: {event.get('type') or ''}", "type"))
    return causes
