"""The kinds of custom resources: what a server takes for a definition, and their rules with a CEL of its own."""
import copy
import itertools
import json
import sys
import unittest

import kubernetes_validate
import yaml
from cel_expr_python import cel
from manifest import REPOSITORY, custom_resources
from test_build import NEWEST, OLDEST

sys.path.insert(0, str(REPOSITORY / "Tests/apiserver"))
import celrules
import schemas

SPEC = {"limitMilliwatts": 10, "maximumMilliwatts": 5, "minimumMilliwatts": 0, "reserveMilliwatts": 0}


def terms():
    for operator, values in itertools.product(("In", "NotIn", "Exists", "DoesNotExist"), (None, [], ["a"], ["a", "b"])):
        yield {"key": "k", "operator": operator} | ({} if values is None else {"values": values})


def specs():
    """Every combination of numbers around each other, with and without a limit and a source."""
    for limit, low, high, reserve, source in itertools.product((None, 1, 2, 3), (0, 2, 3), (1, 2, 3), (0, 2, 3), (None, {"SOURCE": "sun"})):
        spec = {"minimumMilliwatts": low, "maximumMilliwatts": high, "reserveMilliwatts": reserve}
        yield spec | ({} if limit is None else {"limitMilliwatts": limit}) | ({} if source is None else {"source": source})


def shards():
    for name, budget, shard in itertools.product(("a-0", "a-1", "a", "a-1-0"), ("a", "a-1"), (0, 1)):
        yield {"metadata": {"name": name}, "spec": {"budget": budget, "shard": shard}}


SOURCES = [{"SOURCE": "static"}, {"SOURCE": "granted"}, {"MAX_SOURCE": "1"}, {"SOURCE": "", "X": "y"}]


class DefinitionTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.definitions = custom_resources()
        cls.schemas = {thing["spec"]["names"]["kind"]: thing["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
                       for thing in cls.definitions}

    def parts(self, schema, path=""):
        yield path, schema
        for name, below in schema.get("properties", {}).items():
            yield from self.parts(below, f"{path}.{name}")
        for key, step in (("items", "[]"), ("additionalProperties", ".*")):
            if key in schema:
                yield from self.parts(schema[key], path + step)

    def test_the_definitions_are_valid_in_every_kubernetes(self):
        self.assertEqual({thing["metadata"]["name"] for thing in self.definitions},
                         {"powerbudgets.powercap.dev", "powerbudgetshards.powercap.dev"})
        for version, thing in itertools.product((OLDEST, NEWEST), self.definitions):
            kubernetes_validate.validate(thing, f"1.{version}", strict=True)

    def test_the_schemas_are_structural(self):
        """Every part has a type, nothing but properties or one kind of value, and no default beside one that it would break."""
        for kind, schema in self.schemas.items():
            for path, part in self.parts(schema):
                with self.subTest(kind=kind, path=path):
                    self.assertIn(part["type"], schemas.TYPES)
                    self.assertFalse({"properties", "additionalProperties"} <= set(part))
                    if "default" in part:
                        self.assertEqual(schemas.causes(part["default"], part, path=path), [])
                    if part["type"] == "array":
                        self.assertIn("maxItems", part)
                        self.assertIn(part.get("x-kubernetes-list-type"), ("atomic", "map"))
                    # What a rule looks at has a greatest size: the server reckons what a rule may cost at most.
                    if part["type"] == "object" and "additionalProperties" in part:
                        self.assertIn("maxProperties", part)

    def test_power_is_whole_milliwatts_and_time_whole_seconds(self):
        for kind, schema in self.schemas.items():
            for path, part in self.parts(schema):
                with self.subTest(kind=kind, path=path):
                    self.assertNotEqual(part["type"], "number")
                    if path.endswith("Milliwatts"):
                        self.assertEqual((part["type"], part["format"], part["maximum"]), ("integer", "int64", 10 ** 15))
                        self.assertIn("mW", part["description"])

    def test_columns_show_what_the_schema_has(self):
        for thing in self.definitions:
            version = thing["spec"]["versions"][0]
            self.assertEqual(version["subresources"], {"status": {}})
            known = {path for path, _ in self.parts(version["schema"]["openAPIV3Schema"])}
            for column in version["additionalPrinterColumns"]:
                path = column["jsonPath"]
                if not path.startswith((".metadata", ".status.conditions[?(")):
                    self.assertIn(path, known)
        budget = next(thing for thing in self.definitions if thing["spec"]["names"]["kind"] == "PowerBudget")
        self.assertEqual([column["name"] for column in budget["spec"]["versions"][0]["additionalPrinterColumns"]],
                         ["Limit", "Counted", "In force", "Nodes", "Silent", "Ready", "Age"])

    def test_each_rule_means_in_cel_what_the_double_of_the_server_makes_of_it(self):
        environment = cel.NewEnv(variables={name: cel.Type.DYN for name in ("self", "oldSelf")})
        seen = set()
        for schema in self.schemas.values():
            for _, part in self.parts(schema):
                for rule in part.get("x-kubernetes-validations", []):
                    self.assertNotIn("\n", rule["message"])
                    program = environment.compile(rule["rule"])
                    outcomes = set()
                    for value, old in self.cases(rule["rule"]):
                        data = {"self": copy.deepcopy(value), "oldSelf": copy.deepcopy(old)}
                        found = program.eval(data=data).plain_value()
                        self.assertIs(celrules.holds(rule["rule"], value, old), found, (rule["rule"], value, old))
                        outcomes.add(found)
                    # A rule that no case breaks, or that none fulfils, has not been tried.
                    self.assertEqual(outcomes, {True, False}, rule["rule"])
                    seen.add(rule["rule"])
        self.assertEqual(seen, set(celrules.TABLE))

    def cases(self, rule):
        if "oldSelf" in rule:
            found = [thing["spec"] for thing in shards()]
            return list(itertools.product(found, found))
        values = (terms() if "operator" in rule else SOURCES if "SOURCE" in rule else shards() if "metadata" in rule else specs())
        return [(value, {}) for value in values]

    def test_the_api_server_of_the_tests_has_these_kinds(self):
        self.assertEqual(json.loads((REPOSITORY / "Tests/apiserver/crds.json").read_text()), self.definitions,
                         "write it anew: Tests/manifests/run crds > Tests/apiserver/crds.json")

    def test_a_part_without_a_type_is_found(self):
        schema = yaml.safe_load(yaml.safe_dump(self.schemas["PowerBudget"]))
        del schema["properties"]["spec"]["properties"]["limitMilliwatts"]["type"]
        with self.assertRaises(KeyError):
            for _, part in self.parts(schema):
                self.assertIn(part["type"], schemas.TYPES)


if __name__ == "__main__":
    unittest.main()
