"""Coordinators in two shards, and nodes that find those of their own."""
import copy
import itertools
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import kubernetes_validate
from admission import Policy, account
from manifest import DEPLOY, FLEET, REPOSITORY, SHARDS, build, kustomize, own_roles, rules
from test_build import NEWEST, OLDEST
from test_coordinators import NAME, NAMESPACE, USER, values

COUNT = 2


class ShardCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manifest, cls.single = build(components=SHARDS), build(components=FLEET)
        cls.sets = [cls.manifest.named("StatefulSet", f"{NAME}-{shard}") for shard in range(COUNT)]


class BuildTests(ShardCase):
    def test_every_order_and_choice_of_components_builds(self):
        for components in itertools.permutations(("granted-shards", "host-helper", "own-node-policy")):
            built = build(DEPLOY / "base", components)
            found = values(built.container("powercap-controller"))
            self.assertEqual((found["SOURCE"], found["GRANT_SHARDS"]), ("granted", "2"))
        self.assertEqual(self.manifest.objects, build(components=SHARDS[::-1]).objects)

    def test_shards_beside_a_single_one_are_refused(self):
        with self.assertRaisesRegex(AssertionError, "already registered id"):
            build(components=("fleet", "shards"))

    def test_shards_alone_change_nothing_on_nodes(self):
        self.assertEqual(build(components=["shards"]).one("DaemonSet"), build().one("DaemonSet"))

    def test_every_object_is_valid_in_every_kubernetes(self):
        for version, thing in itertools.product((OLDEST, NEWEST), self.manifest.objects):
            with self.subTest(version=version, kind=thing["kind"], name=thing["metadata"]["name"]):
                kubernetes_validate.validate(thing, f"1.{version}", strict=True)

    def test_a_pair_is_what_the_only_one_is_but_for_its_name_label_and_shard(self):
        only = self.single.one("StatefulSet")
        for shard, one in enumerate(self.sets):
            text = json.dumps(one)
            self.assertEqual(text.count(f'"powercap.dev/shard": "{shard}"'), 4)
            text = text.replace(f', "powercap.dev/shard": "{shard}"', "").replace(f'"name": "{NAME}-{shard}"', f'"name": "{NAME}"')
            found = json.loads(text)
            arguments = found["spec"]["template"]["spec"]["containers"][0]["args"]
            self.assertEqual(arguments[-2:], [f"--shard={shard}", f"--shards={COUNT}"])
            del arguments[-2:]
            self.assertEqual(found, only)
        self.assertEqual(len([thing for thing in self.manifest.objects if thing["kind"] == "StatefulSet"]), COUNT)

    def test_a_pod_belongs_to_one_set_and_one_disruption_budget(self):
        """An eviction of a pod of two PodDisruptionBudgets is refused."""
        pods = [one["spec"]["template"]["metadata"]["labels"] for one in self.sets]
        budgets = [thing for thing in self.manifest.objects if thing["kind"] == "PodDisruptionBudget"]
        for owners in (self.sets, budgets):
            for shard, pod in enumerate(pods):
                selecting = [owner["metadata"]["name"] for owner in owners if owner["spec"]["selector"]["matchLabels"].items() <= pod.items()]
                self.assertEqual(selecting, [f"{NAME}-{shard}"])

    def test_the_service_the_network_policy_and_the_certificate_are_of_all_coordinators(self):
        service = self.manifest.named("Service", NAME)
        policy = self.manifest.named("NetworkPolicy", NAME)
        for one in self.sets:
            labels = one["spec"]["template"]["metadata"]["labels"]
            self.assertLessEqual(service["spec"]["selector"].items(), labels.items())
            self.assertLessEqual(policy["spec"]["podSelector"]["matchLabels"].items(), labels.items())
            self.assertEqual(one["spec"]["serviceName"], service["metadata"]["name"])
        self.assertIn(f"*.{NAME}.{NAMESPACE}.svc", (DEPLOY / "README.md").read_text())

    def test_nodes_know_every_coordinator_of_their_shard_by_its_name(self):
        found = values(self.manifest.container("powercap-controller"))
        self.assertEqual(found["GRANT_SHARDS"], str(COUNT))
        urls = {url.replace("{shard}", str(shard)) for url in found["GRANT_URL"].split() for shard in range(COUNT)}
        port = self.manifest.named("Service", NAME)["spec"]["ports"][0]["port"]
        self.assertEqual(urls, {f"https://{one['metadata']['name']}-{number}.{NAME}.{NAMESPACE}.svc:{port}"
                                for one in self.sets for number in range(one["spec"]["replicas"])})

    def test_all_that_is_said_of_the_number_is_the_same_number(self):
        role = self.manifest.named("Role", NAME)
        self.assertEqual([rule["resourceNames"] for rule in role["rules"] if "resourceNames" in rule],
                         [[f"{NAME}-{shard}" for shard in range(COUNT)]])
        for one in self.sets:
            self.assertIn(f"--shards={COUNT}", one["spec"]["template"]["spec"]["containers"][0]["args"])
        self.assertEqual(len(self.sets), COUNT)

    def test_the_documented_commands_make_a_third_shard(self):
        commands = re.search(r"<!-- third shard -->\n(.*?)<!-- end -->", (DEPLOY / "README.md").read_text(), re.DOTALL)[1]
        with tempfile.TemporaryDirectory() as copy:
            deploy = pathlib.Path(shutil.copytree(DEPLOY, pathlib.Path(copy, "kubernetes")))
            subprocess.run(["sh", "-e", "-c", commands], cwd=deploy / "components", check=True, timeout=60)
            path = deploy / "kustomization.yaml"
            path.write_text(path.read_text().replace("- components/own-node-policy\n", "- components/shards\n  - components/granted-shards\n"))
            built = kustomize(deploy)
        self.assertEqual(built.named("Role", NAME)["rules"][1]["resourceNames"], [f"{NAME}-{shard}" for shard in range(3)])
        self.assertEqual(values(built.container("powercap-controller"))["GRANT_SHARDS"], "3")
        third = json.dumps(built.named("StatefulSet", f"{NAME}-2"))
        second = json.dumps(self.sets[1]).replace(f'"{NAME}-1"', f'"{NAME}-2"').replace('"powercap.dev/shard": "1"', '"powercap.dev/shard": "2"')
        self.assertEqual(third, second.replace("--shard=1", "--shard=2").replace("--shards=2", "--shards=3"))
        self.assertEqual(built.named("PodDisruptionBudget", f"{NAME}-2")["spec"]["selector"]["matchLabels"]["powercap.dev/shard"], "2")


