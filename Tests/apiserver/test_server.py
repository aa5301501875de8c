"""What the double does beyond the recorded exchanges: its rules, and what a test can tell it."""
import base64
import importlib.util
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

import commands
import policy
from harness import DEADLINE_S, MERGE, METADATA, PROGRAM, DoubleCase, lines

NODE = "/api/v1/nodes/node-a"
EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
STRATEGIC = "application/strategic-merge-patch+json"
EVENT = {
    "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"generateName": "node-a."}, "reason": "LimitChanged",
    "eventTime": "2026-11-24T04:00:00.000000Z", "reportingController": "powercap.dev/controller", "reportingInstance": "node-a",
    "action": "ApplyLimit", "type": "Normal", "note": "41 W", "regarding": {"apiVersion": "v1", "kind": "Node", "name": "node-a"}}


class ServerCase(DoubleCase):
    flags = ("--plain",)

    def setUp(self):
        self.double = self.start(*self.flags)

    def get(self, path=NODE, **keywords):
        return self.ask(self.double, "GET", path, **keywords)

    def patch(self, body, path=NODE, kind=MERGE, **keywords):
        return self.ask(self.double, "PATCH", path, body, Content_Type=kind, **keywords)

    def administer(self, method, path, body=None, kind="application/json"):
        return self.ask(self.double, method, path, body, token=self.double.facts["admin_token"], Content_Type=kind)

    def object(self, path=NODE):
        return self.double.ask(f"show {path}")

    def version(self):
        return int(self.object()["metadata"]["resourceVersion"])

    def watch(self, query=""):
        response = self.send(self.double, "GET", f"/api/v1/nodes?watch=1&{query}", Accept=METADATA)
        self.double.next("watch ")
        return lines(response)


