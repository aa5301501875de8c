"""The rules of our custom resources, once more in Python: CEL isn't in the standard library. Tests/manifests holds each to a CEL."""


def is_selector_term(term, _):
    return (term["operator"] in ("In", "NotIn")) == bool(term.get("values"))


TABLE = {
    "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)": is_selector_term,
    "'SOURCE' in self && self['SOURCE'] != 'granted'": lambda source, _: source.get("SOURCE", "granted") != "granted",
    "has(self.limitMilliwatts) != has(self.source)": lambda spec, _: ("limitMilliwatts" in spec) != ("source" in spec),
    "self.minimumMilliwatts <= self.maximumMilliwatts":
        lambda spec, _: spec["minimumMilliwatts"] <= spec["maximumMilliwatts"],
    "!has(self.limitMilliwatts) || self.minimumMilliwatts <= self.limitMilliwatts":
        lambda spec, _: spec["minimumMilliwatts"] <= spec.get("limitMilliwatts", spec["minimumMilliwatts"]),
    "!has(self.limitMilliwatts) || self.reserveMilliwatts < self.limitMilliwatts":
        lambda spec, _: "limitMilliwatts" not in spec or spec["reserveMilliwatts"] < spec["limitMilliwatts"],
    "self.budget == oldSelf.budget && self.shard == oldSelf.shard":
        lambda spec, old: (spec["budget"], spec["shard"]) == (old["budget"], old["shard"]),
    "self.metadata.name == self.spec.budget + '-' + string(self.spec.shard)":
        lambda thing, _: thing["metadata"]["name"] == f"{thing['spec']['budget']}-{thing['spec']['shard']}",
}


def holds(rule, value, old):
    """KeyError: a rule that this table doesn't have."""
    return TABLE[rule](value, old)
