"""Both formats of the pages, read by others' parsers."""
import subprocess

import shipped
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text


def first(pages, node, ending):
    return min((pages / node).glob(f"*.{ending}")).read_text()


def samples(families):
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for family in families for sample in family.samples}


def check(checks, promtool, pages):
    exported = {}
    for node in sorted(path.name for path in pages.iterdir()):
        text, openmetrics = first(pages, node, "text"), first(pages, node, "openmetrics")
        ran = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
        said = ran.stdout + ran.stderr
        checks.that(ran.returncode == 0 and not said, f"promtool check metrics is silent about the page of {node}", said)
        families = list(read_openmetrics(openmetrics))
        exported |= {family.name: family for family in families}
        checks.equal(samples(families), samples(read_text(text)),
                     f"the page of {node} holds the same in both formats, as python3-prometheus-client reads them")
    names = {sample.name for family in exported.values() for sample in family.samples}
    checks.equal(names, shipped.series(shipped.table()), "every series that is exported is in docs/metrics.md, and back")
    kinds = {family.name + {"counter": "_total", "info": "_info"}.get(family.type, ""): family.type for family in exported.values()}
    checks.equal(kinds, shipped.table(), "OpenMetrics says of each family the type that docs/metrics.md says")
    wrong = [family.name for family in exported.values()
             if family.unit != next((unit for unit in ("joules", "watts", "seconds") if family.name.endswith(f"_{unit}")), "")]
    checks.equal(wrong, [], "OpenMetrics says of each family the unit that is in its name")
