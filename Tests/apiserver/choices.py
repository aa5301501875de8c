"""Which objects a list is asked for: by labels, and by the few fields that a kind has for it."""
import re

from statuses import Refused

# Beside metadata.name, which every kind has; an update of the server's own may add some.
FIELDS = {
    "Node": ("spec.unschedulable",), "Pod": ("spec.nodeName", "status.phase"),
    "Event": ("reason", "type", "regarding.kind", "regarding.name", "regarding.namespace", "regarding.uid"),
}
NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
TERM = re.compile(rf"\s*(?:(!)\s*({NAME})|({NAME})\s*(?:(==|=|!=)\s*({NAME}|)|\s(in|notin)\s*\(([^()]*)\)|))\s*(?:,|$)")


def by_labels(text):
    """A function of an object's labels."""
    terms, position = [], 0
    while position < len(text):
        match = TERM.match(text, position)
        if not match or match.end() == position:
            raise Refused(400, f"unable to parse requirement: found '{text[position:]}'")
        terms.append(term(*match.groups()))
        position = match.end()
    return lambda labels: all(holds(labels) for holds in terms)


def term(no, absent, key, operator, value, word, values):
    if no:
        return lambda labels: absent not in labels
    if word:
        among = {value.strip() for value in values.split(",")}
        return lambda labels: (labels.get(key) in among) == (word == "in")
    if operator:
        return lambda labels: (labels.get(key) == value) == (operator != "!=")
    return lambda labels: key in labels


def by_fields(kind, text):
    """The name that is asked for, or "", and a function of an object."""
    name, terms = "", []
    for part in text.split(",") if text else ():
        field, operator, value = re.fullmatch(r"([^=!]*)(==|=|!=)?(.*)", part).groups()
        if field == "metadata.name" and operator != "!=":
            name = value
        elif field in FIELDS.get(kind, ()) and operator:
            terms.append((field.split("."), operator != "!=", value))
        else:
            raise Refused(400, f"field label not supported: {field}")
    return name, lambda thing: all((at(thing, path) == value) == same for path, same, value in terms)


def at(thing, path):
    for part in path:
        thing = thing.get(part) if isinstance(thing, dict) else None
    return {None: "", True: "true", False: "false"}.get(thing, thing)
