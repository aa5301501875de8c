"""What is applied a second time is there already: kubectl diff finds nothing, and no other way to apply conflicts."""
import unittest

from manifest import COMPONENTS, FLEET, SHARDS, build
from stored import changes, stored

# What an earlier version of the manifests had, each with what a server kept of it.
TOLD_ANEW = {
    "NetworkPolicy": ({"spec": {"ingress": []}}, ["spec.ingress"]),
    "PriorityClass": ({"globalDefault": False}, ["globalDefault"]),
    "DaemonSet": ({"spec": {"template": {"spec": {
        "hostNetwork": False, "hostPID": False, "hostIPC": False, "containers": [
            {"name": "a", "env": [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]}]}}}},
        [*(f"spec.template.spec.{name}" for name in ("hostNetwork", "hostPID", "hostIPC")),
         "spec.template.spec.containers.a.env.NODE_NAME.valueFrom.fieldRef"]),
    "ValidatingAdmissionPolicy": ({"spec": {"matchConstraints": {"resourceRules": [{"resources": ["nodes"]}]}}},
                                  ["spec.matchConstraints"]),
}


class AgainTests(unittest.TestCase):
    def test_every_object_is_stored_as_it_is_given(self):
        for components in ([], ["host-helper"], FLEET, SHARDS):
            manifest = build(components=components)
            self.assertGreater(len(manifest.objects), 8)
            for thing in manifest.objects:
                with self.subTest(components=components, kind=thing["kind"], name=thing["metadata"]["name"]):
                    self.assertEqual(changes(thing, stored(thing)), [])
        self.assertEqual(set(COMPONENTS), {"own-node-policy", "host-helper"})

    def test_nothing_empty_is_given_that_this_table_does_not_know(self):
        """So that a new field is looked up: is it a pointer, which keeps its false, or is it dropped?"""
        kept = {"automountServiceAccountToken", "allowPrivilegeEscalation", "privileged", "runAsNonRoot", "runAsUser", "maxSurge",
                "enableServiceLinks", "podSelector", "namespaceSelector", "objectSelector"}

        def empty(thing):
            pairs = thing.items() if isinstance(thing, dict) else enumerate(thing)
            for key, value in pairs:
                if isinstance(value, (dict, list)) and value:
                    yield from empty(value)
                elif not value and isinstance(key, str):
                    yield key
        for components in ([], ["host-helper"]):
            for thing in build(components=components).objects:
                self.assertLessEqual(set(empty(thing)), kept)

    def test_what_a_server_drops_or_adds_is_found(self):
        for kind, (fields, expected) in TOLD_ANEW.items():
            with self.subTest(kind):
                thing = {"kind": kind, "metadata": {"name": "x"}, **fields}
                self.assertEqual(changes(thing, stored(thing)), expected)


if __name__ == "__main__":
    unittest.main()
