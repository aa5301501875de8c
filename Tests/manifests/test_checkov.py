"""What a static analyser objects to is exactly what the document explains."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from manifest import FLEET, SHARDS, build, table


def findings(manifest):
    """(check, resource) of every failed check. Nothing is asked of checkov's own servers."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "manifest.yaml")
        path.write_text(manifest.text)
        ran = subprocess.run(
            [pathlib.Path(sys.executable).with_name("checkov"), "--skip-download", "--framework", "kubernetes",
             "--output", "json", "--file", path.name], cwd=directory, capture_output=True, text=True, timeout=300,
            env={**os.environ, "LOG_LEVEL": "ERROR", "PYTHONWARNINGS": "ignore"})
    report = json.loads(ran.stdout)
    if report["results"]["parsing_errors"] or report["summary"]["passed"] < 50:
        raise AssertionError(f"checkov didn't read the manifest: {report['summary']}")
    return {(check["check_id"], check["resource"].split(".")[0]) for check in report["results"]["failed_checks"]}


class CheckovTests(unittest.TestCase):
    maxDiff = None

    def documented(self, column):
        return {(row[0], kind) for row in table("checkov") for kind in row[1].split(", ") if row[column] == "yes"}

    def test_its_findings_are_those_that_the_document_explains(self):
        self.assertEqual(findings(build()), self.documented(2))

    def test_with_the_hosts_helper_there_are_fewer(self):
        self.assertEqual(findings(build(components=["host-helper"])), self.documented(3))

    def test_a_fleet_adds_none(self):
        for components in (FLEET, SHARDS):
            with self.subTest(components=components):
                self.assertEqual(findings(build(components=components)), self.documented(2))


if __name__ == "__main__":
    unittest.main()
