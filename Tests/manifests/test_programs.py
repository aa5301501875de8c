"""The programs understand what the pod gives them, and write what the policy and the document say."""
import os
import re
import subprocess
import unittest

from manifest import DOCUMENT, REPOSITORY, build, table

NODE = REPOSITORY / "Sources/powercap-controller/Node"

HELPER = os.environ.get("POWERCAP_HELPER")
CONTROLLER = os.environ.get("POWERCAP_CONTROLLER")


def output(command, environment=None):
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    return ran.returncode, ran.stdout + ran.stderr


def keys(path):
    """The labels and annotations of ours that a source names."""
    return set(re.findall(r'"((?:rapl|power-manager|powercap\.dev)/[a-z_-]+)"', path.read_text()))


class ProgramTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manifest = build()

    @unittest.skipUnless(CONTROLLER, "POWERCAP_CONTROLLER doesn't name the controller")
    def test_the_controller_takes_every_setting(self):
        variables = self.manifest.container("powercap-controller")["env"]
        literal = {variable["name"]: variable["value"] for variable in variables if "value" in variable}
        self.assertLessEqual({"MAX_SOURCE": "140000000", "RAPL_LIMIT": "40", "STABILISATION_TIME": "120", "ALPHA": "4",
                              "PMAX_FUNC": "min"}.items(), literal.items())
        self.assertEqual({variable["name"] for variable in variables} - set(literal), {"NODE_NAME"})
        status, text = output([CONTROLLER, "validate"], {**literal, "NODE_NAME": "node-a"})
        self.assertEqual(status, 0, text)
        taken = {line.split()[0] for line in text.splitlines() if line.endswith("environment")}
        self.assertLessEqual(set(literal), taken)

    @unittest.skipUnless(HELPER, "POWERCAP_HELPER doesn't name the helper")
    def test_the_helper_understands_its_command_line(self):
        container = self.manifest.container("raplhelper")
        for arguments in (container["args"], container["livenessProbe"]["exec"]["command"][1:]):
            status, text = output([HELPER, *arguments, "--version"])
            self.assertEqual(status, 0, text)

    @unittest.skipUnless(HELPER, "POWERCAP_HELPER doesn't name the helper")
    def test_the_helper_would_not_understand_a_misspelt_one(self):
        self.assertEqual(output([HELPER, "--alow-gid=65532", "--version"])[0], 2)

    @unittest.skipUnless(CONTROLLER, "POWERCAP_CONTROLLER doesn't name the controller")
    def test_the_controller_understands_its_probes(self):
        for probe in ("readinessProbe", "livenessProbe"):
            arguments = self.manifest.container("powercap-controller")[probe]["exec"]["command"][1:]
            status, text = output([CONTROLLER, *arguments], {"RAPLHELPER_SOCKET": "/nonexistent/raplhelper.sock"})
            self.assertEqual(status, {"readinessProbe": 1, "livenessProbe": 0}[probe], text)


class SourceTests(unittest.TestCase):
    def test_the_policy_allows_the_keys_that_the_source_writes_and_no_other(self):
        variables = {variable["name"]: set(variable["expression"].split("'")[1::2])
                     for variable in build().one("ValidatingAdmissionPolicy")["spec"]["variables"]}
        self.assertEqual(variables["ownLabels"] | variables["ownNotes"], keys(NODE / "NodeRecord.swift"))

    def test_the_api_server_of_the_tests_has_this_policy(self):
        path = REPOSITORY / "Tests/apiserver/policy.py"
        self.assertEqual(keys(path), keys(NODE / "NodeRecord.swift"))
        for rule in build().one("ValidatingAdmissionPolicy")["spec"]["validations"]:
            self.assertIn(rule.get("message", "powercap may change only the node it runs on"), path.read_text())

    def test_the_document_removes_with_kubectl_all_that_is_written(self):
        commands = DOCUMENT.read_text().partition("\n## Uninstall\n")[2]
        removed = set(re.findall(r"[a-z.-]+/[a-z_-]+(?=- |-$)", commands, re.MULTILINE))
        self.assertEqual(removed, keys(NODE / "NodeRecord.swift"))

    def test_the_document_lists_every_reason_of_the_condition(self):
        sources = [NODE / "NodeReport.swift", NODE.parent / "State/Condition.swift"]
        values = [value for source in sources for value in re.findall(r"\breason: ([^,\n]+)", source.read_text())]
        written = {reason for value in values for reason in re.findall(r'"(\w+)"', value)}
        self.assertEqual({reason for _, reason, _ in table("conditions")}, written)


if __name__ == "__main__":
    unittest.main()
