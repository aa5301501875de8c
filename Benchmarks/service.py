"""How soon a limit is in force whose source has to be read or asked for first: a file of a year, a service that doesn't answer."""
import contextlib
import socket
import statistics
import subprocess

import signals
from report import Figure
from rig import LIMIT_FILE, NO_PLACES, NotMeasured, compile_c, pin

STARTS = 31


@contextlib.contextmanager
def silent():
    """A service that takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=STARTS * 2) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def first_limits(setting, other_cpu):
    """By turns with SOURCE=static, from exec to the changed limit."""
    if other_cpu is None:
        raise NotMeasured("controller: first limit by a source: the program that watches the limit needs a second CPU")
    until = compile_c("until", setting.directory)
    limit = setting.helper.root / LIMIT_FILE
    original = limit.read_text()
    answer, mapping = signals.answer(setting.directory)

    def run(environment):
        run = subprocess.run([until, "change", str(other_cpu), limit, setting.binary, "run"],
                             env=setting.environment | NO_PLACES | environment, text=True, preexec_fn=pin(setting.cpu),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if run.returncode != 0:
            raise NotMeasured(f"controller: first limit by a source: {run.stderr.strip()}")
        if limit.read_text().splitlines()[0] != original.splitlines()[0]:
            raise NotMeasured("controller: first limit by a source: the original limit didn't come back at its exit")
        return int(run.stdout) / 1e6

    with silent() as url, setting.helper:
        sources = {"a service that doesn't answer": {"SOURCE": "http", "SOURCE_URL": url, "SOURCE_VALUE": "$.v"},
                   "48 hours of JSON": {"SOURCE": "series", "SERIES_FILE": str(answer), **mapping}}
        for name, environment in sources.items():
            times, nulls = [], []
            for _ in range(STARTS):
                times.append(run(environment))
                nulls.append(run({}))
            ours, null = statistics.median(times), statistics.median(nulls)
            yield Figure(f"controller: exec to first limit by {name}", ours,
                         f"{ours:.2f} ms (of {STARTS}: {min(times):.2f} to {max(times):.2f})", f"{null:.2f} ms with SOURCE=static",
                         ratio=ours / null)
