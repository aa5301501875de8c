#!/usr/bin/env python3
"""Replays each recorded exchange against the double, and compares; run as a program, all tests of this directory.

  Tests/apiserver/test_replay.py [-v] [-k PATTERN]

The double is brought to the state in which the real server was, versions included, and gets the same request. Its answer has to
be the same but for what is new each time: ids of new objects, times of changes, and what a generated name ends with.
"""
import copy
import json
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import policy  # noqa: E402
from harness import DoubleCase, lines  # noqa: E402

DIRECTORY = pathlib.Path(__file__).resolve().parents[1] / "Fixtures/kubernetes"
EXCHANGES = {path.stem: json.loads(path.read_text()) for path in sorted(DIRECTORY.glob("*.json"))}
ACCOUNT = "powercap-rec"
# What the recording's account was allowed.
RULES = [
    {"kind": "ClusterRole", "metadata": {"name": ACCOUNT}, "rules": [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch", "patch", "update"]},
        {"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["patch"]},
        {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]}]},
    {"kind": "ClusterRoleBinding", "metadata": {"name": ACCOUNT}, "roleRef": {"kind": "ClusterRole", "name": ACCOUNT},
     "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": "default"}]}]
# New each time.
TIME = re.compile(r'"time": "[^"]+"')
CREATED = re.compile(r'"(uid|creationTimestamp)": "[^"]+"')
GENERATED = re.compile(r"(node-a\.powercap-|x-)[a-z0-9]{5}\b")


def body(name):
    return EXCHANGES[name]["response"]["body"]


def put(thing):
    return "put " + json.dumps(thing)


def node(metadata):
    """A whole Node with the metadata of an answer."""
    return put(body("01-node-get") | {"metadata": metadata})


def streamed(name, index):
    return EXCHANGES[name]["response"]["stream"][index]["line"]["object"]["metadata"]


def version(number):
    """Something else has happened since."""
    return put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-b", "resourceVersion": str(number)}})


def relabelled(name, value):
    """A Node before its label was set, as the answer to that shows it."""
    metadata = copy.deepcopy(body(name)["metadata"])
    metadata["labels"]["rapl/pmax"] = value
    metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) - 1)
    return node(metadata)


NEW = node(body("02-node-get-metadata-only")["metadata"])
CHANGED = node(streamed("04-node-watch-metadata", 1))
PATCHED = put(body("09-node-merge-patch"))
SECOND = node(body("10-node-merge-patch-metadata-answer")["metadata"])
THIRD = node(body("12-node-merge-patch-remove-label")["metadata"])
APPLIED = node(body("17-node-apply-patch-force")["metadata"])
LARGE = put(body("40-node-get-large"))
# The state before each exchange, as an administrator's commands.
BEFORE = {
    "01-node-get": [NEW],
    "02-node-get-metadata-only": [NEW],
    "03-nodes-list-field-selector-metadata": [NEW, version(228)],
    "04-node-watch-metadata": [NEW, version(228)],
    "05-node-watch-initial-events": [CHANGED],
    "06-node-watch-rv-too-old": [NEW, node(streamed("04-node-watch-metadata", 0)), CHANGED],
    "07-node-watch-rv-future": [CHANGED],
    "08-node-watch-deleted": [CHANGED, node(streamed("08-node-watch-deleted", 0))],
    "09-node-merge-patch": [CHANGED, version(235)],
    "10-node-merge-patch-metadata-answer": [PATCHED],
    "11-node-merge-patch-no-change": [SECOND],
    "12-node-merge-patch-remove-label": [SECOND],
    "13-node-merge-patch-stale-resource-version": [THIRD],
    "14-node-put-stale": [THIRD],
    "15-node-patch-invalid-label-value": [THIRD],
    "16-node-apply-patch": [THIRD],
    "17-node-apply-patch-force": [THIRD],
    "18-node-apply-patch-conflict": [APPLIED],
    "19-node-status-condition-patch": [APPLIED],
    "20-unauthorized": [APPLIED],
    "21-anonymous": [APPLIED],
    "22-forbidden": [APPLIED],
    "23-not-found": [APPLIED],
    "24-bad-json": [APPLIED],
    "25-unsupported-media-type": [APPLIED],
    "26-not-acceptable": [APPLIED],
    "27-event-create": [version(240)],
    "28-event-create-invalid": [],
    "29-lease-get-absent": [],
    "30-lease-create": [version(241)],
    "31-lease-create-exists": [put(body("30-lease-create"))],
    "32-lease-update": [put(body("30-lease-create"))],
    "33-lease-update-stale": [put(body("32-lease-update"))],
    "34-version": [],
    "35-readyz": [],
    "36-node-watch-rv-gone": [APPLIED, version(249), "compact"],
    "37-admission-policy-own-node": [relabelled("37-admission-policy-own-node", "43000000")],
    "38-admission-policy-other-node-denied": [APPLIED, version(273)],
    "39-admission-policy-foreign-label-denied": [APPLIED],
    "40-node-get-large": [LARGE],
    "41-node-get-large-metadata-only": [LARGE],
}
# What happens during each watch, and after how many events. The first one's timeout is waited for; `close` ends others alike.
DURING = {
    "04-node-watch-metadata": {0: [
        "annotate node-a powercap.dev/example=one", "label node-a example=two", "label node-b example=three"]},
    "06-node-watch-rv-too-old": {3: ["close"]},
    "07-node-watch-rv-future": {0: ["label node-a example=three", "close"]},
    "08-node-watch-deleted": {1: ["delete /api/v1/nodes/node-tmp"], 2: ["close"]},
}
# A policy of other words than ours was recorded.
RECORDED_WORDS = "powercap may change only rapl/ labels"
# The length of a body with other words; and of two recorded bodies, which don't have the recorded length.
OTHER_LENGTH = ("16-node-apply-patch", "26-not-acceptable", "39-admission-policy-foreign-label-denied")
HEADERS = ("cache-control", "content-type", "content-length", "transfer-encoding", "x-content-type-options")


