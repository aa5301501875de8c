"""What kubectl builds, and whether a cluster would take it."""
import itertools
import json
import pathlib
import shutil
import tempfile
import unittest

import kubernetes_validate
import yaml
from manifest import COMPONENTS, DEPLOY, REPOSITORY, ROLES, Manifest, build, kustomize, rules, table

# The first with ValidatingAdmissionPolicy v1.
OLDEST = 30
NEWEST = int(kubernetes_validate.latest_version().split(".")[1])


class BuildTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.default = build()

    def test_every_combination_of_components_builds(self):
        for count in range(len(COMPONENTS) + 1):
            for components in itertools.permutations(COMPONENTS, count):
                with self.subTest(components=components):
                    built = build(DEPLOY / "base", components)
                    policies = [thing for thing in built.objects if thing["kind"].startswith("ValidatingAdmissionPolicy")]
                    self.assertEqual(len(policies), 2 if "own-node-policy" in components else 0)
                    self.assertEqual(len(built.pod["containers"]), 1 if "host-helper" in components else 2)

    def test_the_own_node_policy_is_on_by_default(self):
        self.assertEqual(self.default.objects, build(DEPLOY / "base", ["own-node-policy"]).objects)

    def test_an_overlay_of_the_default_can_leave_the_helper_to_the_host(self):
        self.assertEqual(build(components=["host-helper"]).objects, build(DEPLOY / "base", COMPONENTS).objects)

    def test_other_hardware_is_the_helpers_to_look_for_and_the_same_words_govern_in_both(self):
        built = build(components=["hardware"])
        helper, controller = built.container("raplhelper"), built.container("powercap-controller")
        arguments = dict(argument.split("=", 1) for argument in helper["args"])
        plain = dict(argument.split("=", 1) for argument in self.default.container("raplhelper")["args"])
        self.assertEqual({**plain, **arguments} | {"--powercap-root": ""}, arguments | {"--powercap-root": ""}, "no other argument is lost")
        self.assertNotIn("--powercap-root", arguments)
        self.assertIn({"name": "GOVERN", "value": arguments["--govern"]}, controller["env"])
        root = arguments["--sysfs"]
        paths = {volume["name"]: volume["hostPath"]["path"] for volume in built.pod["volumes"] if "hostPath" in volume}
        mounts = {paths[mount["name"]]: mount for mount in helper["volumeMounts"] if mount["name"] in paths}
        self.assertEqual({path for path in mounts if path.startswith("/sys")}, {"/sys/devices", "/sys/class"})
        for path in ("/sys/devices", "/sys/class"):
            self.assertEqual(mounts[path]["mountPath"], root + path.removeprefix("/sys"))
        self.assertTrue(mounts["/sys/class"]["readOnly"])
        self.assertNotIn("readOnly", mounts["/sys/devices"])
        self.assertEqual(set(paths.values()), {"/sys/devices", "/sys/class", "/run/raplhelper"}, "nothing that isn't mounted")
        self.assertEqual(helper["securityContext"], self.default.container("raplhelper")["securityContext"])

    def test_every_object_is_valid_in_every_kubernetes(self):
        for manifest in (self.default, build(components=["host-helper"]), build(components=["hardware"])):
            for version, thing in itertools.product((OLDEST, NEWEST), manifest.objects):
                with self.subTest(version=version, kind=thing["kind"]):
                    kubernetes_validate.validate(thing, f"1.{version}", strict=True)

    def test_a_misspelt_field_is_not_valid(self):
        thing = yaml.safe_load(yaml.safe_dump(self.default.one("DaemonSet")))
        thing["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyRootFileSystem"] = True
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(thing, f"1.{NEWEST}", strict=True)

    def test_names_lead_to_objects_that_are_there(self):
        accounts = [("powercap-controller", "powercap-system")]
        self.assertEqual([(thing["metadata"]["name"], thing["metadata"]["namespace"]) for thing in self.default.objects
                          if thing["kind"] == "ServiceAccount"], accounts)
        self.assertEqual(self.default.pod["serviceAccountName"], accounts[0][0])
        for thing in self.default.objects:
            for subject in thing.get("subjects", []):
                self.assertIn((subject["name"], subject["namespace"]), accounts)
        self.assertEqual(self.default.pod["priorityClassName"], self.default.one("PriorityClass")["metadata"]["name"])
        self.assertEqual(self.default.one("ValidatingAdmissionPolicyBinding")["spec"]["policyName"],
                         self.default.one("ValidatingAdmissionPolicy")["metadata"]["name"])
        daemon_set = self.default.one("DaemonSet")["spec"]
        self.assertLessEqual(daemon_set["selector"]["matchLabels"].items(),
                             daemon_set["template"]["metadata"]["labels"].items())

    def test_everything_is_in_the_own_namespace_but_what_events_about_nodes_need(self):
        self.assertEqual(
            {thing["kind"] for thing in self.default.objects if thing["metadata"].get("namespace") == "powercap-system"},
            {"ServiceAccount", "NetworkPolicy", "DaemonSet"})
        self.assertEqual({thing["kind"] for thing in self.default.objects if thing["metadata"].get("namespace") == "default"},
                         {"Role", "RoleBinding"})

    def test_images_are_replaced_in_one_file(self):
        with tempfile.TemporaryDirectory() as copy:
            deploy = pathlib.Path(shutil.copytree(DEPLOY, pathlib.Path(copy, "kubernetes")))
            text = (deploy / "kustomization.yaml").read_text()
            (deploy / "kustomization.yaml").write_text(
                text.replace("newName: registry.example.com", "newName: registry.test").replace("0" * 64, "a1" * 32))
            images = [container["image"] for container in kustomize(deploy).pod["containers"]]
        self.assertEqual(images, [f"registry.test/powercap/{name}@sha256:{'a1' * 32}"
                                  for name in ("raplhelper", "powercap-controller")])


class RuleTests(unittest.TestCase):
    def test_the_controller_may_do_what_the_document_says_and_no_more(self):
        documented = {(group, resource, verb, None if namespace == "all" else namespace)
                      for group, resource, verbs, namespace, _ in table("rules") for verb in verbs.split(", ")}
        documented = {("" if group == "core" else group, *rest) for group, *rest in documented}
        self.assertEqual(rules(build()), documented)

    def test_a_role_that_nobody_is_bound_to_allows_nothing(self):
        self.assertEqual(rules(Manifest("kind: ClusterRole\nmetadata: {name: x}\n"
                                        "rules: [{apiGroups: [''], resources: [nodes], verbs: [get]}]")), set())

    def test_the_api_server_of_the_tests_has_these_roles(self):
        own = [thing for thing in build().objects if thing["kind"] in ROLES]
        self.assertEqual(json.loads((REPOSITORY / "Tests/apiserver/rules.json").read_text()), own,
                         "write it anew: Tests/manifests/run rules > Tests/apiserver/rules.json")


if __name__ == "__main__":
    unittest.main()
