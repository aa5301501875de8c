"""The plugin, run by a real kubectl against the double of the API server."""
import importlib.machinery
import importlib.util
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / "Tests/apiserver"))
from harness import DoubleCase  # noqa: E402

DIRECTORY = REPOSITORY / "deploy/kubectl"
PLUGIN = DIRECTORY / "kubectl-powercap"
DOCUMENT = REPOSITORY / "docs/kubernetes.md"
# Debian's (1.20), as `make deps` takes it, and whichever else this machine has.
KUBECTLS = [path for path in (shutil.which(str(REPOSITORY / ".build/tools/kubectl")), shutil.which("kubectl")) if path]


def plugin():
    """The program as a module."""
    loader = importlib.machinery.SourceFileLoader("kubectl_powercap", str(PLUGIN))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def table(marker):
    """The rows of the table in the document between <!-- marker --> and <!-- end -->, without backticks."""
    found = re.search(rf"<!-- {marker} -->\n(.*?)\n<!-- end -->", DOCUMENT.read_text(), re.DOTALL)
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in found[1].splitlines()][2:]


def ago(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))


def ahead(seconds):
    return ago(-seconds)


class Ran:
    def __init__(self, process):
        self.status, self.output, self.errors = process.returncode, process.stdout, process.stderr

    def __repr__(self):
        return f"{self.status}\n{self.output}{self.errors}"


class ClusterCase(DoubleCase):
    kubectl = KUBECTLS[0] if KUBECTLS else "kubectl"

    def setUp(self):
        self.double = self.start()
        self.home = self.enter(tempfile.TemporaryDirectory())
        facts = self.double.facts
        self.config = pathlib.Path(self.home, "config.json")
        self.config.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "double", "cluster": {"server": facts["url"], "certificate-authority": facts["ca"]}}],
            "users": [{"name": "admin", "user": {"token": facts["admin_token"]}}, {"name": "nobody", "user": {"token": "x"}}],
            "contexts": [{"name": "test", "context": {"cluster": "double", "user": "admin"}},
                         {"name": "stranger", "context": {"cluster": "double", "user": "nobody"}}]}))
        self.environment = {
            "PATH": f"{DIRECTORY}:{pathlib.Path(sys.executable).parent}:/usr/bin:/bin", "HOME": self.home, "KUBECTL": self.kubectl,
            "KUBECONFIG": str(self.config), "LC_ALL": "C.UTF-8"}

    def enter(self, manager):  # enterContext came with Python 3.11.
        self.addCleanup(manager.__exit__, None, None, None)
        return manager.__enter__()

    def powercap(self, *arguments, status=0, **environment):
        """`kubectl powercap …`, whose exit status has to be this one."""
        ran = Ran(subprocess.run([self.kubectl, "powercap", *arguments], capture_output=True, text=True, timeout=60,
                                 stdin=subprocess.DEVNULL, env=self.environment | environment))
        self.assertEqual(ran.status, status, ran)
        return ran

    def notes(self, name="node-a"):
        return self.double.ask(f"show /api/v1/nodes/{name}")["metadata"].get("annotations", {})

    def requests(self, method=""):
        return [row for row in self.double.ask("requests") if row["method"].startswith(method)]

    def report(self, name, limit=90, reference=200, status="True", reason="LimitInForce", message="Limits are in force",
               state="managed", source="static", by="source", changed=None, **more):
        """What a controller has written."""
        metadata = {
            "labels": {"rapl/pmax": f"{limit}000000", "rapl/max_power_uw": f"{reference}000000"},
            "annotations": {"powercap.dev/state": state, "powercap.dev/source": source, "powercap.dev/reason": by,
                            "powercap.dev/changed": changed or ago(190), **more}}
        condition = {"type": "PowerCapped", "status": status, "reason": reason, "message": message, "lastTransitionTime": ago(190)}
        self.double.tell(f"patch /api/v1/nodes/{name} {json.dumps({'metadata': metadata})}")
        self.double.tell(f"patch /api/v1/nodes/{name}/status {json.dumps({'status': {'conditions': [condition]}})}")
