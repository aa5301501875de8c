"""The coordinators of a fleet, and nodes that follow them."""
import itertools
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import kubernetes_validate
from admission import Policy, account
from manifest import DEPLOY, FLEET, REPOSITORY, build, own_roles, rules, table
from test_build import NEWEST, OLDEST

NAMESPACE = "powercap-system"
NAME = "powercap-coordinator"
USER = f"system:serviceaccount:{NAMESPACE}:{NAME}"


def values(container):
    return {variable["name"]: variable.get("value") for variable in container["env"]}


class FleetCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manifest = build(components=FLEET)
        cls.set = cls.manifest.one("StatefulSet")
        cls.coordinator = cls.set["spec"]["template"]["spec"]
        cls.container = cls.coordinator["containers"][0]

    def named(self, kind, name=NAME):
        return self.manifest.named(kind, name)


class BuildTests(FleetCase):
    def test_every_order_and_choice_of_components_builds(self):
        for components in itertools.permutations(("granted", "host-helper", "own-node-policy")):
            built = build(DEPLOY / "base", components)
            self.assertEqual(len(built.pod["containers"]), 1)
            self.assertEqual(values(built.container("powercap-controller"))["SOURCE"], "granted")
            self.assertIn("grant-access", [volume["name"] for volume in built.pod["volumes"]])
        self.assertEqual(build(components=FLEET).objects, build(components=FLEET[::-1]).objects)

    def test_a_fleet_alone_changes_nothing_on_nodes(self):
        self.assertEqual(build(components=["fleet"]).one("DaemonSet"), build().one("DaemonSet"))

    def test_every_object_is_valid_in_every_kubernetes(self):
        for version, thing in itertools.product((OLDEST, NEWEST), self.manifest.objects):
            with self.subTest(version=version, kind=thing["kind"], name=thing["metadata"]["name"]):
                kubernetes_validate.validate(thing, f"1.{version}", strict=True)

    def test_names_lead_to_objects_that_are_there(self):
        labels = self.set["spec"]["template"]["metadata"]["labels"]
        for selector in (self.set["spec"]["selector"]["matchLabels"], self.named("Service")["spec"]["selector"],
                         self.named("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
                         self.named("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]):
            self.assertEqual(selector, labels)
        # And to no pod of the DaemonSet.
        self.assertNotEqual(labels, self.manifest.one("DaemonSet")["spec"]["template"]["metadata"]["labels"])
        self.assertEqual(self.set["spec"]["serviceName"], self.named("Service")["metadata"]["name"])
        self.assertEqual(self.coordinator["serviceAccountName"], self.named("ServiceAccount")["metadata"]["name"])
        self.assertEqual(self.coordinator["priorityClassName"], self.manifest.one("PriorityClass")["metadata"]["name"])
        self.assertEqual(self.named("FlowSchema")["spec"]["priorityLevelConfiguration"]["name"],
                         self.named("PriorityLevelConfiguration")["metadata"]["name"])
        self.assertEqual(self.named("ValidatingAdmissionPolicyBinding")["spec"]["policyName"],
                         self.named("ValidatingAdmissionPolicy")["metadata"]["name"])
        ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        self.assertEqual({port["targetPort"] for port in self.named("Service")["spec"]["ports"]}, {"grants"})
        self.assertIn(f"--listen=[::]:{ports['grants']}", self.container["args"])
        self.assertTrue(values(self.container)["METRICS_ADDRESS"].endswith(f":{ports['metrics']}"))
        self.assertEqual({probe["httpGet"]["port"] for name, probe in self.container.items() if name.endswith("Probe")}, {"metrics"})

    def test_nodes_know_every_coordinator_by_its_name(self):
        urls = values(self.manifest.container("powercap-controller"))["GRANT_URL"].split()
        port = self.named("Service")["spec"]["ports"][0]["port"]
        self.assertEqual(urls, [f"https://{NAME}-{number}.{NAME}.{NAMESPACE}.svc:{port}"
                                for number in range(self.set["spec"]["replicas"])])

    def test_a_nodes_token_is_for_the_coordinators_and_for_nobody_else(self):
        volumes = {volume["name"]: volume for volume in self.manifest.pod["volumes"]}
        token, authority = volumes["grant-access"]["projected"]["sources"]
        self.assertEqual(token["serviceAccountToken"], {"path": "token", "audience": NAME, "expirationSeconds": 3600})
        self.assertIn(f"--audience={NAME}", self.container["args"])
        self.assertEqual(authority["configMap"]["name"], f"{NAME}-ca")
        for container in self.manifest.pod["containers"]:
            mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
            self.assertEqual("grant-access" in mounts, container["name"] == "powercap-controller")
        mount = next(mount for mount in self.manifest.container("powercap-controller")["volumeMounts"] if mount["name"] == "grant-access")
        self.assertEqual((mount["mountPath"], mount["readOnly"]), ("/var/run/secrets/powercap", True))


class PodTests(FleetCase):
    def test_a_coordinator_has_no_privilege(self):
        context = self.container["securityContext"]
        self.assertEqual(context, {"privileged": False, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                   "capabilities": {"drop": ["ALL"]}})
        pod = self.coordinator["securityContext"]
        self.assertEqual((pod["runAsUser"], pod["runAsNonRoot"], pod["seccompProfile"]), (65532, True, {"type": "RuntimeDefault"}))
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            self.assertFalse(self.coordinator.get(key, False))
        self.assertFalse([volume for volume in self.coordinator["volumes"] if "hostPath" in volume])
        self.assertTrue(all(mount["readOnly"] for mount in self.container["volumeMounts"]))

    def test_its_token_expires_and_its_certificate_is_readable_by_its_group_alone(self):
        self.assertIs(self.coordinator["automountServiceAccountToken"], False)
        self.assertIs(self.named("ServiceAccount")["automountServiceAccountToken"], False)
        volumes = {volume["name"]: volume for volume in self.coordinator["volumes"]}
        token = volumes["api-access"]["projected"]["sources"][0]["serviceAccountToken"]
        self.assertEqual(token, {"path": "token", "expirationSeconds": 3600})
        self.assertEqual(volumes["certificate"]["secret"], {"secretName": f"{NAME}-tls", "defaultMode": 0o440})
        self.assertEqual(self.coordinator["securityContext"]["fsGroup"], 65532)
        mounts = {mount["name"]: mount for mount in self.container["volumeMounts"]}
        for flag, file in (("certificate", "tls.crt"), ("key", "tls.key")):
            self.assertIn(f"--{flag}={mounts['certificate']['mountPath']}/{file}", self.container["args"])
        # A mount of a single file doesn't follow the Secret.
        self.assertNotIn("subPath", json.dumps(self.coordinator))

    def test_it_is_the_controllers_image_and_requests_equal_limits(self):
        self.assertEqual(self.container["image"], self.manifest.container("powercap-controller")["image"])
        self.assertEqual(self.container["resources"]["requests"], self.container["resources"]["limits"])

    def test_one_goes_on_while_the_other_is_replaced_or_its_node_drained(self):
        self.assertEqual(self.set["spec"]["replicas"], 2)
        budget = self.named("PodDisruptionBudget")["spec"]
        self.assertEqual((budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]), (1, "AlwaysAllow"))
        term = self.coordinator["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0]
        self.assertEqual(term["podAffinityTerm"]["topologyKey"], "kubernetes.io/hostname")
        # Who waits is ready, too: else neither an update nor a drain would ever go on.
        self.assertEqual(self.container["readinessProbe"]["httpGet"]["path"], "/healthz")

    def test_nodes_pods_reach_it_and_nobody_else_does(self):
        spec = self.named("NetworkPolicy")["spec"]
        port = self.named("Service")["spec"]["ports"][0]["port"]
        peer = {"podSelector": {"matchLabels": self.manifest.one("DaemonSet")["spec"]["template"]["metadata"]["labels"]}}
        self.assertEqual(spec["ingress"], [{"from": [peer], "ports": [{"protocol": "TCP", "port": port}]}])
        self.assertNotIn("egress", spec)
        egress = self.named("NetworkPolicy", "powercap-granted")["spec"]["egress"]
        self.assertEqual(egress[0]["ports"], [{"protocol": "TCP", "port": port}])
        self.assertEqual({(one["protocol"], one["port"]) for one in egress[1]["ports"]}, {("UDP", 53), ("TCP", 53)})


class RuleTests(FleetCase):
    def test_a_coordinator_may_do_what_the_document_says_and_no_more(self):
        documented = {("" if group == "core" else group, resource, verb, None if namespace == "all" else namespace)
                      for group, resource, verbs, namespace, _ in table("coordinator rules") for verb in verbs.split(", ")}
        self.assertEqual(rules(self.manifest, NAME), documented)

    def test_the_controller_on_a_node_may_do_no_more_than_before(self):
        self.assertEqual(rules(self.manifest, "powercap-controller"), rules(build()))

    def test_only_its_own_lease_can_be_read_and_written(self):
        lease = [rule for rule in self.named("Role")["rules"] if "create" not in rule["verbs"]]
        self.assertEqual([(rule["resourceNames"], rule["verbs"]) for rule in lease], [([f"{NAME}-0"], ["get", "update"])])

    def test_its_requests_have_seats_of_their_own(self):
        schema = self.named("FlowSchema")["spec"]
        # Before the one of all service accounts.
        self.assertLess(schema["matchingPrecedence"], 9000)
        flow = {(group, resource) for rule in schema["rules"][0]["resourceRules"] for group in rule["apiGroups"]
                for resource in rule["resources"]}
        self.assertLessEqual({(group, resource) for group, resource, _, _ in rules(self.manifest, NAME)}, flow)

    def test_the_api_server_of_the_tests_has_these_roles(self):
        self.assertEqual(json.loads((REPOSITORY / "Tests/apiserver/fleet-rules.json").read_text()), own_roles(FLEET),
                         "write it anew: Tests/manifests/run fleet-rules > Tests/apiserver/fleet-rules.json")


class PolicyTests(FleetCase):
    POD = f"{NAME}-1"

    def refusals(self, thing, user=None, **keywords):
        policy = Policy(self.named("ValidatingAdmissionPolicy"))
        resource = {"Lease": "leases", "PowerBudgetShard": "powerbudgetshards", "Event": "events"}[thing["kind"]]
        return policy.refusals(user or account("node-a", USER, self.POD), keywords.get("old", thing), thing, resource)

    def lease(self, holder, name=f"{NAME}-0", **metadata):
        return {"kind": "Lease", "metadata": {"name": name} | metadata, "spec": {"holderIdentity": holder}}

    def shard(self, budget="site", **owner):
        owners = [{"kind": "PowerBudget", "name": "site", "apiVersion": "powercap.dev/v1alpha1", "uid": "1"} | owner]
        return {"kind": "PowerBudgetShard", "metadata": {"name": f"{budget}-0", "ownerReferences": owners},
                "spec": {"budget": budget, "shard": 0, "limitMilliwatts": 1}}

    def event(self, regarding=None, **members):
        about = {"apiVersion": "powercap.dev/v1alpha1", "kind": "PowerBudget", "name": "site", "uid": "1"}
        return {"kind": "Event", "metadata": {"name": "site.1", "namespace": "default"}, "regarding": about | (regarding or {}),
                "reportingController": "powercap.dev/coordinator", "reportingInstance": self.POD} | members

    def test_what_a_coordinator_writes_passes(self):
        for holder in ("", "nobody-yet", self.POD, f"{self.POD}_6f1c2a0e"):
            self.assertEqual(self.refusals(self.lease(holder)), [])
        self.assertEqual(self.refusals(self.shard()), [])
        for teller in (self.POD, f"{self.POD}_6f1c2a0e"):
            self.assertEqual(self.refusals(self.event(reportingInstance=teller)), [])

    def test_another_lease_anothers_name_and_anothers_part_are_refused(self):
        for thing, words in (
                (self.lease(self.POD, "kube-controller-manager"), "no other Lease"), (self.lease(self.POD, f"{NAME}-0x"), "no other Lease"),
                (self.lease(f"{NAME}-0_1"), "for itself only"), (self.lease(f"{self.POD}0_1"), "for itself only"),
                (self.lease(self.POD, finalizers=["a/b"]), "finalizers"),
                (self.shard("row"), "belongs to that budget"), (self.shard(kind="Node"), "belongs to that budget")):
            found = self.refusals(thing)
            self.assertEqual(len(found), 1, (thing, found))
            self.assertIn(words, found[0])
        bare = self.shard()
        del bare["metadata"]["ownerReferences"]
        self.assertIn("belongs to that budget", self.refusals(bare)[0])

    def test_events_about_anything_else_or_in_anothers_name_are_refused(self):
        for thing in (
                self.event({"kind": "Node"}), self.event({"apiVersion": "example.com/v1"}), self.event(regarding={"kind": "PowerBudgetShard"}),
                self.event(reportingController="kubelet"), self.event(reportingInstance=f"{NAME}-0"),
                self.event(reportingInstance=f"{self.POD}1_x"), self.event(reportingInstance="")):
            self.assertEqual(self.refusals(thing), ["a coordinator tells Events of PowerBudgets only, and in its own name"], thing)
        bare = self.event()
        del bare["regarding"]
        self.assertEqual(len(self.refusals(bare)), 1)

    def test_a_token_of_no_pod_or_of_another_writes_nothing_and_others_are_not_looked_at(self):
        thing = self.lease("")
        for user in ({"username": USER, "extra": {}}, account("node-a", USER, "another-1")):
            self.assertIn("with the token of its pod", self.refusals(thing, user)[0])
        self.assertEqual(self.refusals(self.lease("x", "y"), {"username": "system:kube-scheduler"}), [])


class CertificateTests(FleetCase):
    def test_the_documented_commands_make_a_certificate_that_nodes_trust(self):
        text = (DEPLOY / "README.md").read_text()
        lines = re.search(r"<!-- certificate -->\n(.*?)<!-- end -->", text, re.DOTALL)[1].replace("\\\n", " ")
        commands = [line.strip() for line in lines.splitlines() if line.startswith("    openssl ")]
        self.assertEqual(len(commands), 2)
        with tempfile.TemporaryDirectory() as directory:
            for command in commands:
                subprocess.run(command, shell=True, cwd=directory, check=True, capture_output=True, timeout=60)
            for url in values(self.manifest.container("powercap-controller"))["GRANT_URL"].split():
                host = re.match(r"https://(.*):\d+$", url)[1]
                found = subprocess.run(
                    ["openssl", "verify", "-CAfile", "ca.crt", "-purpose", "sslserver", "-verify_hostname", host, "tls.crt"],
                    cwd=directory, capture_output=True, text=True, timeout=60)
                self.assertEqual((found.returncode, found.stdout), (0, "tls.crt: OK\n"), found.stderr)
            wrong = subprocess.run(["openssl", "verify", "-CAfile", "ca.crt", "-verify_hostname", "example.com", "tls.crt"],
                                   cwd=directory, capture_output=True, timeout=60)
            self.assertNotEqual(wrong.returncode, 0)
            self.assertTrue(pathlib.Path(directory, "tls.key").exists())

    def test_cert_managers_certificate_has_the_same_names_and_secret(self):
        text = (DEPLOY / "README.md").read_text()
        name = f"*.{NAME}.{NAMESPACE}.svc"
        self.assertEqual(text.count(name), 2)
        self.assertIn(f"secretName: {NAME}-tls", text)


if __name__ == "__main__":
    unittest.main()
