"""What the pod may do on its node, in each of the two ways to install it."""
import unittest

from manifest import DEPLOY, build

UNPRIVILEGED = 65532


class EitherPod:
    """Holds for both ways to install it."""
    components = ()

    @classmethod
    def setUpClass(cls):
        cls.manifest = build(components=cls.components)
        cls.pod = cls.manifest.pod
        cls.containers = cls.pod["containers"]

    def test_no_container_has_a_capability_or_can_get_one(self):
        for container in self.containers:
            context = container["securityContext"]
            self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
            self.assertIs(context["privileged"], False)
            self.assertIs(context["allowPrivilegeEscalation"], False)
            self.assertIs(context["readOnlyRootFilesystem"], True)
            self.assertNotIn("seccompProfile", context)
        self.assertEqual(self.pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})

    def test_every_image_is_named_by_its_digest(self):
        for container in self.containers + build(DEPLOY / "base").pod["containers"]:
            self.assertRegex(container["image"], r"^[a-z0-9./-]+@sha256:[0-9a-f]{64}$")

    def test_requests_equal_limits(self):
        for container in self.containers:
            self.assertEqual(set(container["resources"]["limits"]), {"cpu", "memory"})
            self.assertEqual(container["resources"]["requests"], container["resources"]["limits"])

    def test_the_controllers_piece_of_a_period_is_enough_for_an_override_and_a_probe(self):
        """CFS gives out a limit in pieces for 100 ms; an override takes some milliseconds of CPU time, runc's exec some ten."""
        cpu = self.manifest.container("powercap-controller")["resources"]["limits"]["cpu"]
        self.assertGreaterEqual(int(cpu.removesuffix("m")) / 1000 * 100, 20)

    def test_the_nodes_namespaces_are_not_shared_and_the_user_namespace_is(self):
        for namespace in ("hostNetwork", "hostPID", "hostIPC"):
            self.assertFalse(self.pod.get(namespace, False))
        self.assertFalse(self.pod.get("shareProcessNamespace", False))
        # Root of another user namespace owns nothing in sysfs, and its gids are not the socket's.
        self.assertTrue(self.pod.get("hostUsers", True))

    def test_only_the_controller_has_a_token_and_it_expires(self):
        self.assertIs(self.pod["automountServiceAccountToken"], False)
        self.assertIs(self.manifest.one("ServiceAccount")["automountServiceAccountToken"], False)
        projected = [volume for volume in self.pod["volumes"] if "projected" in volume]
        self.assertEqual(len(projected), 1)
        tokens = [source["serviceAccountToken"] for source in projected[0]["projected"]["sources"]
                  if "serviceAccountToken" in source]
        self.assertEqual(tokens, [{"path": "token", "expirationSeconds": 3600}])
        holders = [container["name"] for container in self.pod["containers"]
                   if projected[0]["name"] in {mount["name"] for mount in container["volumeMounts"]}]
        self.assertEqual(holders, ["powercap-controller"])

    def test_two_pods_never_run_on_a_node_at_once(self):
        self.assertEqual(self.manifest.one("DaemonSet")["spec"]["updateStrategy"],
                         {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}})

    def test_it_runs_on_control_plane_nodes_and_on_those_not_ready_and_leaves_nodes_that_opt_out(self):
        self.assertEqual(
            {(taint["key"], taint["operator"], taint["effect"]) for taint in self.pod["tolerations"]},
            {(key, "Exists", "NoSchedule") for key in (
                "node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master", "node.kubernetes.io/not-ready",
                "node.kubernetes.io/unreachable")})
        terms = self.pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        self.assertEqual(terms["nodeSelectorTerms"], [
            {"matchExpressions": [{"key": "powercap.dev/managed", "operator": "NotIn", "values": ["false"]}]}])

    def test_every_container_is_probed_by_its_own_program(self):
        for container in self.containers:
            probes = {name: probe for name, probe in container.items() if name.endswith("Probe")}
            self.assertIn("livenessProbe", probes)
            for probe in probes.values():
                self.assertEqual(probe["exec"]["command"][0], container["command"][0])

    def test_nobody_can_connect_to_it_and_it_connects_to_api_servers(self):
        spec = self.manifest.one("NetworkPolicy")["spec"]
        self.assertEqual(spec["podSelector"], {})
        self.assertEqual(set(spec["policyTypes"]), {"Ingress", "Egress"})
        self.assertNotIn("ingress", spec)
        self.assertEqual(spec["egress"], [{"ports": [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}]}])


