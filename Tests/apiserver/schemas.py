"""What a custom resource must be like: the structural schema of its definition, and its rules in CEL.

As apiextensions-apiserver has it: unknown fields are dropped, then defaults are filled in, then everything is checked.
"""
import copy
import re

import celrules

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
NAMES = {dict: "object", list: "array", str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
RANGES = {"int32": 2 ** 31, "int64": 2 ** 63}
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
# The server's own: neither pruned nor defaulted.
HEAD = ("apiVersion", "kind", "metadata")


def is_a(value, name):
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def members(value, schema):
    """What is in a value, each with its schema and its place."""
    if isinstance(value, dict):
        for name, below in value.items():
            if name in schema.get("properties", {}):
                yield name, below, schema["properties"][name], f".{name}"
            elif "additionalProperties" in schema:
                yield name, below, schema["additionalProperties"], f".{name}"
    elif isinstance(value, list) and "items" in schema:
        for index, below in enumerate(value):
            yield index, below, schema["items"], f"[{index}]"


def prune(value, schema, path="", is_root=True):
    """Drops what the schema doesn't know: the paths of it."""
    dropped = []
    if isinstance(value, dict) and "additionalProperties" not in schema:
        for name in [name for name in value if name not in schema.get("properties", {}) and not (is_root and name in HEAD)]:
            del value[name]
            dropped.append(f"{path}.{name}".lstrip("."))
    for name, below, known, step in list(members(value, schema)):
        if not (is_root and name in HEAD):
            dropped += prune(below, known, path + step, False)
    return dropped


def fill(value, schema):
    """Sets the defaults that a value lacks."""
    if isinstance(value, dict):
        for name, known in schema.get("properties", {}).items():
            if "default" in known and value.get(name) is None:
                value[name] = copy.deepcopy(known["default"])
    for _, below, known, _ in members(value, schema):
        fill(below, known)


def causes(value, schema, old=None, path=""):
    """What is wrong with a value, as the server puts it: reason, message, field. Rules are looked at where all the rest is right."""
    return list(structure(value, schema, path)) or list(rules(value, schema, old, path))


def structure(value, schema, path):
    def wrong(message, reason="FieldValueInvalid", shown=value):
        text = f'"{shown}"' if isinstance(shown, str) else str(shown)
        return reason, f"Invalid value: {text}: {place} {message}", place

    place = path.lstrip(".")
    if not is_a(value, schema["type"]):
        found = NAMES[type(value)]
        yield wrong(f'in body must be of type {schema["type"]}: "{found}"', "FieldValueTypeInvalid", found)
        return
    if "enum" in schema and value not in schema["enum"]:
        choices = ", ".join(f'"{choice}"' for choice in schema["enum"])
        yield "FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {choices}', place
    if schema.get("format") in RANGES and not -RANGES[schema["format"]] <= value < RANGES[schema["format"]]:
        yield wrong(f'in body must be of type {schema["format"]}: "{value}"')
    if schema.get("format") == "date-time" and not DATE_TIME.fullmatch(value):
        yield wrong(f'in body must be of type datetime: "{value}"')
    for key, is_good, words in (("minimum", lambda limit: value >= limit, "greater than or equal to"),
                                ("maximum", lambda limit: value <= limit, "less than or equal to")):
        if key in schema and not is_good(schema[key]):
            yield wrong(f"in body should be {words} {schema[key]}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield wrong(f"in body should match '{schema['pattern']}'")
    if len(value) < schema.get("minLength", 0) if isinstance(value, str) else False:
        yield wrong(f"in body should be at least {schema['minLength']} chars long")
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        yield "FieldValueTooLong", f"Too long: may not be more than {schema['maxLength']} bytes", place
    if isinstance(value, list) and len(value) > schema.get("maxItems", len(value)):
        yield "FieldValueTooMany", f"Too many: {len(value)}: must have at most {schema['maxItems']} items", place
    if isinstance(value, dict):
        if len(value) < schema.get("minProperties", 0):
            yield wrong(f"in body should have at least {schema['minProperties']} properties")
        if len(value) > schema.get("maxProperties", len(value)):
            yield "FieldValueTooMany", f"Too many: {len(value)}: must have at most {schema['maxProperties']} items", place
        for name in schema.get("required", []):
            if name not in value:
                yield "FieldValueRequired", "Required value", f"{path}.{name}".lstrip(".")
    keys = schema.get("x-kubernetes-list-map-keys")
    if keys and isinstance(value, list):
        seen = []
        for index, item in enumerate(value):
            key = {name: item[name] for name in keys if name in item}
            if key in seen:
                shown = ",".join(f'"{name}":"{part}"' for name, part in key.items())
                yield "FieldValueDuplicate", f"Duplicate value: {{{shown}}}", f"{place}[{index}]"
            seen.append(key)
    for name, below, known, step in members(value, schema):
        if path or name not in HEAD:
            yield from structure(below, known, path + step)


def rules(value, schema, old, path):
    """A rule that looks at what was is left out where nothing was, as by the server."""
    for rule in schema.get("x-kubernetes-validations", []):
        if "oldSelf" in rule["rule"] and old is None:
            continue
        if not celrules.holds(rule["rule"], value, old):
            place = path.lstrip(".")
            yield "FieldValueInvalid", f'Invalid value: "{NAMES[type(value)]}": {rule["message"]}', place or "<nil>"
    for name, below, known, step in members(value, schema):
        was = old.get(name) if isinstance(old, dict) else None
        yield from rules(below, known, was, path + step)


def texts(schema):
    """The text of every rule."""
    found = [rule["rule"] for rule in schema.get("x-kubernetes-validations", [])]
    below = [*schema.get("properties", {}).values(), *(schema[key] for key in ("items", "additionalProperties") if key in schema)]
    return found + [text for known in below for text in texts(known)]
