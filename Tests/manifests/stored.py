"""What a kube-apiserver makes of an object that is applied: what it drops, and what it adds (recorded of v1.36)."""
import copy
import fnmatch

# Where an empty list, false, "" or 0 is the same as nothing in Go, and isn't stored: `omitempty` on a field that is no pointer.
# By kind, path with * for an item or a key.
DROPPED = {
    "NetworkPolicy": ["spec.ingress", "spec.egress", "spec.egress.*.ports", "spec.egress.*.to", "spec.policyTypes"],
    "PriorityClass": ["globalDefault", "description"],
    "DaemonSet": [
        "spec.minReadySeconds", *(f"spec.template.spec.{name}" for name in (
            "hostNetwork", "hostPID", "hostIPC", "tolerations", "nodeSelector", "volumes", "initContainers", "priorityClassName",
            "containers.*.args", "containers.*.env", "containers.*.env.*.value", "containers.*.ports", "containers.*.tty",
            "containers.*.stdin", "containers.*.volumeMounts.*.readOnly", "containers.*.volumeMounts.*.subPath",
            "containers.*.*Probe.initialDelaySeconds", "containers.*.securityContext.capabilities.add", "tolerations.*.value",
            "volumes.*.emptyDir.medium"))],
    "ClusterRole": ["rules.*.resourceNames", "rules.*.nonResourceURLs"],
    "Role": ["rules.*.resourceNames"],
    "ValidatingAdmissionPolicy": ["spec.matchConditions", "spec.variables", "spec.auditAnnotations"],
    "ValidatingAdmissionPolicyBinding": [],
    "ServiceAccount": ["secrets", "imagePullSecrets"],
    "Namespace": ["spec.finalizers"],
}
# Not recorded, but by the API reference: what has a pod has the same fields in it.
DROPPED["StatefulSet"] = DROPPED["DaemonSet"]
DROPPED["Service"] = ["spec.ports.*.name", "spec.publishNotReadyAddresses", "spec.externalIPs"]
DROPPED["FlowSchema"] = ["spec.rules.*.resourceRules.*.clusterScope", "spec.rules.*.resourceRules.*.namespaces"]
DROPPED["*"] = ["metadata.labels", "metadata.annotations", "metadata.finalizers"]

# What is added where it isn't given.
PROBE = {"failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1}
DEFAULTS = {
    "NetworkPolicy": {"spec.egress.*.ports.*": {"protocol": "TCP"}},
    "PriorityClass": {"": {"preemptionPolicy": "PreemptLowerPriority"}},
    "DaemonSet": {
        "spec": {"revisionHistoryLimit": 10},
        "spec.template.spec": {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
                               "securityContext": {}, "terminationGracePeriodSeconds": 30},
        "spec.template.spec.containers.*": {
            "imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File", "resources": {}},
        "spec.template.spec.containers.*.*Probe": PROBE,
        "spec.template.spec.containers.*.env.*.valueFrom.fieldRef": {"apiVersion": "v1"},
        "spec.template.spec.volumes.*.hostPath": {"type": ""},
        "spec.template.spec.volumes.*.projected": {"defaultMode": 420},
        "spec.template.spec.volumes.*.projected.sources.*.serviceAccountToken": {"expirationSeconds": 3600},
    },
    "StatefulSet": {
        "spec": {"revisionHistoryLimit": 10, "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"}},
        "spec.updateStrategy": {"rollingUpdate": {"partition": 0}},
        "spec.template.spec.containers.*.*Probe.httpGet": {"scheme": "HTTP"},
        "spec.template.spec.volumes.*.secret": {"defaultMode": 420},
    },
    "Service": {"spec": {"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"},
                "spec.ports.*": {"protocol": "TCP"}},
    "PriorityLevelConfiguration": {"spec.limited": {"nominalConcurrencyShares": 30, "lendablePercent": 0}},
    "FlowSchema": {"spec": {"matchingPrecedence": 1000}},
    "CustomResourceDefinition": {"spec": {"conversion": {"strategy": "None"}}},
    "ClusterRoleBinding": {"roleRef": {"apiGroup": "rbac.authorization.k8s.io"}},
    "RoleBinding": {"roleRef": {"apiGroup": "rbac.authorization.k8s.io"}},
    "ValidatingAdmissionPolicy": {
        "spec": {"failurePolicy": "Fail"},
        "spec.matchConstraints": {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}},
        "spec.matchConstraints.resourceRules.*": {"scope": "*"},
    },
    "Namespace": {"spec": {"finalizers": ["kubernetes"]}},
}
for path, defaults in DEFAULTS["DaemonSet"].items():
    if path.startswith("spec.template"):
        DEFAULTS["StatefulSet"].setdefault(path, defaults)

# Lists whose items have a key, by which a patch finds them; another list is replaced as a whole.
KEYED = {"containers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath", "variables": "name",
         "matchConditions": "name", "subjects": None}
# Objects that have one owner under server-side apply, as a value has: who gives a part of them gives them whole.
WHOLE = {"fieldRef", "roleRef", "selector", "podSelector", "nodeSelector", "nodeSelectorTerms", "matchConstraints",
         "namespaceSelector", "objectSelector", "resourceFieldRef", "secretRef"}


def nodes(thing, path=()):
    """Every object and list in an object, with its path."""
    yield path, thing
    for key, value in list(thing.items()) if isinstance(thing, dict) else list(enumerate(thing)):
        if isinstance(value, (dict, list)):
            yield from nodes(value, (*path, str(key)))


def is_at(path, pattern):
    steps = pattern.split(".") if pattern else []
    return len(steps) == len(path) and all(fnmatch.fnmatchcase(step, wanted) for step, wanted in zip(path, steps))


def stored(applied):
    thing = copy.deepcopy(applied)
    for path, value in list(nodes(thing)):
        for pattern, defaults in DEFAULTS.get(thing["kind"], {}).items():
            if is_at(path, pattern):
                for name, default in defaults.items():
                    value.setdefault(name, copy.deepcopy(default))
    for path, value in list(nodes(thing)):
        if isinstance(value, dict):
            for name in [name for name, below in value.items() if below in ([], False, "", 0, None) and any(
                    is_at((*path, name), pattern) for pattern in DROPPED.get(thing["kind"], []) + DROPPED["*"])]:
                del value[name]
    return thing


def changes(applied, live, path=()):
    """What a second apply would change, by either way: paths of what isn't stored as it is given."""
    name = path[-1] if path else ""
    if isinstance(applied, dict) and isinstance(live, dict) and name not in WHOLE:
        return [change for key, value in applied.items()
                for change in (changes(value, live[key], (*path, key)) if key in live else [".".join((*path, key))])]
    if isinstance(applied, list) and isinstance(live, list) and KEYED.get(name):
        items = {item[KEYED[name]]: item for item in live}
        return [change for item in applied for change in changes(item, items[item[KEYED[name]]], (*path, item[KEYED[name]]))]
    return [] if applied == live and type(applied) is type(live) else [".".join(path)]
