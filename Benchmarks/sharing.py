"""What sharing by demand costs: deciding, and looking every 2 s."""
import os
import subprocess
import time

from report import Figure
from rig import HERE, NO_PLACES, NotMeasured, Running, pin

SOURCES = HERE.parent / "Sources"
STEPS = 20
FLAGS = ["-O", "-wmo", "-swift-version", "6", "-enable-upcoming-feature", "ExistentialAny", "-enable-upcoming-feature",
         "InternalImportsByDefault", "-enable-experimental-feature", "Lifetimes"]


def cycle(directory, cpu):
    """Of the modules as they are compiled for a release, in a program that does nothing else."""
    def compile_swift(*arguments):
        command = ["swiftc", *FLAGS, "-I", ".", "-L", ".", *map(str, arguments)]
        run = subprocess.run(command, cwd=directory, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if run.returncode != 0:
            raise NotMeasured(f"controller: a cycle by demand: {run.stdout.strip()}")

    for module, folder in [("PowercapProtocol", "Protocol"), ("Policy", "Policy")]:
        compile_swift("-parse-as-library", "-emit-module", "-emit-library", "-static", "-module-name", module, "-o", f"lib{module}.a",
                      *sorted((SOURCES / folder).glob("*.swift")))
    (directory / "main.swift").write_text((HERE / "cycle.swift").read_text())
    compile_swift("main.swift", "-o", "cycle", "-lPolicy", "-lPowercapProtocol")
    run = subprocess.run([directory / "cycle"], text=True, stdout=subprocess.PIPE, preexec_fn=pin(cpu), check=True)
    median, late = (int(nanoseconds) / 1e3 for nanoseconds in run.stdout.split())
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