class RuleTests(ShardCase):
    def test_coordinators_of_shards_may_do_no_more_than_those_of_one(self):
        self.assertEqual(rules(self.manifest, NAME), rules(self.single, NAME))
        self.assertEqual(rules(self.manifest, "powercap-controller"), rules(build()))

    def test_the_api_server_of_the_tests_has_these_roles(self):
        self.assertEqual(json.loads((REPOSITORY / "Tests/apiserver/shard-rules.json").read_text()), own_roles(SHARDS),
                         "write it anew: Tests/manifests/run shard-rules > Tests/apiserver/shard-rules.json")


def lease(shard, holder=""):
    return {"kind": "Lease", "metadata": {"name": f"{NAME}-{shard}"}, "spec": {"holderIdentity": holder}}


def part(shard, limit=0):
    return {"kind": "PowerBudgetShard",
            "metadata": {"name": f"site-{shard}", "labels": {"powercap.dev/shard": str(shard), "powercap.dev/shards": "2"},
                         "annotations": {"powercap.dev/coordinator": "a 1"},
                         "ownerReferences": [{"kind": "PowerBudget", "name": "site", "apiVersion": "powercap.dev/v1alpha1", "uid": "1"}]},
            "spec": {"budget": "site", "shard": shard, "limitMilliwatts": limit}}


def changed(thing, path, value):
    """A copy in which one member is another; None takes it away."""
    thing = copy.deepcopy(thing)
    *steps, last = path
    below = thing
    for step in steps:
        below = below[step]
    if value is None:
        del below[last]
    else:
        below[last] = value
    return thing


LIMIT = ("spec", "limitMilliwatts")
CLAIM = ("metadata", "annotations", "powercap.dev/coordinator")
PARENT = ("metadata", "annotations", "powercap.dev/parent")
STATUS = ("status",)
SAID = {"acknowledgedMilliwatts": 5}
# Each pod, and of which shard it is.
PODS = {f"{NAME}-0": 0, f"{NAME}-1": 0, f"{NAME}-0-0": 0, f"{NAME}-0-1": 0, f"{NAME}-1-0": 1, f"{NAME}-1-1": 1, f"{NAME}-12-0": 12}


