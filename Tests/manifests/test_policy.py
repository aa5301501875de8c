"""The policy that pins the controller's token to its own node and its own keys."""
import json
import sys
import unittest

from admission import Policy, account, merged
from manifest import REPOSITORY, build, table

sys.path.insert(0, str(REPOSITORY / "Tests/apiserver"))
import fields

RECORDINGS = REPOSITORY / "Tests/Fixtures/kubernetes"
OTHER_NODE = "powercap may change only the node it runs on: node-a"
LABELS = "powercap may change only the labels rapl/pmax and rapl/max_power_uw"
ANNOTATIONS = "powercap may change only the annotations in which it reports, not overrides or others"
LONG_ANNOTATION = "powercap may report at most 256 characters in an annotation"
SPEC = "powercap may not change a node's spec, owners, finalizers or other metadata"
STATUS = "powercap may change only the condition PowerCapped in a node's status"
CONDITION = "powercap may have one condition PowerCapped, of at most 1024 characters"
OWNERS = "powercap may not change who owns other fields"
OWN = ("Update", "powercap-controller", "v1")
READY = {"type": "Ready", "status": "True"}
CAPPED = {"type": "PowerCapped", "status": "True", "reason": "LimitInForce", "message": "Limits are in force",
          "lastHeartbeatTime": "2026-11-24T05:00:00Z", "lastTransitionTime": "2026-11-24T05:00:00Z"}


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
        self.assertEqual(len(keys), 9)
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
        self.assertEqual(len(overrides), 7)
        for override in overrides:
            with self.subTest(override):
                node = merged(self.node, {"metadata": {"annotations": {override: None}}})
                self.assertEqual(self.metadata("annotations", {override: "1"}, node=node), [ANNOTATIONS])
        for change in ("100W", None):
            self.assertEqual(self.metadata("annotations", {"powercap.dev/limit": change}), [ANNOTATIONS])

    def test_it_changes_neither_spec_nor_owners_nor_finalizers(self):
        for change in ({"spec": {"unschedulable": True}}, {"spec": {"taints": []}}, {"metadata": {"finalizers": []}},
                       {"metadata": {"ownerReferences": [{"kind": "Node", "name": "x", "apiVersion": "v1", "uid": "x"}]}},
                       {"metadata": {"generateName": "x" * 100_000}}, {"metadata": {"ofALaterVersion": "x"}},
                       {"metadata": {"finalizers": None}}):
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
                       {"config": {"error": "x"}}, {"runtimeHandlers": [{"name": "x"}]}, {"features": {"x": True}},
                       {"declaredFeatures": ["x"]}, {"ofALaterVersion": "x"}, {"capacity": None}, {"images": None}):
            with self.subTest(change):
                self.assertEqual(self.refusals({"status": change}, resource="nodes/status"), [STATUS])

    def test_what_it_reports_has_a_size(self):
        for key in [key for kind, key, _ in table("written") if kind == "annotation"]:
            self.assertEqual(self.metadata("annotations", {key: "x" * 256}), [])
            self.assertEqual(self.metadata("annotations", {key: "x" * 257}), [LONG_ANNOTATION])
        self.assertEqual(self.metadata("annotations", {"powercap.dev/reason": "x" * 200_000}), [LONG_ANNOTATION])
        for size, refused in ((1024, []), (1025, [CONDITION]), (1_500_000, [CONDITION])):
            self.assertEqual(self.conditions(CAPPED | {"message": "x" * size}), refused)
        self.assertEqual(self.conditions(CAPPED | {"reason": "x" * 129}), [CONDITION])
        self.assertEqual(self.conditions(CAPPED | {"status": "x" * 100_000}), [CONDITION])
        self.assertEqual(self.conditions(CAPPED, CAPPED), [CONDITION])

    def test_another_conditions_length_is_none_of_its_business(self):
        long = READY | {"message": "x" * 5000}
        node = merged(self.node, {"status": {"conditions": [long]}})
        self.assertEqual(self.refusals({"status": {"conditions": [long, CAPPED]}}, node=node, resource="nodes/status"), [])

    def conditions(self, *own):
        return self.refusals({"status": {"conditions": [READY, *own]}}, resource="nodes/status")

    # Who owns which field, with what a server makes of it (Tests/apiserver/fields.py is held to recordings of one).

    def written(self, change, node, key):
        """The Node after a change, with its owners as the server writes them."""
        new = merged(node, change)
        fields.update(node, new, key, "2026-11-24T05:00:00Z")
        return new

    def owned(self, change, key, node=None):
        return self.written(change, node or self.node, key)

    def test_every_write_of_the_controller_passes_with_the_owners_that_the_server_writes(self):
        admin = ("Update", "kubectl-label", "v1", "")
        first = {"metadata": {"labels": {"rapl/pmax": "77000000", "rapl/max_power_uw": "1"},
                              "annotations": {key: "x" for kind, key, _ in table("written") if kind == "annotation"}}}
        gone = {"metadata": {part: dict.fromkeys(keys) for part, keys in first["metadata"].items()}}
        condition = {"status": {"conditions": [READY, CAPPED]}}
        nobodys = self.owned({"metadata": {"labels": {"rapl/pmax": None}, "annotations": {"power-manager/initialized": None}}},
                             admin)
        bare = {"metadata": {"name": "node-a"}, "spec": {}, "status": {}}
        published = self.owned(condition, (*OWN, "status"), self.owned(first, (*OWN, ""), nobodys))
        falsified = self.owned({"metadata": {"labels": {"rapl/pmax": "1", "theirs": "1"}}}, admin, published)
        alone = self.owned({"metadata": {"labels": {"rapl/pmax": "1"}}}, ("Update", "x", "v1", ""), published)
        hidden = self.owned({"status": {"conditions": [READY, CAPPED | {"status": "False"}]}},
                            ("Update", "kubectl-edit", "v1", "status"), published)
        for old, change, subresource in (
                (bare, first, ""), (bare, {"status": {"conditions": [CAPPED]}}, "status"), (nobodys, first, ""), (published, gone, ""), (falsified, first, ""), (falsified, gone, ""), (alone, first, ""),
                (nobodys, condition, "status"), (hidden, condition, "status"),
                (published, {"status": {"conditions": [READY]}}, "status")):
            with self.subTest(change=change):
                new = self.written(change, old, (*OWN, subresource))
                self.assertNotEqual(new["metadata"]["managedFields"], old["metadata"].get("managedFields"))
                resource = "nodes/status" if subresource else "nodes"
                self.assertEqual(self.policy.refusals(account("node-a"), old, new, resource), [])

    def test_it_writes_no_owners_by_itself(self):
        node = self.owned({"metadata": {"labels": {"rapl/pmax": "2"}}}, (*OWN, ""))
        entries = node["metadata"]["managedFields"]
        kubelet = {"manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": "2026-11-24T05:00:00Z",
                   "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {"f:images": {}}}, "subresource": "status"}
        own = next(entry for entry in entries if entry["manager"] == OWN[1])
        other, *rest = [entry for entry in entries if entry is not own]
        self.assertEqual(len(rest), 3)

        def labels(*names):
            return {"fieldsV1": {"f:metadata": {"f:labels": {f"f:{name}": {} for name in names}}}}
        long = {"fieldsV1": {"f:metadata": {"f:labels": {"f:rapl/pmax": {f"f:{number}": {} for number in range(10_000)}}}}}
        self.assertEqual(self.metadata("managedFields", entries, node=node), [])
        self.assertEqual(self.metadata("managedFields", [other, *rest], node=node), [])
        self.assertEqual(self.metadata("managedFields", [other, *rest, own | labels("rapl/max_power_uw")], node=node), [])
        for name, changed in {
                "all are gone": [], "one is gone": [*rest, own], "one is new": [other, *rest, own, kubelet],
                "one is old": [other | {"time": "2020-01-01T00:00:00Z"}, *rest, own],
                "one has grown": [other | labels(*range(50_000)), *rest, own],
                "one has shrunk": [other | {"fieldsV1": {}}, *rest, own],
                "a bucket": [other, *rest, own, kubelet | {"manager": "ancient-changes"}],
                "own, about others' fields": [other, *rest, own | {"fieldsV1": {"f:spec": {"f:unschedulable": {}}}}],
                "own, about others' labels": [other, *rest, own | labels("other")],
                "own, and long": [other, *rest, own | long]}.items():
            with self.subTest(name):
                self.assertEqual(self.metadata("managedFields", changed, node=node), [OWNERS])
        # Whose entry holds one of ours may lose it, and gain nothing.
        robbed = [other | labels("rapl/pmax", "a"), *rest]
        node = merged(node, {"metadata": {"managedFields": robbed}})
        self.assertEqual(self.metadata("managedFields", [other | labels("a"), *rest], node=node), [])
        self.assertEqual(self.metadata("managedFields", rest, node=node), [])
        for gained in (("rapl/pmax", "a", "b"), ("rapl/pmax", "b"), ("b",)):
            self.assertEqual(self.metadata("managedFields", [other | labels(*gained), *rest], node=node), [OWNERS])
        elsewhere = {"fieldsV1": {"f:spec": {"f:taints": {}, "f:podCIDR": {}, "f:unschedulable": {}}}}
        self.assertEqual(self.metadata("managedFields", [other | elsewhere, *rest], node=node), [OWNERS])

    def test_the_server_may_unite_the_oldest_owners_when_there_are_ten(self):
        node = self.node
        for number in range(12):
            node = self.owned({"metadata": {"labels": {f"label-{number}": "x"}}}, ("Update", f"manager-{number}", "v1", ""), node)
        entries = node["metadata"]["managedFields"]
        united = entries[0] | {"manager": "ancient-changes"}
        for old, refused in ((entries[:10], []), (entries[:8], [OWNERS])):
            old_node = merged(node, {"metadata": {"managedFields": old}})
            self.assertEqual(self.metadata("managedFields", [united, *old[2:]], node=old_node), refused)

    def test_the_status_is_not_read_through_its_declared_type(self):
        """Which lacks what holds quantities (capacity, allocatable): the server would warn of each such expression."""
        spec = self.thing["spec"]
        for part in ("variables", "validations"):
            for rule in spec[part]:
                self.assertNotRegex(rule["expression"], r"\b(object|oldObject)\.(?!metadata\b)")

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
