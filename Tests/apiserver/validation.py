"""What an object must be like: 400 where it can't be decoded, 422 with causes where it makes no sense."""
import re

from statuses import Refused, invalid

LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
QUALIFIED_NAME = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
BAD_LABEL = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')")
BAD_NAME = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')")
ANNOTATIONS_LIMIT = 256 * 1024
# Of metav1.Time and metav1.MicroTime: the second takes six digits and nothing else.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
MICRO_TIMES = ("eventTime", "series.lastObservedTime", "spec.acquireTime", "spec.renewTime")
EVENT_LENGTHS = {"reportingInstance": 128, "action": 128, "reason": 128, "note": 1024}
EVENT_FIXED = ("regarding", "reason", "note", "type", "eventTime", "action", "related", "reportingController", "reportingInstance")
# What the errors about an event call its fields.
INTERNAL_NAMES = {"note": "message", "regarding": "involvedObject"}


def check(kind, thing, old=None):
    decode(kind, thing)
    causes = metadata_causes(thing["metadata"])
    if kind.name == "Node" and old:
        causes *= 4  # The real server validates a changed Node so often, and says it each time.
    if kind.name == "Event":
        causes += event_causes(thing, old)
    if causes:
        raise invalid(kind, thing["metadata"]["name"], causes)


def decode(kind, thing):
    def refuse(text):
        raise Refused(400, f'{kind.name} in version "v1" cannot be handled as a {kind.name}: {text}')

    for name in ("labels", "annotations"):
        for value in thing["metadata"].get(name, {}).values():
            if not isinstance(value, str):
                refuse(f"json: cannot unmarshal {go_type(value)} into Go struct field ObjectMeta.metadata.{name} of type string")
    for path in MICRO_TIMES:
        value = at(thing, path)
        if value is not None and not MICRO_TIME.fullmatch(str(value)):
            refuse(f'parsing time "{value}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse it')
    for condition in at(thing, "status.conditions") or []:
        for name in ("lastHeartbeatTime", "lastTransitionTime"):
            if name in condition and not TIME.fullmatch(str(condition[name])):
                refuse(f'parsing time "{condition[name]}" as "2006-01-02T15:04:05Z07:00": cannot parse it')


def go_type(value):
    return {bool: "bool", int: "number", float: "number", list: "array", dict: "object"}[type(value)]


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


def event_causes(event, old):
    causes = []
    if event.get("eventTime"):
        if not event["regarding"].get("namespace") and event["metadata"]["namespace"] not in ("default", "kube-system"):
            causes.append(bad("", "does not match event.namespace", "involvedObject.namespace"))
        causes += [required(name) for name in ("reportingController", "reportingInstance", "action", "reason") if not event.get(name)]
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