def comparable(thing, is_new):
    """Without what is new each time."""
    text = TIME.sub('"time": ""', json.dumps(thing, sort_keys=True))
    return json.loads(CREATED.sub(r'"\1": ""', GENERATED.sub(r"\1*", text)) if is_new else text)


class ReplayTests(DoubleCase):
    def replay(self, name):
        exchange = copy.deepcopy(EXCHANGES[name])
        wanted, request = exchange["response"], exchange["request"]
        flags = ["--pin-node"] if "policy" in name else []
        with tempfile.NamedTemporaryFile("w", suffix=".json") as rules:
            json.dump(RULES, rules)
            rules.flush()
            double = self.start("--empty", "--account", f"default/{ACCOUNT}", "--rbac", rules.name, *flags)
        for line in BEFORE[name]:
            double.tell(line)

        headers = dict(request["headers"])
        bearer = headers.pop("Authorization", None)
        token = "" if not bearer else "not-a-token" if name == "20-unauthorized" else double.token
        response = self.send(double, request["method"], request["path"], request["body"], token=token,
                             **{key.replace("-", "_"): value for key, value in headers.items()})
        self.assertEqual(response.status, wanted["status"])
        got = {key: response.headers[key] for key in HEADERS if response.headers[key]}
        if name in OTHER_LENGTH:
            del got["content-length"], wanted["headers"]["content-length"]
        self.assertEqual(got, wanted["headers"], response.headers)
        if "stream" in wanted:
            self.compare_streams(double, name, response, [event["line"] for event in wanted["stream"]])
        else:
            data = response.read().decode()
            got = json.loads(data) if "json" in wanted["headers"]["content-type"] else data
            is_new = request["method"] == "POST"
            expected = json.loads(json.dumps(wanted["body"]).replace(RECORDED_WORDS, policy.OTHER_LABELS))
            self.assertEqual(comparable(got, is_new), comparable(expected, is_new))

    def compare_streams(self, double, name, response, wanted):
        during, received = DURING.get(name, {}), []
        events = lines(response)
        while True:
            for line in during.get(len(received), []):
                double.tell(line)
            event = next(events, None)
            if event is None:
                break
            received.append(event)
        self.assertEqual(comparable(received, False), comparable(wanted, False))
        # A whole chunked body, and the connection is good for the next request.
        self.assertFalse(response.will_close)

    def test_every_exchange_is_replayed(self):
        self.assertEqual(set(BEFORE), set(EXCHANGES))


for stem in EXCHANGES:
    setattr(ReplayTests, "test_" + re.sub(r"\W", "_", stem), lambda self, name=stem: self.replay(name))


if __name__ == "__main__":
    unittest.main(module=None, argv=[sys.argv[0], "discover", "-s", str(pathlib.Path(__file__).parent), *sys.argv[1:]])
