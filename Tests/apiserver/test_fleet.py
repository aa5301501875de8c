"""What a coordinator of nodes needs: custom resources by their schemas, TokenReview, pages of lists, watches of what a selector chooses."""
import json
import unittest

import celrules
import schemas
from harness import MERGE, METADATA, PROGRAM, lines
from test_server import ServerCase

BUDGETS = "/apis/powercap.dev/v1alpha1/powerbudgets"
SITE = f"{BUDGETS}/site"
SHARDS = "/apis/powercap.dev/v1alpha1/powerbudgetshards"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/powercap-system/leases"
SPEC = {"limitMilliwatts": 1_000_000, "maximumMilliwatts": 300_000}


def budget(spec=None, **metadata):
    return {"apiVersion": "powercap.dev/v1alpha1", "kind": "PowerBudget", "metadata": {"name": "site"} | metadata,
            "spec": SPEC | (spec or {})}


class FleetCase(ServerCase):
    flags = ("--plain", "--empty")

    def create(self, thing, path=BUDGETS):
        return self.administer("POST", path, thing)

    def causes(self, thing, path=BUDGETS):
        status, body = self.create(thing, path)
        self.assertEqual((status, body["reason"]), (422, "Invalid"), body)
        return {(cause["reason"], cause["field"]) for cause in body["details"]["causes"]}


