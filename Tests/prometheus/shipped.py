"""What the project ships for Prometheus and Grafana, and the queries in it."""
import json
import pathlib
import re

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
RULES = REPOSITORY / "deploy/prometheus/powercap.rules.yaml"
ALERTS = REPOSITORY / "deploy/prometheus/powercap.alerts.yaml"
ALERT_TESTS = REPOSITORY / "Tests/prometheus/alerts.test.yaml"
FLEET_ALERTS = REPOSITORY / "deploy/prometheus/powercap-fleet.alerts.yaml"
FLEET_ALERT_TESTS = REPOSITORY / "Tests/prometheus/fleet-alerts.test.yaml"
FLEET_DOCUMENT = REPOSITORY / "docs/fleet.md"
DASHBOARDS = sorted((REPOSITORY / "deploy/grafana").glob("*.json"))
DOCUMENT = REPOSITORY / "docs/metrics.md"
RUNBOOK = REPOSITORY / "docs/runbook.md"
METRIC = re.compile(r"\bpowercap_[a-z_]+")


def rules(path):
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def dashboards():
    return {path.name: json.loads(path.read_text()) for path in DASHBOARDS}


def panels(dashboard):
    """Those that show something: rows don't."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def filled(expression):
    """As Grafana sends it, for all nodes together."""
    expression = expression.replace('instance="$instance"', 'instance=~".+"').replace('job=~"$job"', 'job=~".+"')
    return expression.replace("$__rate_interval", "1m")


def queries():
    """Each shipped query as (where it is, what is asked)."""
    found = [(f"{RULES.name}: {rule['record']}", rule["expr"]) for rule in rules(RULES)]
    found += [(f"{ALERTS.name}: {rule['alert']}", rule["expr"]) for rule in rules(ALERTS)]
    for name, dashboard in dashboards().items():
        for panel in panels(dashboard):
            found += [(f"{name}: {panel['title']}, {target['refId']}", filled(target["expr"])) for target in panel["targets"]]
        found += [(f"{name}: {note['name']}", filled(note["expr"])) for note in dashboard["annotations"]["list"]]
    blocks = re.findall(r"```promql\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return found + [(f"{DOCUMENT.name}: question {number}", block) for number, block in enumerate(blocks, start=1)]


def variables():
    """Each variable of a dashboard that is asked for, as (where it is, label, metric)."""
    for name, dashboard in dashboards().items():
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
                yield f"{name}: variable {variable['name']}", label, metric


def table(document=DOCUMENT):
    """The families of docs/metrics.md, or of another document, as {name: type}."""
    return dict(re.findall(r"^\| `(powercap_\w+)` \| (\w+) \|", document.read_text(), re.MULTILINE))


def series(families):
    """What the samples of these families are called."""
    return {name + ending for name, kind in families.items()
            for ending in (["_bucket", "_sum", "_count"] if kind == "histogram" else [""])}
