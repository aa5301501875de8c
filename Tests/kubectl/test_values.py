"""What the plugin has in common with the controller and the document: values, sentences, names."""
import ast
import json
import unittest
from datetime import datetime, timedelta, timezone

from cluster import DOCUMENT, PLUGIN, REPOSITORY, plugin, table


class ValueTests(unittest.TestCase):
    """The same tables hold the controller's readers (NodeOverridesTests, TimestampParserTests)."""

    def setUp(self):
        self.plugin = plugin()

    def rows(self, name):
        return json.loads((REPOSITORY / f"Tests/Fixtures/overrides/{name}.json").read_text())

    def test_powers_are_read_as_the_controller_reads_them(self):
        for text, expected in self.rows("powers"):
            with self.subTest(text):
                try:
                    found = self.plugin.number(text, self.plugin.POWER, self.plugin.POWER_WORDS)
                except self.plugin.Wrong as mistake:
                    found = mistake.problem
                    self.assertTrue(str(mistake).startswith('"') and ": give microwatts" in str(mistake), mistake)
                    self.assertNotIn("\n", str(mistake))
                self.assertEqual(found, expected)

    def test_times_are_read_as_the_controller_reads_them(self):
        for text, seconds, nanoseconds in self.rows("instants"):
            with self.subTest(text):
                found = self.plugin.instant(text)
                expected = None if seconds is None else (
                    datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds, microseconds=nanoseconds // 1000))
                self.assertEqual(found, expected)

    def test_powers_are_written_as_the_controller_writes_them(self):
        for microwatts, text in ((90_000_000, "90 W"), (90_500_000, "90.5 W"), (4_095_875_000, "4095.875 W"), (0, "0 W"),
                                 (12_500_000_000, "12.5 kW"), (1, "0.000001 W")):
            self.assertEqual(self.plugin.watts(microwatts), text)


class SourceTests(unittest.TestCase):
    def test_it_says_what_the_document_says_is_to_be_done(self):
        self.assertEqual(plugin().ADVICE, {reason: advice for _, reason, advice in table("conditions")})

    def test_it_knows_every_override_of_the_document(self):
        module = plugin()
        keys = [module.PREFIX + name + end for name, has_end in module.OVERRIDES.items() for end in ([""] + ["-until"] * has_end)]
        self.assertEqual(keys + [module.REASON], [row[0] for row in table("overrides")])

    def test_it_has_the_release_of_the_programs(self):
        source = (REPOSITORY / "Sources/Protocol/GreetingMessages.swift").read_text()
        self.assertIn(f'version: StaticString = "{plugin().VERSION}"', source)

    def test_python_3_9_understands_it(self):
        ast.parse(PLUGIN.read_text(), feature_version=(3, 9))

    def test_the_document_says_how_it_is_installed(self):
        for page in (DOCUMENT, PLUGIN.parent / "README.md"):
            self.assertIn("install -m 755 deploy/kubectl/kubectl-powercap ~/.local/bin/", page.read_text())
