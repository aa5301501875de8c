"""What reading a source's file costs: an answer of a service, and a year of quarter hours."""
import datetime
import json
import os
import statistics
import subprocess

from report import Figure
from rig import NO_PLACES, NotMeasured, pin

RUNS = 31
QUARTER = datetime.timedelta(minutes=15)
START = datetime.datetime(2026, 6, 16, tzinfo=datetime.timezone.utc)


def answer(directory):
    """48 hours of quarter hours in the shape of a market's prices, with what else services have beside a value: 20 kB."""
    prices = [{"start": (START + n * QUARTER).strftime("%Y-%m-%dT%H:%M:%SZ"), "price": round(61.44 - n * 0.37, 2), "unit": "EUR/MWh", "n": n,
               "zone": "DE-LU", "source": "made-up"} for n in range(192)]
    path = directory / "answer.json"
    path.write_text(json.dumps({"zone": "DE-LU", "data": prices}))
    return path, {"SOURCE_VALUE": "$.data[*].price", "SOURCE_TIME": "$.data[*].start", "SIGNAL_MAP": "0:200W,100:80W"}


def year(directory):
    path = directory / "year.csv"
    path.write_text("".join(f"{(START + n * QUARTER).strftime('%Y-%m-%dT%H:%M:%SZ')},{100 + n % 96}W\n" for n in range(365 * 96)))
    return path, {}


def reading(setting):
    """CPU time by turns with the same command without a file: the difference is what the file costs."""

    def run(environment):
        process = subprocess.Popen([setting.binary, "validate", "--quiet"], env=setting.environment | NO_PLACES | environment, text=True,
                                   preexec_fn=pin(setting.cpu), stderr=subprocess.PIPE)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise NotMeasured(f"controller: reading: {errors.strip()}")
        return (usage.ru_utime + usage.ru_stime) * 1e3

    for name, (path, mapping) in [("48 hours of quarter hours of JSON, parsed and mapped", answer(setting.directory)),
                                  ("a year of quarter hours of CSV, read", year(setting.directory))]:
        times, nulls = [], []
        for _ in range(RUNS):
            times.append(run({"SOURCE": "series", "SERIES_FILE": str(path), **mapping}))
            nulls.append(run({}))
        ours, null = statistics.median(times), statistics.median(nulls)
        yield Figure(f"controller: {name}", ours - null, f"{ours - null:.2f} ms of CPU ({path.stat().st_size / 1e3:.0f} kB; `validate` of {RUNS}: {ours:.2f} ms)",
                     f"{null:.2f} ms `validate` without a file", ratio=ours / null)
