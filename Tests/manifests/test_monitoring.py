"""Prometheus finds the controllers, gets in, and calls each target by its node's name."""
import itertools
import os
import pathlib
import subprocess
import tempfile
import textwrap
import unittest

import kubernetes_validate
import yaml
from manifest import COMPONENTS, DEPLOY, DOCUMENT, REPOSITORY, build, kustomize
from stored import changes, stored

MONITORS = {"monitoring/pod-monitor": "PodMonitor", "monitoring/service-monitor": "ServiceMonitor"}
# What prometheus-operator knows of an endpoint, as far as it is used here (its API, monitoring.coreos.com/v1).
ENDPOINT = {"port", "path", "interval", "scrapeTimeout", "relabelings"}
PORT = 28320


def named(manifest, kind, name):
    return next(thing for thing in manifest.objects if (thing["kind"], thing["metadata"]["name"]) == (kind, name))


class MonitoringTests(unittest.TestCase):
    def monitor(self, component):
        manifest = build(components=[component])
        return manifest, manifest.one(MONITORS[component])

    def ports(self, manifest):
        return {port["name"]: port["containerPort"] for port in manifest.container("powercap-controller").get("ports", [])}

    def test_either_monitor_goes_with_every_other_component(self):
        for component, count in itertools.product(MONITORS, range(len(COMPONENTS) + 1)):
            for others in itertools.permutations(COMPONENTS, count):
                with self.subTest(component=component, others=others):
                    manifest = build(DEPLOY / "base", [*others, component])
                    self.assertEqual([thing["kind"] for thing in manifest.objects if thing["kind"] in MONITORS.values()],
                                     [MONITORS[component]])
                    self.assertEqual(self.ports(manifest), {"metrics": PORT})

    def test_without_it_nobody_gets_in(self):
        manifest = build()
        self.assertEqual([thing for thing in manifest.objects if thing["kind"] in (*MONITORS.values(), "Service")], [])
        self.assertNotIn("ingress", manifest.one("NetworkPolicy")["spec"])

    def test_a_monitor_selects_the_pods_and_their_port(self):
        for component, path in {"monitoring/pod-monitor": "podMetricsEndpoints", "monitoring/service-monitor": "endpoints"}.items():
            with self.subTest(component):
                manifest, monitor = self.monitor(component)
                labels = manifest.one("DaemonSet")["spec"]["template"]["metadata"]["labels"]
                if "service" in component:
                    service = manifest.one("Service")
                    self.assertLessEqual(service["spec"]["selector"].items(), labels.items())
                    port = service["spec"]["ports"][0]
                    self.assertEqual((port["name"], port["targetPort"]), ("metrics", "metrics"))
                    self.assertEqual(service["spec"]["clusterIP"], "None")
                    labels = service["metadata"]["labels"]
                self.assertLessEqual(monitor["spec"]["selector"]["matchLabels"].items(), labels.items())
                self.assertEqual(set(monitor["spec"]), {"selector", path})
                (endpoint,) = monitor["spec"][path]
                self.assertEqual(set(endpoint), ENDPOINT)
                self.assertIn(endpoint["port"], self.ports(manifest))
                self.assertEqual(endpoint["relabelings"], [{
                    "action": "replace", "sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "instance"}])

    def test_the_rules_windows_have_four_scrapes_and_the_alerts_the_jobs_name(self):
        for component in MONITORS:
            _, monitor = self.monitor(component)
            spec = monitor["spec"]
            (endpoint,) = spec.get("podMetricsEndpoints") or spec["endpoints"]
            self.assertLessEqual(int(endpoint["interval"].removesuffix("s")) * 4, 120)
            # `NAMESPACE/NAME` of a PodMonitor, a Service's name.
            self.assertEqual(monitor["metadata"]["name"], "powercap")

    def test_only_the_namespace_of_prometheus_gets_in_and_only_to_the_metrics(self):
        for component in MONITORS:
            manifest, _ = self.monitor(component)
            policy = named(manifest, "NetworkPolicy", "powercap-metrics")
            self.assertLessEqual(policy["spec"]["podSelector"]["matchLabels"].items(),
                                 manifest.one("DaemonSet")["spec"]["template"]["metadata"]["labels"].items())
            self.assertEqual(policy["spec"]["ingress"], [{
                "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
                "ports": [{"protocol": "TCP", "port": PORT}]}])
            self.assertEqual(policy["spec"]["policyTypes"], ["Ingress"])
            self.assertEqual(named(manifest, "NetworkPolicy", "powercap")["spec"], build().one("NetworkPolicy")["spec"])

    def test_what_kubernetes_itself_knows_is_valid_and_stored_as_it_is_given(self):
        newest = kubernetes_validate.latest_version()
        for component in MONITORS:
            for thing in self.monitor(component)[0].objects:
                with self.subTest(component=component, kind=thing["kind"]):
                    self.assertEqual(changes(thing, stored(thing)), [])
                    if thing["kind"] not in MONITORS.values():
                        kubernetes_validate.validate(thing, newest, strict=True)

    def test_the_documented_overlay_lets_another_namespace_in_and_labels_the_monitor(self):
        block = DOCUMENT.read_text().split("say so in your overlay:\n\n")[1].split("\n\n")[0]
        overlay = yaml.safe_load(textwrap.dedent(block))
        with tempfile.TemporaryDirectory() as place:
            def relative(path):
                return os.path.relpath(path, os.path.realpath(place))
            pathlib.Path(place, "kustomization.yaml").write_text(yaml.safe_dump({
                "resources": [relative(DEPLOY)], "components": [relative(DEPLOY / "components/monitoring/pod-monitor")], **overlay}))
            manifest = kustomize(place)
        (source,) = named(manifest, "NetworkPolicy", "powercap-metrics")["spec"]["ingress"][0]["from"]
        self.assertEqual(source, {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "observability"}}})
        self.assertEqual(manifest.one("PodMonitor")["metadata"]["labels"]["release"], "kube-prometheus-stack")

    def test_the_documented_command_makes_a_prometheus_rule_of_the_files(self):
        text = (REPOSITORY / "deploy/prometheus/README.md").read_text()
        command = text.split("```sh\n")[1].split("```")[0]
        self.assertIn("| kubectl apply -f -", command)
        built = subprocess.run(["bash", "-euc", command.replace("| kubectl apply -f -", "")], cwd=REPOSITORY, capture_output=True,
                               text=True, timeout=60, check=True)
        rules = list(yaml.safe_load_all(built.stdout))
        self.assertEqual([(rule["kind"], rule["metadata"]["name"]) for rule in rules],
                         [("PrometheusRule", "powercap-rules"), ("PrometheusRule", "powercap-alerts")])
        for rule in rules:
            path = REPOSITORY / f"deploy/prometheus/{rule['metadata']['name'].replace('-', '.')}.yaml"
            self.assertEqual(rule["spec"], yaml.safe_load(path.read_text()))


if __name__ == "__main__":
    unittest.main()