class CustomResourceTests(FleetCase):
    def test_defaults_are_filled_in_and_the_status_waits_for_its_own_path(self):
        status, made = self.create(budget({"classes": [{"name": "db", "nodeSelector": {}}]}) | {"status": {"limitMilliwatts": 1}})
        self.assertEqual(status, 201)
        self.assertEqual(made["spec"], SPEC | {
            "minimumMilliwatts": 0, "reserveMilliwatts": 0, "contingencyNodes": 1, "grantSeconds": 20,
            "classes": [{"name": "db", "nodeSelector": {}, "priority": 0, "weight": 1}]})
        self.assertNotIn("status", made)
        self.assertEqual(made["metadata"]["generation"], 1)

    def test_only_a_change_of_the_spec_makes_a_new_generation(self):
        self.create(budget())
        for path, patch, generation, version in (
                (SITE, {"metadata": {"labels": {"a": "b"}}}, 1, 2), (SITE, {"spec": {"grantSeconds": None}}, 1, 2),
                (f"{SITE}/status", {"status": {"countedMilliwatts": 5}}, 1, 3),
                (SITE, {"spec": {"limitMilliwatts": 2_000_000}}, 2, 4), (SITE, {"status": {"countedMilliwatts": 6}}, 2, 4),
                (f"{SITE}/status", {"spec": {"limitMilliwatts": 1}, "metadata": {"labels": {"a": "c"}}}, 2, 4)):
            status, changed = self.administer("PATCH", path, patch, MERGE)
            self.assertEqual((status, changed["metadata"]["generation"], changed["metadata"]["resourceVersion"]),
                             (200, generation, str(version)), patch)
        found = self.object(SITE)
        self.assertEqual((found["status"], found["metadata"]["labels"]), ({"countedMilliwatts": 5}, {"a": "b"}))

    def test_unknown_fields_are_dropped_with_a_warning_or_refused(self):
        thing = budget({"limitWatts": 5, "nodeSelector": {"matchLabel": {}}})
        response = self.send(self.double, "POST", BUDGETS, thing, token=self.double.facts["admin_token"],
                             Content_Type="application/json")
        self.assertEqual(response.status, 201)
        self.assertEqual(response.headers["Warning"],
                         r'299 - "unknown field \"spec.limitWatts\"", 299 - "unknown field \"spec.nodeSelector.matchLabel\""')
        self.assertEqual(json.loads(response.read())["spec"]["nodeSelector"], {})
        status, body = self.create(thing | {"metadata": {"name": "other"}}, BUDGETS + "?fieldValidation=Strict")
        self.assertEqual((status, body["message"]), (
            400, 'strict decoding error: unknown field "spec.limitWatts", unknown field "spec.nodeSelector.matchLabel"'))

    def test_what_the_schema_does_not_allow_is_refused_with_its_field(self):
        for spec, reason, field in (
                ({"limitMilliwatts": "1kW"}, "FieldValueTypeInvalid", "spec.limitMilliwatts"),
                ({"limitMilliwatts": 1.5}, "FieldValueTypeInvalid", "spec.limitMilliwatts"),
                ({"limitMilliwatts": True}, "FieldValueTypeInvalid", "spec.limitMilliwatts"),
                ({"limitMilliwatts": 0}, "FieldValueInvalid", "spec.limitMilliwatts"),
                ({"grantSeconds": 9}, "FieldValueInvalid", "spec.grantSeconds"),
                ({"grantSeconds": 121}, "FieldValueInvalid", "spec.grantSeconds"),
                ({"contingencyNodes": 2 ** 31}, "FieldValueInvalid", "spec.contingencyNodes"),
                ({"nodeSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}, "FieldValueNotSupported",
                 "spec.nodeSelector.matchExpressions[0].operator"),
                ({"nodeSelector": {"matchExpressions": [{"operator": "Exists"}]}}, "FieldValueRequired",
                 "spec.nodeSelector.matchExpressions[0].key"),
                ({"classes": [{"name": "a", "nodeSelector": {}, "weight": 0}]}, "FieldValueInvalid", "spec.classes[0].weight"),
                ({"classes": [{"name": "a", "nodeSelector": {}}] * 2}, "FieldValueDuplicate", "spec.classes[1]"),
                ({"classes": [{"name": "", "nodeSelector": {}}]}, "FieldValueInvalid", "spec.classes[0].name")):
            self.assertIn((reason, field), self.causes(budget(spec)), spec)
        self.assertEqual(self.causes(budget() | {"spec": {"limitMilliwatts": 1}}), {("FieldValueRequired", "spec.maximumMilliwatts")})
        without = budget()
        del without["spec"]
        self.assertEqual(self.causes(without), {("FieldValueRequired", "spec")})

    def test_rules_are_looked_at_where_the_rest_is_right(self):
        source = {"source": {"SOURCE": "static"}}
        for spec, field in (
                (source, "spec"), ({"minimumMilliwatts": 300_001}, "spec"), ({"reserveMilliwatts": 1_000_000}, "spec"),
                ({"limitMilliwatts": 1, "minimumMilliwatts": 2}, "spec"),
                ({"nodeSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}, "spec.nodeSelector.matchExpressions[0]"),
                ({"nodeSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}},
                 "spec.nodeSelector.matchExpressions[0]")):
            self.assertEqual(self.causes(budget(spec)), {("FieldValueInvalid", field)}, spec)
        for found in ({}, {"source": {"MAX_SOURCE": "1"}}, {"source": {"SOURCE": "granted"}}):
            self.causes(budget() | {"spec": {"maximumMilliwatts": 1} | found})
        self.assertEqual(self.create(budget() | {"spec": {"maximumMilliwatts": 1} | source})[0], 201)

    def test_a_shard_is_called_by_its_budget_and_stays_what_it_is(self):
        def shard(name, **spec):
            return {"apiVersion": "powercap.dev/v1alpha1", "kind": "PowerBudgetShard", "metadata": {"name": name},
                    "spec": {"budget": "site", "shard": 0, "limitMilliwatts": 5} | spec}
        self.assertEqual(self.causes(shard("site"), SHARDS), {("FieldValueInvalid", "<nil>")})
        self.assertEqual(self.create(shard("site-0"), SHARDS)[0], 201)
        path = f"{SHARDS}/site-0"
        self.assertEqual(self.administer("PATCH", path, {"spec": {"limitMilliwatts": 6}}, MERGE)[0], 200)
        self.assertEqual(self.administer("PATCH", path, {"spec": {"budget": "other"}}, MERGE)[0], 422)
        nodes = [{"name": "n", "ceilingMilliwatts": 5, "restMilliwatts": 1, "bootsAtRest": True}]
        status, body = self.administer("PATCH", f"{path}/status", {"status": {"nodes": nodes}}, MERGE)
        self.assertEqual((status, body["status"]), (200, {"nodes": nodes}))
        # The whole list has one owner.
        self.assertEqual(body["metadata"]["managedFields"][-1]["fieldsV1"]["f:status"]["f:nodes"], {})

    def test_a_version_that_is_not_the_latest_is_a_conflict_and_an_update_needs_one(self):
        made = self.create(budget())[1]
        self.administer("PATCH", SITE, {"metadata": {"labels": {"a": "b"}}}, MERGE)
        status, body = self.administer("PUT", SITE, made)
        self.assertEqual((status, body["reason"]), (409, "Conflict"))
        del made["metadata"]["resourceVersion"]
        self.assertEqual(self.administer("PUT", SITE, made)[0], 422)
        strategic = "application/strategic-merge-patch+json"
        self.assertEqual(self.administer("PATCH", SITE, {}, strategic)[0], 415)

    def test_a_list_has_each_objects_kind_and_another_version_is_not_there(self):
        self.create(budget())
        found = self.administer("GET", BUDGETS)[1]
        self.assertEqual((found["kind"], found["items"][0]["kind"]), ("PowerBudgetList", "PowerBudget"))
        self.assertEqual(self.administer("GET", BUDGETS.replace("v1alpha1", "v1"))[0], 404)
        self.assertEqual(self.get(BUDGETS)[0], 403)

    def test_every_rule_of_the_definitions_is_in_the_table(self):
        definitions = json.loads((PROGRAM.parent / "crds.json").read_text())
        found = {text for thing in definitions for version in thing["spec"]["versions"]
                 for text in schemas.texts(version["schema"]["openAPIV3Schema"])}
        self.assertEqual(found, set(celrules.TABLE))


class TokenReviewTests(FleetCase):
    def token(self, line):
        return self.double.ask(f"token-for {line}")

    def review(self, token, *audiences):
        spec = {"token": token} | ({"audiences": list(audiences)} if audiences else {})
        thing = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
        status, body = self.administer("POST", REVIEWS, thing)
        self.assertEqual(status, 201, body)
        return body["status"]

    def test_a_good_token_is_told_with_its_account_node_and_pod(self):
        token = self.token("node-7 powercap-coordinator")
        found = self.review(token, "powercap-coordinator", "another")
        self.assertEqual((found["authenticated"], found["audiences"]), (True, ["powercap-coordinator"]))
        user = found["user"]
        self.assertEqual(user["username"], "system:serviceaccount:powercap-system:powercap-controller")
        self.assertEqual(user["extra"]["authentication.kubernetes.io/node-name"], ["node-7"])
        self.assertEqual({key.rpartition("/")[2] for key in user["extra"]}, {
            "credential-id", "node-name", "node-uid", "pod-name", "pod-uid"})
        self.assertEqual(self.review(self.token("node-7 powercap-coordinator"), "powercap-coordinator")["user"]["uid"], user["uid"])

    def test_another_audience_an_expired_token_and_nonsense_are_told_apart(self):
        token = self.token("node-7 powercap-coordinator")
        for found, words in (
                (self.review(token), "is invalid for the target audiences"), (self.review("x.y.z", "a"), "signature"),
                (self.review(self.token("node-7 a 0"), "a"), "expired"), (self.review(token + "x", "powercap-coordinator"), "signature")):
            self.assertEqual(found["user"], {})
            self.assertIn(words, found["error"])
            self.assertNotIn("authenticated", found)
        # And it opens nothing at the API server itself.
        self.assertEqual(self.get("/api/v1/nodes", token=token)[0], 401)

    def test_a_token_of_no_pod_has_no_node_and_one_of_a_pod_that_is_gone_is_none(self):
        self.assertNotIn("authentication.kubernetes.io/node-name", self.review(self.token("-"))["user"]["extra"])
        gone, other = self.token("node-7 a"), self.token("node-8 a")
        self.double.tell("unbind node-7")
        self.assertIn("invalidated", self.review(gone, "a")["error"])
        self.assertTrue(self.review(other, "a")["authenticated"])
        self.assertTrue(self.review(self.token("node-7 a"), "a")["authenticated"])

    def test_an_account_of_ones_own_needs_a_role_and_nothing_is_stored(self):
        token = self.token("- - 60 powercap-system/powercap-coordinator")
        thing = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        status, body = self.ask(self.double, "POST", REVIEWS, thing, token=token, Content_Type="application/json")
        self.assertEqual(status, 403)
        self.assertIn("system:serviceaccount:powercap-system:powercap-coordinator", body["message"])
        self.assertEqual(self.administer("GET", REVIEWS)[0], 405)
        self.assertEqual(self.administer("POST", REVIEWS, thing | {"spec": {}})[0], 400)


class CollectionTests(FleetCase):
    def page(self, query):
        return self.ask(self.double, "GET", f"/api/v1/nodes?{query}", Accept=METADATA.replace("Metadata;", "MetadataList;"))

    def test_a_list_comes_in_pages_of_one_moment(self):
        self.double.tell("nodes n 5 rack=4")
        status, first = self.page("limit=2")
        self.assertEqual([thing["metadata"]["name"] for thing in first["items"]], ["n0", "n1"])
        self.assertEqual(first["metadata"]["remainingItemCount"], 3)
        self.double.tell("delete /api/v1/nodes/n4")
        names, found = [], first
        while token := found["metadata"].get("continue"):
            found = self.page(f"limit=2&continue={token}")[1]
            self.assertEqual(found["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"])
            names += [thing["metadata"]["name"] for thing in found["items"]]
        self.assertEqual(names, ["n2", "n3", "n4"])
        self.double.tell("compact")
        status, body = self.page(f"limit=2&continue={first['metadata']['continue']}")
        self.assertEqual((status, body["reason"]), (410, "Expired"))
        self.assertNotIn("remainingItemCount", self.page("limit=1&labelSelector=rack")[1]["metadata"])

    def test_whoever_has_a_selector_sees_objects_come_and_go_with_their_labels(self):
        self.double.tell("nodes n 3 rack=4")
        events = self.watch("labelSelector=rack%3D4&resourceVersion=0")
        self.assertEqual([next(events)["type"] for _ in range(3)], ["ADDED"] * 3)
        for line, type_ in (("label n0 rack=5", "DELETED"), ("label n0 rack=4", "ADDED"), ("label n1 x=y", "MODIFIED"),
                            ("label n2 rack-", "DELETED")):
            self.double.tell(line)
            event = next(events)
            self.assertEqual((event["type"], event["object"]["metadata"]["name"]), (type_, line.split()[1]))
        self.double.tell("label n2 rack=6")
        self.double.tell("delete /api/v1/nodes/n1")
        self.assertEqual(next(events)["object"]["metadata"]["name"], "n1")

    def test_a_lease_has_a_duration(self):
        def lease(**spec):
            return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "x"}, "spec": spec}
        self.assertEqual(self.causes(lease(leaseDurationSeconds=0), LEASES), {("FieldValueInvalid", "spec.leaseDurationSeconds")})
        self.assertEqual(self.create(lease(leaseDurationSeconds="8"), LEASES)[0], 400)
        self.assertEqual(self.create(lease(leaseDurationSeconds=8, holderIdentity="", leaseTransitions=3), LEASES)[0], 201)


if __name__ == "__main__":
    unittest.main()