class AccessTests(DoubleCase):
    def test_a_token_expires_and_the_file_has_the_next_one(self):
        double = self.start("--token-lifetime", "3600")
        first = double.token
        claims = json.loads(base64.urlsafe_b64decode(first.split(".")[1] + "=="))
        self.assertEqual(claims["sub"], "system:serviceaccount:powercap-system:powercap-controller")
        self.assertAlmostEqual(claims["exp"], time.time() + 3600, delta=DEADLINE_S)
        self.assertEqual(claims["kubernetes.io"]["node"]["name"], "node-a")
        self.assertEqual(self.ask(double, "GET", "/api/v1/nodes")[0], 200)
        double.tell("revoke")
        status, body = self.ask(double, "GET", "/api/v1/nodes")
        self.assertEqual((status, body["reason"], double.token), (401, "Unauthorized", first))
        double.tell("token")
        self.assertEqual(self.ask(double, "GET", "/api/v1/nodes")[0], 200)
        self.assertEqual(self.ask(double, "GET", "/api/v1/nodes", token=first)[0], 401)
        double.tell("token 0")
        self.assertEqual(self.ask(double, "GET", "/api/v1/nodes")[0], 401)
        self.assertEqual(self.ask(double, "GET", "/api/v1/nodes", token=double.token + "x")[0], 401)

    def test_the_server_proves_itself_to_those_who_have_its_authority(self):
        double = self.start()
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.send(double, "GET", "/version", connection=double.connect("wrong_ca"))
        double.next("handshake failed: ")
        self.assertEqual(self.send(double, "GET", "/version").status, 200)

    def test_the_controller_may_do_what_its_roles_say_and_the_double_notes_it(self):
        double = self.start("--plain")
        for method, path, status in (
                ("GET", "/api/v1/nodes", 200), ("GET", "/version", 200), ("GET", "/metrics", 403), ("DELETE", NODE, 403),
                ("GET", "/api/v1/namespaces/default/pods", 403), ("GET", EVENTS, 403), ("PUT", NODE, 403),
                ("POST", EVENTS.replace("default", "powercap-system"), 403), ("POST", EVENTS, 201)):
            self.assertEqual(self.ask(double, method, path, EVENT, Content_Type="application/json")[0], status, path)
        self.assertEqual(double.ask("rules"), [
            {"group": "", "resource": "/version", "verb": "get", "namespace": ""},
            {"group": "", "resource": "nodes", "verb": "list", "namespace": ""},
            {"group": "events.k8s.io", "resource": "events", "verb": "create", "namespace": "default"}])
        message = self.ask(double, "PUT", NODE + "/status")[1]["message"]
        self.assertEqual(
            message, 'nodes "node-a" is forbidden: User "system:serviceaccount:powercap-system:powercap-controller" cannot '
            'update resource "nodes/status" in API group "" at the cluster scope')

    def test_rules_can_be_a_manifest_and_can_change(self):
        if not importlib.util.find_spec("yaml"):
            self.skipTest("this Python can't read YAML; install python3-yaml")
        double = self.start("--plain")
        with tempfile.TemporaryDirectory() as directory:
            manifest = pathlib.Path(directory) / "rbac.yaml"
            manifest.write_text("""
kind: ServiceAccount
metadata: {name: powercap-controller, namespace: powercap-system}
---
kind: ClusterRole
metadata: {name: one}
rules:
- {apiGroups: [""], resources: [nodes], resourceNames: [node-a], verbs: [list]}
---
kind: ClusterRoleBinding
metadata: {name: one}
roleRef: {kind: ClusterRole, name: one}
subjects: [{kind: Group, name: "system:serviceaccounts:powercap-system"}]
""")
            double.tell(f"rbac {manifest}")
        for path, status in ((NODE, 403), ("/api/v1/nodes", 403), ("/api/v1/nodes?fieldSelector=metadata.name%3Dnode-a", 200)):
            self.assertEqual(self.ask(double, "GET", path)[0], status, path)

    def test_everybody_who_is_known_may_see_what_there_is(self):
        double = self.start("--plain")
        for path, names in (
                ("/api/v1", ["nodes", "nodes/status", "pods", "pods/status", "configmaps"]), ("/apis/events.k8s.io/v1", ["events"])):
            status, found = self.ask(double, "GET", path)
            self.assertEqual((status, found["kind"], [one["name"] for one in found["resources"]]), (200, "APIResourceList", names))
            self.assertEqual(self.ask(double, "GET", path, token="")[0], 403)
        self.assertEqual(self.ask(double, "GET", "/api")[1]["versions"], ["v1"])
        groups = self.ask(double, "GET", "/apis")[1]["groups"]
        self.assertEqual([one["preferredVersion"]["groupVersion"] for one in groups], [
            "authentication.k8s.io/v1", "coordination.k8s.io/v1", "events.k8s.io/v1", "powercap.dev/v1alpha1"])
        self.assertEqual(self.ask(double, "GET", "/apis/nothing/v1")[0], 404)

    def test_a_list_has_what_selectors_say(self):
        double = self.start("--plain")
        double.tell("node node-b")
        double.tell("label node-b rack=4 size=large")
        double.tell("put " + json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "x"},
                                         "spec": {"nodeName": "node-b"}}))

        def names(path, **query):
            status, found = self.ask(double, "GET", f"{path}?{urllib.parse.urlencode(query)}", token=double.facts["admin_token"])
            return [one["metadata"]["name"] for one in found["items"]] if status == 200 else status

        for selector, wanted in (
                ("rack=4", ["node-b"]), ("rack==4,size=large", ["node-b"]), ("rack=4,size!=large", []), ("rack", ["node-b"]),
                ("!rack", ["node-a"]), ("rack!=4", ["node-a"]), ("rack in (3, 4)", ["node-b"]), ("rack notin (4)", ["node-a"]),
                ("", ["node-a", "node-b"]), ("rack in 4", 400), ("=", 400)):
            self.assertEqual(names("/api/v1/nodes", labelSelector=selector), wanted, selector)
        for selector, wanted in (("metadata.name=node-a", ["node-a"]), ("metadata.name=node-a,spec.unschedulable=true", []),
                                 ("spec.unschedulable!=true", ["node-a", "node-b"]), ("spec.nodeName=x", 400), ("x", 400)):
            self.assertEqual(names("/api/v1/nodes", fieldSelector=selector), wanted, selector)
        self.assertEqual(names("/api/v1/namespaces/x/pods", fieldSelector="spec.nodeName=node-b"), ["p"])
        self.assertEqual(names("/api/v1/pods", fieldSelector="spec.nodeName=node-a"), [])

    def test_the_policy_pins_a_token_to_its_node_and_our_keys(self):
        double = self.start("--plain", "--pin-node")
        double.tell("node node-b large")

        def status(path, body, kind=MERGE, **keywords):
            return self.ask(double, "PATCH", f"/api/v1/nodes/{path}", body, Content_Type=kind, **keywords)[0]

        for path, body, kind, wanted in (
                ("node-a", {"metadata": {"labels": {"rapl/pmax": "1"}}}, MERGE, 200),
                ("node-a", {"metadata": {"annotations": {"powercap.dev/source": "solar"}}}, MERGE, 200),
                ("node-a", {"metadata": {"annotations": {"powercap.dev/limit": "1"}}}, MERGE, 422),
                ("node-a", {"metadata": {"labels": {"rapl/other": "1"}}}, MERGE, 422),
                ("node-a", {"metadata": {"labels": {"kubernetes.io/os": None}}}, MERGE, 422),
                ("node-a", {"metadata": {"finalizers": ["a/b"]}}, MERGE, 422),
                ("node-a", {"spec": {"unschedulable": True}}, MERGE, 422),
                ("node-a", {"metadata": {"generateName": "x"}}, MERGE, 422),
                ("node-a", {"metadata": {"annotations": {"powercap.dev/source": "x" * 257}}}, MERGE, 422),
                ("node-a/status", {"status": {"declaredFeatures": ["x"]}}, MERGE, 422),
                ("node-a/status", {"status": {"conditions": [
                    {"type": "PowerCapped", "status": "True", "message": "x" * 1025}]}}, STRATEGIC, 422),
                ("node-a/status", {"status": {"conditions": [{"type": "PowerCapped", "status": "True"}]}}, STRATEGIC, 200),
                ("node-a/status", {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, STRATEGIC, 422),
                ("node-a/status", {"status": {"capacity": {"cpu": "1"}}}, MERGE, 422),
                ("node-b", {"metadata": {"labels": {"rapl/pmax": "1"}}}, MERGE, 422)):
            self.assertEqual(status(path, body, kind), wanted, body)
        double.tell("annotate node-a powercap.dev/limit=1")
        self.assertEqual(status("node-a", {"metadata": {"annotations": {"powercap.dev/limit": None}}}), 422)
        other = {"metadata": {"labels": {"example": "1"}}}
        self.assertEqual(status("node-b", other, token=double.facts["admin_token"]), 200)

    def test_the_policy_is_the_one_of_the_manifest(self):
        text = (PROGRAM.parents[2] / "deploy/kubernetes/components/own-node-policy/policy.yaml").read_text()
        messages = re.findall(r"[mM]essage(?:Expression)?: (?:\"')?(powercap may .*?)(?:: '.*)?$", text, re.M)
        self.assertEqual(messages, [policy.OTHER_NODE, policy.OTHER_LABELS, policy.OTHER_ANNOTATIONS, policy.LONG_ANNOTATION,
                                    policy.OTHER_PARTS, policy.OTHER_STATUS, policy.BAD_CONDITION, policy.OTHER_OWNERS])
        for name, keys in (("ownLabels", policy.LABELS), ("ownNotes", policy.ANNOTATIONS), ("otherRules", policy.RULED)):
            row = re.search(rf"name: {name}\n.*?\[(.*?)\]\n", text, re.S)[1]
            self.assertEqual(set(re.findall("'(.+?)'", row)), keys)


class ObjectTests(ServerCase):
    def test_versions_are_one_row_for_all_objects(self):
        first = self.version()
        self.double.tell("node node-b")
        self.double.tell("label node-a example=1")
        self.assertEqual(self.version(), first + 2)
        self.assertEqual(self.get("/api/v1/nodes")[1]["metadata"]["resourceVersion"], str(first + 2))

    def test_each_path_changes_its_part_of_a_node(self):
        patch = {"spec": {"unschedulable": True}, "status": {"capacity": {"cpu": "8"}}}
        self.patch(patch)
        self.assertEqual((self.object()["spec"].get("unschedulable"), self.object()["status"].get("capacity")), (True, None))
        self.patch({"spec": {"unschedulable": None}, "status": {"capacity": {"cpu": "8"}}}, NODE + "/status")
        self.assertEqual((self.object()["spec"].get("unschedulable"), self.object()["status"]["capacity"]), (True, {"cpu": "8"}))

    def test_metadata_can_be_changed_beside_the_status_too(self):
        """The real server's strategy for it resets the spec alone."""
        self.patch({"metadata": {"labels": {"rapl/pmax": "1"}}}, NODE + "/status")
        self.assertEqual(self.object()["metadata"]["labels"]["rapl/pmax"], "1")

    def test_conditions_are_merged_by_type_and_can_be_removed(self):
        self.double.tell("node node-a large")
        before = self.object()["status"]["conditions"]

        def patch(*conditions, kind=STRATEGIC):
            self.patch({"status": {"conditions": list(conditions)}}, NODE + "/status", kind)
            return self.object()["status"]["conditions"]

        ours = {"type": "PowerCapped", "status": "True", "reason": "LimitApplied"}
        self.assertEqual(patch(ours), before + [ours])
        self.assertEqual(patch({"type": "PowerCapped", "status": "False"}), before + [ours | {"status": "False"}])
        self.assertEqual(patch({"type": "PowerCapped", "$patch": "delete"}), before)
        # A merge patch replaces a list: the kubelet's conditions are gone.
        self.assertEqual(patch(ours, kind=MERGE), [ours])

    def test_what_the_server_owns_stays(self):
        before = self.object()["metadata"]
        self.patch({"metadata": {"uid": None, "creationTimestamp": "2020-01-01T00:00:00Z", "labels": {"rapl/pmax": "1"}}})
        after = self.object()["metadata"]
        for name in ("uid", "creationTimestamp"):
            self.assertEqual(before[name], after[name])
        self.assertEqual(self.patch({"metadata": {"uid": "another"}})[0], 409)
        self.assertEqual(self.patch({"metadata": {"name": "another"}})[0], 400)

    def test_the_last_annotation_takes_the_map_with_it(self):
        self.double.tell("annotate node-a a=1")
        self.double.tell("annotate node-a a-")
        self.assertNotIn("annotations", self.object()["metadata"])

    def test_json_is_escaped_as_by_go(self):
        self.double.tell("annotate node-a 'a=<&> ü'")
        data = self.send(self.double, "GET", "/api/v1/nodes").read()
        self.assertIn('"a":"\\u003c\\u0026\\u003e ü"'.encode(), data)

    def test_a_list_and_an_object_are_asked_for_by_their_own_names(self):
        listed = METADATA.replace("Metadata;", "MetadataList;")
        for path, wanted, status in (("/api/v1/nodes", METADATA, 406), ("/api/v1/nodes", listed, 200), (NODE, METADATA, 200),
                                     (NODE, listed, 406)):
            got = self.send(self.double, "GET", path, Accept=wanted, token=self.double.facts["admin_token"])
            self.assertEqual(got.status, status, (path, wanted))

    def test_what_is_of_another_type_is_refused(self):
        version = self.version()
        for path, kind, body, status in (
                (NODE, MERGE, {"metadata": {"labels": {"rapl/pmax": 41000000}}}, 400),
                (NODE, MERGE, {"metadata": 5}, 400), (NODE, MERGE, [], 400), (NODE, MERGE, "", 400),
                (NODE + "/status", STRATEGIC, {"status": {"conditions": [{"status": "True"}]}}, 500),
                (NODE + "/status", STRATEGIC, {"status": {"conditions": [{"type": "A", "lastHeartbeatTime": "now"}]}}, 400),
                (NODE, "application/json-patch+json", [], 415), (NODE + "/nothing", MERGE, {}, 403)):
            self.assertEqual(self.patch(body, path, kind)[0], status, body)
        self.assertEqual(self.version(), version)

    def test_labels_that_are_none_are_refused_with_the_reason(self):
        for key, value, words in (("rapl/pmax", "x" * 64, "no more than 63"), ("a b", "1", "name part must consist")):
            status, body = self.patch({"metadata": {"labels": {key: value}}})
            self.assertEqual((status, body["reason"], body["details"]["causes"][0]["field"]), (422, "Invalid", "metadata.labels"))
            self.assertIn(words, body["message"])

    def test_unknown_fields_are_dropped_with_a_warning(self):
        response = self.send(self.double, "POST", EVENTS, EVENT | {"message": "41 W"}, Content_Type="application/json")
        self.assertEqual(response.headers["Warning"], '299 - "unknown field \\"message\\""')
        self.assertNotIn("message", json.loads(response.read()))

    def test_an_event_is_counted_up_and_otherwise_fixed(self):
        created = self.ask(self.double, "POST", EVENTS, EVENT, Content_Type="application/json")[1]
        path = f"{EVENTS}/{created['metadata']['name']}"
        series = {"count": 2, "lastObservedTime": "2026-11-24T04:00:01.000000Z"}
        status, changed = self.patch({"series": series}, path)
        self.assertEqual((status, changed["series"]), (200, series))
        for patch, status in (({"note": "another"}, 422), ({"series": series | {"count": 1}}, 422),
                              ({"series": series | {"lastObservedTime": "2026-11-24T04:00:01Z"}}, 400)):
            self.assertEqual(self.patch(patch, path)[0], status, patch)
        self.double.tell(f"delete {path}")
        self.assertEqual(self.patch({"series": series}, path)[0], 404)

    def test_an_event_says_who_reports_what(self):
        for change, field in (({"reportingController": None}, "reportingController"),
                              ({"reportingInstance": ""}, "reportingInstance"), ({"action": "x" * 129}, "action"), ({"note": "x" * 1025}, "message"), ({"type": "Bad"}, "type"),
                              ({"series": {"count": 1, "lastObservedTime": EVENT["eventTime"]}}, "series.count")):
            status, body = self.ask(self.double, "POST", EVENTS, EVENT | change, Content_Type="application/json")
            self.assertEqual((status, body["details"]["causes"][0]["field"]), (422, field), change)

    def test_apply_owns_what_it_sets_and_removes_what_it_no_longer_sets(self):
        def apply(labels):
            config = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-a", "labels": labels}}
            return self.patch(config, NODE + "?fieldManager=me", "application/apply-patch+yaml")[1]["metadata"]

        self.assertEqual(apply({"rapl/pmax": "1", "rapl/x": "2"})["labels"]["rapl/x"], "2")
        after = apply({"rapl/pmax": "1"})
        self.assertNotIn("rapl/x", after["labels"])
        self.assertEqual(after["managedFields"][0]["fieldsV1"], {"f:metadata": {"f:labels": {"f:rapl/pmax": {}}}})
        self.assertEqual(apply({"rapl/pmax": "1"})["resourceVersion"], after["resourceVersion"])

    def test_an_administrator_creates_reads_updates_and_deletes(self):
        path = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
        head = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "a"}}
        lease = head | {"spec": {"holderIdentity": "x"}}
        created = self.administer("POST", path, lease)[1]
        self.assertEqual(self.administer("PUT", path + "/a", lease)[0], 422)
        changed = self.administer("PUT", path + "/a", created | {"spec": {"holderIdentity": "y"}})[1]
        self.assertGreater(int(changed["metadata"]["resourceVersion"]), int(created["metadata"]["resourceVersion"]))
        self.assertEqual(self.administer("GET", path)[1]["items"][0]["spec"], {"holderIdentity": "y"})
        self.assertEqual(self.administer("DELETE", path + "/a")[1]["status"], "Success")
        self.assertEqual(self.administer("GET", path + "/a")[0], 404)
        self.assertEqual(self.administer("GET", "/api/v1/namespaces/default/services")[0], 404)