class PolicyTests(ShardCase):
    """Who writes what: RecordKeeper its own shard's parts, Parent what all of them may give, StatusKeeper of shard 0 what is so of the whole."""

    def setUp(self):
        self.policy = Policy(self.manifest.named("ValidatingAdmissionPolicy", NAME))

    def refusals(self, pod, new, old=None, resource="powerbudgetshards", operation="UPDATE"):
        return self.policy.refusals(account("node-a", USER, pod), new if old is None and operation == "UPDATE" else old, new, resource, operation)

    def refused(self, words, *arguments, **keywords):
        found = self.refusals(*arguments, **keywords)
        self.assertEqual(len(found), 1, (arguments, found))
        self.assertIn(words, found[0])

    def test_the_policy_is_the_same_with_one_shard(self):
        self.assertEqual(self.manifest.named("ValidatingAdmissionPolicy", NAME), self.single.named("ValidatingAdmissionPolicy", NAME))

    def test_a_coordinator_has_the_lease_of_its_shard_and_no_other(self):
        for (pod, shard), number in itertools.product(PODS.items(), (0, 1, 12)):
            for operation in ("CREATE", "UPDATE"):
                thing = lease(number, f"{pod}_1")
                if number == shard:
                    self.assertEqual(self.refusals(pod, thing, resource="leases", operation=operation), [])
                else:
                    self.refused(f"no other Lease than {NAME}-{shard}", pod, thing, resource="leases", operation=operation)

    def test_a_coordinator_makes_and_claims_the_parts_of_its_shard_and_no_other(self):
        for (pod, shard), number in itertools.product(PODS.items(), (0, 1, 12)):
            claimed = changed(part(number), CLAIM, "b 2")
            if number == shard:
                self.assertEqual(self.refusals(pod, part(number), operation="CREATE"), [])
                self.assertEqual(self.refusals(pod, claimed, part(number)), [])
            else:
                self.refused("parts of its own shard", pod, part(number), operation="CREATE")
                self.assertIn("changes nothing of a part but", " ".join(self.refusals(pod, claimed, part(number))))

    def test_the_status_of_a_part_is_its_shards_to_write(self):
        for (pod, shard), number in itertools.product(PODS.items(), (0, 1, 12)):
            arguments = (pod, changed(part(number, 9), STATUS, SAID), part(number, 9), "powerbudgetshards/status")
            if number == shard:
                self.assertEqual(self.refusals(*arguments), [])
            else:
                self.refused("writes their status", *arguments)

    def test_shard_0_alone_says_what_a_part_may_give(self):
        for (pod, shard), number in itertools.product(PODS.items(), (0, 1, 12)):
            more = changed(part(number, 5), LIMIT, 6)
            claimed = changed(part(number, 5), PARENT, "a 1 7")
            if shard == 0:
                self.assertEqual(self.refusals(pod, more, part(number, 5)), [])
                self.assertEqual(self.refusals(pod, claimed, part(number, 5)), [])
            elif shard == number:
                self.refused("said by shard 0", pod, more, part(number, 5))
                self.refused("changes nothing of a part but", pod, claimed, part(number, 5))
            else:
                for new in (more, claimed, part(number, 5)):
                    self.assertIn("parts of its own shard", self.refusals(pod, new, part(number, 5))[0])

    def test_a_part_begins_with_nothing_unless_it_is_of_shard_0(self):
        self.assertEqual(self.refusals(f"{NAME}-0", part(0, 5), operation="CREATE"), [])
        self.refused("said by shard 0", f"{NAME}-1-0", part(1, 5), operation="CREATE")

    def test_nobody_changes_labels_owners_or_others_annotations_of_a_part(self):
        old = changed(part(0), ("metadata", "annotations", "example.com/a"), "x")
        for path, value in ((("metadata", "labels", "powercap.dev/shards"), "3"), (("metadata", "labels"), None),
                            (("metadata", "ownerReferences", 0, "uid"), "2"), (("metadata", "annotations", "example.com/a"), "y"),
                            (("metadata", "annotations", "example.com/a"), None), (("metadata", "annotations", "example.com/b"), "y")):
            self.refused("changes nothing of a part but", f"{NAME}-0-0", changed(old, path, value), old)

    def test_what_is_so_of_the_whole_is_said_by_shard_0(self):
        budget = {"kind": "PowerBudget", "metadata": {"name": "site"}, "spec": {}, "status": {}}
        for pod, shard in PODS.items():
            found = self.refusals(pod, budget, resource="powerbudgets/status")
            self.assertEqual(found, [] if shard == 0 else ["what is so of a whole budget is said by shard 0"])

    def test_a_pod_of_another_name_writes_nothing(self):
        for pod in ("", NAME, f"{NAME}-", f"{NAME}-0-0-0", f"{NAME}-x-0", f"{NAME}-0x", f"my-{NAME}-0"):
            self.assertIn("a coordinator writes with the token of its pod", self.refusals(pod, lease(0), resource="leases"))


if __name__ == "__main__":
    unittest.main()
