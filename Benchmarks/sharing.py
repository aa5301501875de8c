"""What sharing by demand costs: deciding, and looking every 2 s."""
import os
import time

import modules
from report import Figure
from rig import NO_PLACES, NotMeasured, Running

STEPS = 20


def cycle(directory, cpu):
    median, late = (time_ns / 1e3 for time_ns in modules.times_ns("cycle", ["PowercapProtocol", "Policy"], directory, cpu))
    yield Figure("controller: a cycle by demand decided, 8 packages", median, f"{median:.1f} µs (p99 {late:.1f} µs)")


def looking(setting, other):
    """A controller that looks at its packages every 2 s beside one that does so every hour, neither of them asked."""
    names = [(setting, {"SPLIT": "demand"}), (other, {})]
    environments = [one.environment | NO_PLACES | {"SAMPLE_INTERVAL": "1h", "LEASE_TIME": "1h"} | more for one, more in names]
    with setting.helper, other.helper, \
            Running([setting.binary, "run"], setting.directory / "demand.log", setting.cpu, environments[0]) as looks, \
            Running([other.binary, "run"], other.directory / "demand.log", other.cpu, environments[1]) as waits:
        time.sleep(5)
        before = [process.cpu_time_ns() for process in (looks, waits)]
        time.sleep(2 * STEPS)
        if any(process.process.poll() is not None for process in (looks, waits)):
            raise NotMeasured(f"controller: a step by demand: it ended: {looks.log.read_text()}{waits.log.read_text()}")
        each, null = ((process.cpu_time_ns() - start) / STEPS / 1e6 for process, start in zip((looks, waits), before))
    processors = os.cpu_count()
    yield Figure("controller: CPU time per step by demand", each, f"{each:.3f} ms (of {STEPS}, every 2 s; {processors} processors)",
                 f"{null:.3f} ms one that only renews its lease")