class WatchTests(ServerCase):
    def test_a_watch_ends_at_its_timeout_and_the_connection_is_good(self):
        connection = self.double.connect()
        self.addCleanup(connection.close)
        self.send(self.double, "GET", "/api/v1/nodes?watch=1&resourceVersion=1&timeoutSeconds=1", connection=connection).read()
        self.assertRegex(self.double.next("watched "), " 0 [0-9]+ timeout$")
        self.assertEqual(self.send(self.double, "GET", "/version", connection=connection).status, 200)

    def test_events_come_when_they_happen_and_from_where_it_was_asked(self):
        self.double.tell("label node-a example=1")
        first, second = self.watch("resourceVersion=1"), self.watch("resourceVersion=0")
        self.assertEqual([next(first)["type"], next(second)["type"]], ["MODIFIED", "ADDED"])
        self.double.tell(f"delete {NODE}")
        self.double.tell("node node-a")
        for events in (first, second):
            self.assertEqual([next(events)["type"] for _ in range(2)], ["DELETED", "ADDED"])

    def test_a_version_that_is_lost_is_expired(self):
        for command in ("compact", "restart"):
            self.double.tell("label node-a example=1")
            version = self.version()
            self.double.tell("label node-a example=2")
            self.double.tell(command)
            (event,) = self.watch(f"resourceVersion={version}")
            self.assertEqual((event["type"], event["object"]["code"]), ("ERROR", 410))
            self.assertEqual(next(self.watch(f"resourceVersion={version + 1}&timeoutSeconds=1"), None), None)

    def test_a_window_of_events_is_kept(self):
        double = self.start("--plain", "--window", "3")
        for number in range(5):
            double.tell(f"label node-a example={number}")
        for version, first in ((2, "ERROR"), (3, "MODIFIED")):
            response = self.send(double, "GET", f"/api/v1/nodes?watch=1&resourceVersion={version}&timeoutSeconds=1")
            self.assertEqual(next(lines(response))["type"], first)

    def test_a_bookmark_comes_to_those_who_allow_it(self):
        allowed, other = self.watch("resourceVersion=1&allowWatchBookmarks=true"), self.watch("resourceVersion=1")
        self.double.tell("node node-b")
        next(allowed), next(other)
        self.double.tell("bookmark")
        event = next(allowed)
        self.assertEqual((event["type"], event["object"]["metadata"]), ("BOOKMARK", {"resourceVersion": str(self.version() + 1)}))
        self.double.tell("close")
        self.assertIsNone(next(other, None))
        # The last one comes two seconds before the end, and a watch that is shorter has none.
        self.assertEqual(list(self.watch("resourceVersion=3&allowWatchBookmarks=true&timeoutSeconds=1")), [])

    def test_watches_that_run_can_expire(self):
        events = self.watch("resourceVersion=1")
        self.double.tell("expire")
        self.assertEqual([event["object"]["reason"] for event in events], ["Expired"])

    def test_the_end_of_the_client_is_noticed(self):
        descriptors = pathlib.Path(f"/proc/{self.double.process.pid}/fd")
        before = len(list(descriptors.iterdir()))
        for _ in range(5):
            connection = self.double.connect()
            self.send(self.double, "GET", "/api/v1/nodes?watch=1&resourceVersion=1", connection=connection)
            connection.sock.shutdown(socket.SHUT_RDWR)
            connection.close()
            self.assertTrue(self.double.next("watched ").endswith(" client"))
        # The last connection may still be about to go.
        self.assertLessEqual(len(list(descriptors.iterdir())), before + 1)

    def test_a_version_that_is_none_is_refused(self):
        self.assertEqual(self.get("/api/v1/nodes?watch=1&resourceVersion=x")[0], 400)


