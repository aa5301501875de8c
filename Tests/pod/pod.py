"""The pod of the DaemonSet, as podman can run it."""
import copy
import json
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DAEMONSET = ROOT / "deploy/kubernetes/base/daemonset.yaml"
# What is about the cluster, and not about the pod's processes.
ABOUT_THE_CLUSTER = ["serviceAccountName", "automountServiceAccountToken", "enableServiceLinks", "priorityClassName",
                     "nodeSelector", "affinity", "tolerations"]
# Executed by the test itself: podman needs systemd for them.
PROBES = ["startupProbe", "livenessProbe", "readinessProbe"]


class Pod:
    """A copy of the template that a test may change before it is played."""

    def __init__(self, node, images):
        """`node`: the directory that stands for the node's root. `images`: by container."""
        daemonset = yaml.safe_load(DAEMONSET.read_text())
        self.name = daemonset["metadata"]["name"]
        self.labels = daemonset["spec"]["template"]["metadata"]["labels"]
        self.spec = copy.deepcopy(daemonset["spec"]["template"]["spec"])
        self.grace_seconds = self.spec["terminationGracePeriodSeconds"]
        self.probes = {}
        for key in ABOUT_THE_CLUSTER:
            self.spec.pop(key)
        for container in self.spec["containers"]:
            name = container["name"]
            # Of no effect within the pod, and podman would forward them.
            container.pop("ports", None)
            self.probes[name] = {probe: container.pop(probe)["exec"]["command"] for probe in PROBES if probe in container}
            container["image"] = images[name]
            container["imagePullPolicy"] = "Never"
        self.directories, self.files = [], {}
        for volume in self.spec["volumes"]:
            if "hostPath" not in volume:
                # The kubelet makes these directories, too. An emptyDir of podman's belongs to the container that starts first;
                # in the kubelet's everybody may write.
                mode = 0o777 if volume.pop("emptyDir", None) else 0o755
                volume.pop("projected", None)
                volume["hostPath"] = {"path": f"{node}/var/lib/kubelet/{volume['name']}", "type": "Directory"}
                self.directories.append((volume["hostPath"]["path"], mode))
            else:
                volume["hostPath"]["path"] = f"{node}{volume['hostPath']['path']}"
                if volume["hostPath"]["type"] == "DirectoryOrCreate":
                    self.directories.append((volume["hostPath"]["path"], 0o755))
        self.environment(NODE_NAME="node-a", KUBERNETES="off")

    def container(self, name):
        return next(container for container in self.spec["containers"] if container["name"] == name)

    def environment(self, **variables):
        """Sets variables of the controller."""
        container = self.container("powercap-controller")
        kept = [variable for variable in container["env"] if variable["name"] not in variables]
        container["env"] = kept + [{"name": name, "value": value} for name, value in variables.items()]

    def arguments(self, *flags):
        """Adds flags of the helper."""
        self.container("raplhelper")["args"] += flags

    def mount(self, container, volume):
        return next(mount for mount in self.container(container)["volumeMounts"] if mount["name"] == volume)

    def connect(self, double):
        """Lets the controller find an API server as it does in a cluster."""
        self.environment(KUBERNETES="auto", NODE_NAME=double.facts["node"], KUBERNETES_SERVICE_HOST=double.address.hostname,
                         KUBERNETES_SERVICE_PORT=str(double.address.port))
        self.files = {"token": double.token, "ca.crt": Path(double.facts["ca"]).read_text()}

    def prepare(self):
        """What the kubelet makes before it starts containers."""
        for directory, mode in self.directories:
            Path(directory).mkdir(parents=True, exist_ok=True)
            Path(directory).chmod(mode)
        access = next(volume for volume in self.spec["volumes"] if volume["name"] == "api-access")["hostPath"]["path"]
        for name, text in self.files.items():
            Path(access, name).write_text(text)

    def json(self):
        return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": self.name, "labels": self.labels},
                           "spec": self.spec})