class DefaultPodTests(EitherPod, unittest.TestCase):
    pass


class HostHelperPodTests(EitherPod, unittest.TestCase):
    components = ("host-helper",)


class MountTests(unittest.TestCase):
    def host_paths(self, manifest):
        return {volume["hostPath"]["path"]: volume["hostPath"]["type"]
                for volume in manifest.pod["volumes"] if "hostPath" in volume}

    def mounts(self, container):
        return {mount["mountPath"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}

    def test_the_helper_has_the_powercap_tree_outside_sys_its_state_and_the_socket(self):
        manifest = build()
        self.assertEqual(self.host_paths(manifest),
                         {"/sys/devices/virtual/powercap": "Directory", "/run/raplhelper": "DirectoryOrCreate"})
        self.assertEqual(self.mounts(manifest.container("raplhelper")),
                         {"/host/powercap": False, "/run/raplhelper": False, "/run/powercap": False})
        context = manifest.container("raplhelper")["securityContext"]
        self.assertEqual((context["runAsUser"], context["runAsGroup"]), (0, UNPRIVILEGED))
        self.assertLessEqual({"--powercap-root=/host/powercap", "--state-dir=/run/raplhelper"},
                             set(manifest.container("raplhelper")["args"]))

    def test_the_controller_is_not_root_and_writes_to_no_volume_but_its_own_in_memory(self):
        for manifest in (build(), build(components=["host-helper"])):
            controller = manifest.container("powercap-controller")
            self.assertEqual(self.mounts(controller),
                             {"/run/powercap": True, "/run/powercap-controller": False,
                              "/var/run/secrets/kubernetes.io/serviceaccount": True})
            control = next(volume for volume in manifest.pod["volumes"] if volume["name"] == "control")
            self.assertEqual(control["emptyDir"], {"medium": "Memory", "sizeLimit": "1Mi"})
            context = controller["securityContext"]
            self.assertEqual((context["runAsUser"], context["runAsGroup"], context["runAsNonRoot"]),
                             (UNPRIVILEGED, UNPRIVILEGED, True))

    def test_the_socket_is_in_a_directory_that_both_containers_have(self):
        manifest = build()
        helper, controller = manifest.container("raplhelper"), manifest.container("powercap-controller")
        path = next(value["value"] for value in controller["env"] if value["name"] == "RAPLHELPER_SOCKET")
        self.assertEqual(path, "/run/powercap/raplhelper.sock")
        self.assertIn(f"--socket={path}", helper["args"])
        self.assertIn(f"--allow-gid={controller['securityContext']['runAsGroup']}", helper["args"])
        for probe in ("startupProbe", "livenessProbe"):
            self.assertIn(f"--socket={path}", helper[probe]["exec"]["command"])

    def test_with_the_hosts_helper_nobody_is_root_and_nothing_of_sys_is_mounted(self):
        manifest = build(components=["host-helper"])
        self.assertEqual([container["name"] for container in manifest.pod["containers"]], ["powercap-controller"])
        # The directory: a mount of the socket itself would go on showing the one of a helper that is gone.
        self.assertEqual(self.host_paths(manifest), {"/run/powercap": "Directory"})
        self.assertEqual(manifest.pod["securityContext"],
                         {"runAsUser": UNPRIVILEGED, "runAsGroup": UNPRIVILEGED, "runAsNonRoot": True,
                          "seccompProfile": {"type": "RuntimeDefault"}})


if __name__ == "__main__":
    unittest.main()