class ProgramTests(DoubleCase):
    def test_the_readme_and_the_help_say_the_same(self):
        shown = subprocess.run([sys.executable, PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
        self.assertIn(commands.help_text(), shown)
        self.assertIn(f"```\n{commands.help_text()}```\n", (PROGRAM.parent / "README.md").read_text())

    def test_requests_are_logged_with_their_bytes(self):
        double = self.start("--plain")
        request = f"GET {NODE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        with double.connect_plainly() as client:
            client.sendall(request)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        self.assertEqual(double.next("request "), f"request GET {NODE} 403 {len(request)} {len(answer)} system:anonymous -")
        self.assertIn(b"Connection: close\r\n", answer)
        self.assertEqual(double.ask("requests"), [{
            "method": "GET", "path": NODE, "status": 403, "received": len(request), "sent": len(answer),
            "user": "system:anonymous", "fault": None}])

    def test_the_port_closes_and_opens_again(self):
        double = self.start("--plain")
        connection = double.connect()
        self.addCleanup(connection.close)
        self.send(double, "GET", "/version", connection=connection).read()
        double.tell("stop")
        self.assertEqual(connection.sock.recv(1), b"")
        self.assertRaises(ConnectionRefusedError, self.send, double, "GET", "/version")
        double.tell("listen")
        self.assertEqual(self.send(double, "GET", "/version").status, 200)

    def test_it_ends_with_its_input_and_leaves_nothing(self):
        double = self.start()
        directory = os.path.dirname(double.facts["token_file"])
        self.assertEqual(double.stop(), 0)
        self.assertFalse(os.path.exists(directory))

    def test_a_mistake_ends_it(self):
        for line in ("nonsense", "fault 1 get * nonsense", "fault x get * reset", "annotate nobody a=1", "put {}"):
            process = subprocess.run([sys.executable, PROGRAM, "--plain"], input=line + "\n", capture_output=True, text=True)
            self.assertEqual(process.returncode, 1)
            self.assertTrue(process.stderr.startswith(f"apiserver: {line}: "), process.stderr)

    def test_stopped_by_a_signal_it_is_a_server_that_hangs(self):
        """The kernel accepts, and nothing answers: no command is needed for that."""
        double = self.start("--plain")
        double.process.send_signal(signal.SIGSTOP)
        connection = double.connect()
        self.addCleanup(connection.close)
        connection.timeout = 1
        connection.request("GET", "/version")
        self.assertRaises(TimeoutError, connection.getresponse)
        double.process.send_signal(signal.SIGCONT)
        double.next("request GET /version")


if __name__ == "__main__":
    unittest.main()
