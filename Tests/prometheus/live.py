"""A real Prometheus scrapes, and is asked everything that is shipped."""
import shipped
from prometheus import Prometheus
from server import Pages

ABSENT = f"{shipped.ALERTS.name}: PowercapAbsent"


def target(address, path, instance, job="powercap"):
    return {"job_name": f"{job}-{instance}", "metrics_path": path, "static_configs": [{"targets": [address]}],
            "relabel_configs": [{"target_label": "job", "replacement": job}, {"target_label": "instance", "replacement": instance}]}


def check_pages(checks, program, place, pages):
    server = Pages(pages)
    scrapes = [target(server.address, f"/{node}/openmetrics", node) for node in server.pages]
    scrapes += [target(server.address, f"/{node}/text", f"{node}-in-text") for node in server.pages]
    scrapes += [target(server.address, "/others", "well", "others"), target("127.0.0.1:1", "/metrics", "gone")]
    with Prometheus(program, place, scrapes) as prometheus:
        count = len(scrapes) - 1
        up = prometheus.wait(lambda: len(prometheus.query("up == 1")) == count)
        checks.that(up, "Prometheus takes every page in both formats", prometheus.ask("targets")["activeTargets"])
        checks.that(any("application/openmetrics-text" in accept for accept in server.accepted),
                    "Prometheus asks for OpenMetrics by itself", server.accepted)
        for node in server.pages:
            same_in_both(checks, prometheus, node)
        every_query(checks, prometheus, lambda where, _: where != ABSENT)
        healthy(checks, prometheus)
        checks.equal(prometheus.query("absent(powercap_build_info)"), [], "PowercapAbsent finds nothing while there are controllers")
        server.stop()
        gone = prometheus.wait(lambda: prometheus.query(dict(shipped.queries())[ABSENT]))
        checks.that(gone, "PowercapAbsent finds that no controller is left")


def check_targets(checks, program, place, addresses):
    with Prometheus(program, place, [target(address, "/metrics", address) for address in addresses]) as prometheus:
        up = prometheus.wait(lambda: len(prometheus.query("up == 1")) == len(addresses))
        checks.that(up, "Prometheus takes the page of every target", prometheus.ask("targets")["activeTargets"])
        exported = {name for name in prometheus.ask("label/__name__/values") if name.startswith("powercap_")}
        unknown = exported - shipped.series(shipped.table())
        checks.equal(unknown, set(), "every series of theirs is in docs/metrics.md")

        def finds(where, expression):
            """Alerts, and what shows them, may keep silent, and a question may be about what is wrong, or runs elsewhere."""
            may_keep_silent = where.startswith((shipped.ALERTS.name, shipped.DOCUMENT.name)) or "ALERTS" in expression
            return not may_keep_silent and set(shipped.METRIC.findall(expression)) <= exported
        every_query(checks, prometheus, finds)


def same_in_both(checks, prometheus, node):
    """By names and labels: between the two scrapes time goes on."""
    def series(instance):
        found = prometheus.query(f'{{__name__=~"powercap_.+", instance="{instance}"}}')
        return {tuple(sorted((name, value) for name, value in one["metric"].items() if name != "instance")) for one in found}
    left, right = series(node), series(f"{node}-in-text")
    checks.that(left and left == right, f"of {node} both formats make the same {len(left)} series", left ^ right)


def every_query(checks, prometheus, finds):
    """- finds: whether a query, by where it is and what it asks, has to find something."""
    silent, wrong, count = [], [], 0
    for where, expression in shipped.queries():
        try:
            if finds(where, expression):
                count += 1
                if not prometheus.wait(lambda: prometheus.query(expression)):
                    silent.append(f"{where}: {expression}")
            else:
                prometheus.query(expression)
        except ValueError as error:
            wrong.append(f"{where}: {error}")
    checks.equal(wrong, [], f"every query of rules, alerts, dashboards and documents is answered ({len(shipped.queries())})")
    checks.that(not silent and count > 0, f"those that have to find data ({count}) find it", "\n".join(silent))
    for where, label, metric in shipped.variables():
        checks.that(prometheus.ask(f"label/{label}/values", **{"match[]": metric}), f"{where} has values")


def healthy(checks, prometheus):
    """No alert, if only it waited, is about the node that is well."""
    for rule in shipped.rules(shipped.ALERTS):
        found = [one["metric"] for one in prometheus.query(rule["expr"]) if one["metric"].get("instance", "").startswith("well")]
        checks.equal(found, [], f"{rule['alert']} has nothing against a node that is well")
