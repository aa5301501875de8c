"""What a test can say on standard input, a line each."""
import json
import pathlib
import shlex

import rbac
import resources
from faults import DELIVERIES, INSTEAD, VERBS, Fault
from resources import Target
from tokens import ISSUER

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "Fixtures/kubernetes"
NODES = {"small": "01-node-get.json", "large": "40-node-get-large.json"}


class Commands:
    def __init__(self, server, say):
        self.server, self.api, self.store, self.say = server, server.api, server.api.store, say

    def execute(self, line):
        verb, _, rest = line.partition(" ")
        TABLE[verb][2](self, rest.strip())

    def node(self, rest):
        """Nodes of the recordings, as the kubelet and an administrator leave them."""
        name, size = (rest.split() + ["small"])[:2]
        thing = json.loads((FIXTURES / NODES[size]).read_text())["response"]["body"]
        thing = json.loads(json.dumps(thing).replace("node-a", name))
        for part in ("uid", "resourceVersion", "creationTimestamp"):
            del thing["metadata"][part]
        self.api.put(thing)

    def put(self, rest):
        self.api.put(json.loads(pathlib.Path(rest[1:]).read_text() if rest.startswith("@") else rest))

    def patch(self, rest):
        path, _, patch = rest.partition(" ")
        self.api.edit(path, json.loads(patch), "kubectl-edit")

    def annotate(self, rest):
        self.set_keys("annotations", "kubectl-annotate", rest)

    def label(self, rest):
        self.set_keys("labels", "kubectl-label", rest)

    def set_keys(self, part, manager, rest):
        """As kubectl has it: KEY=VALUE sets, KEY- removes."""
        name, *changes = shlex.split(rest)
        values = {}
        for change in changes:
            key, equals, value = change.partition("=")
            values[key if equals else key.removesuffix("-")] = value if equals else None
        self.api.edit(f"/api/v1/nodes/{name}", {"metadata": {part: values}}, manager)

    def delete(self, path):
        self.store.delete(Target.parse("DELETE", path).key)

    def show(self, path):
        """An object, or every object of a collection."""
        target = Target.parse("GET", path)
        if target.verb == "get":
            found = self.store.get(target.key)
        else:
            found = self.store.select(target.kind, target.namespace, target.name)
        self.say(f"object {json.dumps(found)}")

    def token(self, rest):
        self.api.tokens.rotate(int(rest) if rest else None)

    def token_for(self, rest):
        """A token of some pod: of the double's account or of another, for the API server or for another audience."""
        node, *others = rest.split()
        audience, seconds, account = others + ["-", "3600", None][len(others):]
        token = self.api.tokens.issue(
            int(seconds), "" if node == "-" else node, ISSUER if audience == "-" else audience, account)
        self.say(f"token-for {json.dumps(token)}")

    def nodes(self, rest):
        """Many small Nodes, PREFIX0 and so on, with labels."""
        prefix, count, *labels = shlex.split(rest)
        for index in range(int(count)):
            self.api.put({"apiVersion": "v1", "kind": "Node", "metadata": {
                "name": f"{prefix}{index}", "labels": dict(label.split("=", 1) for label in labels)}})

    def revoke(self, _):
        self.api.tokens.revoke()

    def compact(self, _):
        self.store.compact()

    def order(self, what):
        with self.store.lock:
            for watch in self.store.watches:
                watch.order(what)

    def fault(self, rest):
        count, verb, pattern, kind, *arguments = rest.split(" ")
        self.server.faults.add(Fault(-1 if count == "every" else int(count), verb, pattern, kind, arguments))

    def restart(self, _):
        self.server.stop()
        self.store.compact()
        self.server.listen()

    def rules(self, _):
        used = [dict(zip(("group", "resource", "verb", "namespace"), row)) for row in sorted(self.api.rules.used)]
        self.say(f"rules {json.dumps(used)}")

    def requests(self, _):
        self.say(f"requests {json.dumps(self.server.requests)}")

    def define(self, path):
        for thing in rbac.load(path):
            if thing["kind"] == "CustomResourceDefinition":
                resources.define(thing)

    def rbac(self, path):
        used = self.api.rules.used
        self.api.rules = rbac.Rules(rbac.load(path))
        self.api.rules.used = used


# What follows each word, and what it does.
TABLE = {
    "node": ("NAME [small|large]", "puts a Node of the recordings; the large one has 15 kB", Commands.node),
    "nodes": ("PREFIX COUNT [KEY=VALUE…]", "puts Nodes PREFIX0, PREFIX1, …, with these labels and nothing else", Commands.nodes),
    "put": ("OBJECT|@FILE", "stores an object as it is, with the uid and times that it lacks", Commands.put),
    "patch": ("PATH PATCH", "merges a patch into an object", Commands.patch),
    "annotate": ("NODE KEY=VALUE|KEY-…", "changes annotations of a Node", Commands.annotate),
    "label": ("NODE KEY=VALUE|KEY-…", "changes labels of a Node", Commands.label),
    "delete": ("PATH", "deletes an object", Commands.delete),
    "show": ("PATH", "prints `object` and an object or a list of them, or null", Commands.show),
    "token": ("[SECONDS]", "writes a new token to the token file; earlier ones live on", Commands.token),
    "token-for": ("NODE|- [AUDIENCE|-] [SECONDS] [NAMESPACE/ACCOUNT]", "prints `token-for` and a token of a pod on a node, as JSON",
                  Commands.token_for),
    "unbind": ("NODE", "no token so far of a pod on this node is good any more: the pod is gone",
               lambda self, node: self.api.tokens.unbind(node)),
    "revoke": ("", "no token so far is good any more; the file stays as it is", Commands.revoke),
    "compact": ("", "forgets the history that watches are resumed from: 410 for those that want it", Commands.compact),
    "bookmark": ("", "sends a bookmark to each watch that allows it", lambda self, _: self.order("bookmark")),
    "close": ("", "ends every watch as its timeout does", lambda self, _: self.order("close")),
    "expire": ("", "ends every watch with ERROR 410", lambda self, _: self.order("expire")),
    "fault": ("COUNT|every VERB PATTERN FAULT", "goes wrong with so many matching requests", Commands.fault),
    "forget": ("", "forgets every fault; what is frozen is closed", lambda self, _: self.server.forget()),
    "drop": ("", "closes every connection", lambda self, _: self.server.drop()),
    "stop": ("", "refuses connections, and closes those that are open", lambda self, _: self.server.stop()),
    "listen": ("", "opens the port again after stop", lambda self, _: self.server.listen()),
    "restart": ("", "stop, compact and listen", Commands.restart),
    "requests": ("", "prints `requests` and what each `request` line said so far", Commands.requests),
    "define": ("FILE", "kinds of custom resources: a manifest of CustomResourceDefinitions, JSON or YAML",
               lambda self, path: self.define(path)),
    "rbac": ("FILE", "other rules", Commands.rbac),
    "rules": ("", "prints `rules` and what was asked for and allowed so far", Commands.rules),
}


def help_text():
    def entries(table):
        return "".join(f"  {f'{word} {syntax}'.rstrip()}\n      {text}\n" for word, (syntax, text, _) in table.items())

    return (entries(TABLE) + f"\nVERB is one of {', '.join(VERBS)}: every request.\n"
            "PATTERN is a glob that the path has to match, without the query.\n"
            "FAULT is one of these; the request isn't carried out:\n" + entries(INSTEAD)
            + "or one of these; it is carried out, but of its answer:\n" + entries(DELIVERIES))
