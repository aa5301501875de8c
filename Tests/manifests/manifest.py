"""The manifests as a user's kubectl builds them, and what can be asked about them.

Run as a program it prints a list in JSON: of the roles and bindings that users install (rules), of those with a fleet (fleet-rules) or with one in
two shards (shard-rules), or of the kinds of custom resources (crds).
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy/kubernetes"
DOCUMENT = REPOSITORY / "docs/kubernetes.md"
ROLES = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
COMPONENTS = ("own-node-policy", "host-helper")
FLEET = ("fleet", "granted")
SHARDS = ("shards", "granted-shards")


class Manifest:
    def __init__(self, text):
        self.text = text
        self.objects = list(yaml.safe_load_all(text))

    def one(self, kind):
        """The only object of a kind."""
        found = [thing for thing in self.objects if thing["kind"] == kind]
        if len(found) != 1:
            raise LookupError(f"{len(found)} objects of kind {kind}, not one")
        return found[0]

    def named(self, kind, name):
        return next(thing for thing in self.objects if (thing["kind"], thing["metadata"]["name"]) == (kind, name))

    @property
    def pod(self):
        return self.one("DaemonSet")["spec"]["template"]["spec"]

    def container(self, name):
        return next(container for container in self.pod["containers"] if container["name"] == name)


def kustomize(directory):
    built = subprocess.run(["kubectl", "kustomize", directory], capture_output=True, text=True, timeout=60)
    if built.returncode != 0:
        raise AssertionError(f"kubectl kustomize {directory}: {built.stderr.strip()}")
    return Manifest(built.stdout)


def build(resource=DEPLOY, components=()):
    """What comes of a kustomization to which an overlay of the user's own, somewhere else, adds components."""
    if not components:
        return kustomize(resource)
    with tempfile.TemporaryDirectory() as overlay:
        def relative(path):
            return os.path.relpath(path, os.path.realpath(overlay))
        pathlib.Path(overlay, "kustomization.yaml").write_text(yaml.safe_dump({
            "resources": [relative(resource)],
            "components": [relative(DEPLOY / "components" / component) for component in components]}))
        return kustomize(overlay)


def rules(manifest, account=None):
    """What the roles allow whom they are bound to, or one account: (API group, resource with subresource, verb, namespace or None for all)."""
    roles = {(thing["kind"], thing["metadata"].get("namespace"), thing["metadata"]["name"]): thing["rules"]
             for thing in manifest.objects if thing["kind"] in ("ClusterRole", "Role")}
    allowed = set()
    for binding in manifest.objects:
        if binding["kind"] not in ("ClusterRoleBinding", "RoleBinding"):
            continue
        if account and account not in [subject["name"] for subject in binding["subjects"]]:
            continue
        namespace = binding["metadata"].get("namespace")
        kind, name = binding["roleRef"]["kind"], binding["roleRef"]["name"]
        for rule in roles[(kind, namespace if kind == "Role" else None, name)]:
            allowed |= {(group, resource, verb, namespace)
                        for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]}
    return allowed


def own_roles(components=()):
    return [thing for thing in build(components=components).objects if thing["kind"] in ROLES]


def custom_resources():
    return kustomize(DEPLOY / "crds").objects


def table(marker):
    """The rows of the table in the document between <!-- marker --> and <!-- end -->, without backticks."""
    text = DOCUMENT.read_text()
    found = re.search(rf"<!-- {re.escape(marker)} -->\n(.*?)\n<!-- end -->", text, re.DOTALL)
    if not found:
        raise LookupError(f"{DOCUMENT} has no table marked {marker}")
    rows = [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in found[1].splitlines()]
    return rows[2:]


if __name__ == "__main__":
    found = {"rules": own_roles, "fleet-rules": lambda: own_roles(FLEET), "shard-rules": lambda: own_roles(SHARDS),
             "crds": custom_resources}[sys.argv[1]]()
    print(json.dumps(found, indent=2))
