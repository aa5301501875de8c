"""What can be said of rules, alerts, runbook and dashboards without running anything but promtool."""
import re
import subprocess

import shipped
import yaml


def check(checks, promtool):
    promtool_checks(checks, promtool)
    alerts(checks, shipped.ALERTS, shipped.ALERT_TESTS, shipped.RUNBOOK, "##")
    alerts(checks, shipped.FLEET_ALERTS, shipped.FLEET_ALERT_TESTS, shipped.FLEET_DOCUMENT, "####")
    fleet_metrics(checks)
    metrics(checks)
    for name, dashboard in shipped.dashboards().items():
        one_dashboard(checks, name, dashboard)
    uids = [dashboard["uid"] for dashboard in shipped.dashboards().values()]
    checks.that(len(set(uids)) == len(uids) == 2, "the two dashboards have uids of their own", uids)
    links = {match for dashboard in shipped.DASHBOARDS for match in re.findall(r'"/d/([\w-]+)', dashboard.read_text())}
    checks.equal(links, set(uids), "the dashboards lead to each other, and to nothing else")


def promtool_checks(checks, promtool):
    for arguments, sentence in [
            (["check", "rules", "--lint=all", "--lint-fatal", shipped.RULES, shipped.ALERTS, shipped.FLEET_ALERTS],
             "promtool finds nothing wrong with the rules"),
            (["test", "rules", shipped.FLEET_ALERT_TESTS], "each alert on coordinators fires where it should, and not elsewhere"),
            (["test", "rules", shipped.ALERT_TESTS], "each alert fires where it should, and keeps silent where it shouldn't")]:
        ran = subprocess.run([promtool, *arguments], capture_output=True, text=True)
        checks.that(ran.returncode == 0, sentence, ran.stdout + ran.stderr)


def alerts(checks, path, tests_path, document, mark):
    rules = shipped.rules(path)
    names = [rule["alert"] for rule in rules]
    tests = [(rule["alertname"], bool(rule["exp_alerts"])) for test in yaml.safe_load(tests_path.read_text())["tests"]
             for rule in test["alert_rule_test"]]
    checks.equal(set(tests), {(name, fires) for name in names for fires in (False, True)},
                 "each alert has a test that it fires, and one that it doesn't")
    checks.equal(re.findall(rf"^{mark} (\w+)$", document.read_text(), re.MULTILINE), names,
                 f"{document.name} has a paragraph for each alert, in their order, and for nothing else")
    for rule in rules:
        notes = rule["annotations"]
        checks.that(
            set(notes) == {"summary", "description", "runbook_url"} and rule["labels"]["severity"] in ("critical", "warning", "info")
            and all(notes[name].endswith(".") for name in ("summary", "description")) and "{{" not in notes["summary"]
            and notes["runbook_url"] == f"https://git.example.com/powercap/docs/{document.name}#{rule['alert'].lower()}",
            f"{rule['alert']} says how bad it is, what it is, and where to read on", rule)


def fleet_metrics(checks):
    known = set(shipped.table(shipped.FLEET_DOCUMENT))
    asked = {name for rule in shipped.rules(shipped.FLEET_ALERTS) for name in shipped.METRIC.findall(rule["expr"])}
    checks.equal(asked - known, set(), "the alerts on coordinators ask for metrics of the table in docs/fleet.md")


def metrics(checks):
    """Every metric that a query asks for is exported, or recorded."""
    known = shipped.series(shipped.table())
    recorded = {rule["record"] for rule in shipped.rules(shipped.RULES)}
    for where, expression in shipped.queries():
        records = set(re.findall(r"\w+:powercap_\w+:\w+", expression))
        named = set(shipped.METRIC.findall(re.sub(r"\w+:powercap_\w+:\w+", "", expression)))
        if not (named <= known and records <= recorded):
            checks.that(False, f"{where} asks for what there is", (named - known) | (records - recorded))
    asked = {name for _, expression in shipped.queries() for name in shipped.METRIC.findall(expression)}
    checks.that(len(asked) > 30, "every query asks for metrics of the table, or for what the rules record")
    unused = {name for name, kind in shipped.table().items() if not any(use.startswith(name) for use in asked)}
    checks.equal(unused, set(), "every metric of the table is in a rule, an alert or a dashboard")


def one_dashboard(checks, name, dashboard):
    checks.that("__inputs" not in dashboard and "id" not in dashboard and dashboard["schemaVersion"] == 39,
                f"{name} can be provisioned as it is")
    panels = shipped.panels(dashboard)
    sources = [thing["datasource"] for panel in panels for thing in (panel, *panel["targets"])]
    sources += [note["datasource"] for note in dashboard["annotations"]["list"]]
    sources += [variable["datasource"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    checks.equal({(source["type"], source["uid"]) for source in sources}, {("prometheus", "${datasource}")},
                 f"{name} asks the data source that is chosen, and no other")
    checks.that(dashboard["templating"]["list"][0]["type"] == "datasource", f"{name} lets one choose the data source")
    ids = [panel["id"] for panel in dashboard["panels"]]
    checks.that(len(set(ids)) == len(ids), f"{name} has no two panels of one id", ids)
    missing = [panel["title"] for panel in panels if not panel["description"].endswith(".") or not panel["title"]
               or "unit" not in panel["fieldConfig"]["defaults"]]
    checks.equal(missing, [], f"{name} has for each panel a title, a description and a unit")
    checks.equal(overlaps(dashboard["panels"]), [], f"{name} has no panel over another, or beyond the edge")


def overlaps(panels):
    taken, found = {}, []
    for panel in panels:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        if place["x"] + place["w"] > 24 or cells & set(taken):
            found.append(panel["title"])
        taken.update(dict.fromkeys(cells, panel["title"]))
    return found
