"""The programs understand what the pod gives them."""
import os
import subprocess
import unittest

from manifest import build

HELPER = os.environ.get("POWERCAP_HELPER")
CONTROLLER = os.environ.get("POWERCAP_CONTROLLER")


def output(command, environment=None):
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    return ran.returncode, ran.stdout + ran.stderr


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


if __name__ == "__main__":
    unittest.main()
