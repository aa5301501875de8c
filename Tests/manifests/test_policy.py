"""The policy that pins the controller's token to its own node and its own keys."""
import json
import unittest

from admission import Policy, account, merged
from manifest import REPOSITORY, build, table

RECORDINGS = REPOSITORY / "Tests/Fixtures/kubernetes"
OTHER_NODE = "powercap may change only the node it runs on: node-a"
LABELS = "powercap may change only the labels rapl/pmax and rapl/max_power_uw"
ANNOTATIONS = "powercap may change only the annotations in which it reports, not overrides or others"
SPEC = "powercap may not change a node's spec, owners or finalizers"
STATUS = "powercap may change only the condition PowerCapped in a node's status"


def recording(number):
    return json.loads(next(RECORDINGS.glob(f"{number}-*.json")).read_text())


class PolicyTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.thing = build().one("ValidatingAdmissionPolicy")
        cls.policy = Policy(cls.thing)
        # A whole Node, as a real server gave it, with what a kubelet and an administrator add.
        cls.node = merged(recording("40")["response"]["body"], {
            "metadata": {"name": "node-a", "labels": {"rapl/pmax": "41000000", "example": "two"},
                         "annotations": {"power-manager/initialized": "true", "powercap.dev/limit": "90W"},
                         "finalizers": ["example.com/keep"]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "PowerCapped", "status": "True"}]}})

    def refusals(self, change, user=None, node=None, resource="nodes"):
        old = node or self.node
        return self.policy.refusals(user or account("node-a"), old, merged(old, change), resource)

    def metadata(self, part, change, **others):
        return self.refusals({"metadata": {part: change}}, **others)

    def test_it_sets_changes_and_removes_every_key_that_the_document_lists(self):
        keys = [(kind + "s", key) for kind, key, _ in table("written") if kind != "condition"]
        self.assertEqual(len(keys), 8)
        for part, key in keys:
            for before, after in ((None, "1"), ("1", "2"), ("1", None)):
                with self.subTest(key=key, before=before, after=after):
                    node = merged(self.node, {"metadata": {part: {key: before}}})
                    self.assertEqual(self.metadata(part, {key: after}, node=node), [])

    def test_it_names_no_key_that_the_document_does_not_list(self):
        written = {key for kind, key, _ in table("written")}
        for variable in self.thing["spec"]["variables"]:
            if variable["name"] in ("ownLabels", "ownNotes"):
                self.assertLessEqual(set(variable["expression"].split("'")[1::2]), written)

    def test_a_node_without_labels_and_annotations_gets_its_first(self):
        bare = {"metadata": {"name": "node-a"}, "spec": {}, "status": {}}
        self.assertEqual(self.metadata("labels", {"rapl/pmax": "1"}, node=bare), [])
        self.assertEqual(self.metadata("annotations", {"powercap.dev/state": "x"}, node=bare), [])
        self.assertEqual(self.refusals({"status": {"conditions": [{"type": "PowerCapped", "status": "True"}]}}, node=bare,
                                       resource="nodes/status"), [])

    def test_no_other_label_is_set_changed_or_removed(self):
        for change in ({"kubernetes.io/os": "x"}, {"new": "x"}, {"example": None}, {"rapl/other": "1"}):
            with self.subTest(change):
                self.assertEqual(self.metadata("labels", change), [LABELS])

    def test_no_other_annotation_is_set_changed_or_removed(self):
        for change in ({"example.com/a": "x"}, {"volumes.kubernetes.io/controller-managed-attach-detach": "false"},
                       {"power-manager/other": "1"}, {"powercap.dev/other": "1"}):
            with self.subTest(change):
                self.assertEqual(self.metadata("annotations", change), [ANNOTATIONS])

    def test_it_gives_itself_no_override(self):
        overrides = [row[0] for row in table("overrides")]
        self.assertEqual(len(overrides), 4)
        for override in overrides:
            with self.subTest(override):
                node = merged(self.node, {"metadata": {"annotations": {override: None}}})
                self.assertEqual(self.metadata("annotations", {override: "1"}, node=node), [ANNOTATIONS])
        for change in ("100W", None):
            self.assertEqual(self.metadata("annotations", {"powercap.dev/limit": change}), [ANNOTATIONS])

    def test_it_changes_neither_spec_nor_owners_nor_finalizers(self):
        for change in ({"spec": {"unschedulable": True}}, {"spec": {"taints": []}}, {"metadata": {"finalizers": []}},
                       {"metadata": {"ownerReferences": [{"kind": "Node", "name": "x", "apiVersion": "v1", "uid": "x"}]}}):
            with self.subTest(change):
                self.assertEqual(self.refusals(change), [SPEC])

    def test_its_own_condition_is_set_changed_and_removed(self):
        ready = {"type": "Ready", "status": "True"}
        for conditions in ([ready, {"type": "PowerCapped", "status": "False"}], [ready]):
            with self.subTest(conditions):
                self.assertEqual(self.refusals({"status": {"conditions": conditions}}, resource="nodes/status"), [])

    def test_nothing_else_in_the_status_changes(self):
        for change in ({"conditions": [{"type": "Ready", "status": "False"}, {"type": "PowerCapped", "status": "True"}]},
                       {"conditions": [{"type": "PowerCapped", "status": "True"}]},
                       {"capacity": {"cpu": "999"}}, {"allocatable": {"cpu": "999"}}, {"phase": "Terminated"},
                       {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}, {"images": [{"names": ["x"]}]},
                       {"nodeInfo": {"kernelVersion": "x"}}, {"daemonEndpoints": {"kubeletEndpoint": {"Port": 1}}},
                       {"volumesInUse": ["x"]}, {"volumesAttached": [{"name": "x", "devicePath": "x"}]},
                       {"config": {"error": "x"}}, {"runtimeHandlers": [{"name": "x"}]}):
            with self.subTest(change):
                self.assertEqual(self.refusals({"status": change}, resource="nodes/status"), [STATUS])

    def test_another_node_is_out_of_reach(self):
        other = merged(self.node, {"metadata": {"name": "node-b"}})
        self.assertEqual(self.metadata("labels", {"rapl/pmax": "1"}, node=other), [OTHER_NODE])

    def test_the_accounts_token_without_a_pod_changes_nothing(self):
        for user in (account(None), {key: value for key, value in account(None).items() if key != "extra"} | {"extra": {}}):
            self.assertEqual(self.metadata("labels", {"rapl/pmax": "1"}, user=user), [OTHER_NODE.removesuffix("node-a")])

    def test_everybody_else_is_untouched(self):
        for user in (account("node-a", "system:node:node-a"), account(None, "kubernetes-admin"),
                     account("node-a", "system:serviceaccount:default:powercap-controller")):
            with self.subTest(user["username"]):
                self.assertEqual(self.refusals({"spec": {"unschedulable": True}}, user=user), [])

    def test_it_denies_what_a_real_server_denied_and_allows_what_it_allowed(self):
        for number, node_name in (("37", "node-a"), ("38", "node-b"), ("39", "node-a")):
            with self.subTest(number):
                exchange = recording(number)
                node = merged(self.node, {"metadata": {"name": node_name}})
                refused = self.refusals(exchange["request"]["body"], node=node)
                self.assertEqual(not refused, exchange["response"]["status"] == 200, refused)

    def test_a_failing_policy_refuses(self):
        self.assertEqual(self.thing["spec"]["failurePolicy"], "Fail")
        self.assertEqual(build().one("ValidatingAdmissionPolicyBinding")["spec"]["validationActions"], ["Deny"])


if __name__ == "__main__":
    unittest.main()
