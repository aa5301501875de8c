"""The controller's figures: how soon it limits, what waiting costs, how fast it plans."""
import contextlib
import fcntl
import os
import select
import statistics
import subprocess
import time

from asking import is_answered
from report import Figure
from rig import LIMIT_FILE, NO_PLACES, ZONES, Helper, NotMeasured, Running, compile_c, pin, places

STARTS = 31
CYCLES = 20
PLANS = 5
# Bounds for a plan that runs away.
PLAN_SECONDS, PLAN_BYTES = 20, 200_000_000


class Setting:
    """A controller to measure, with a helper of its own and an environment in which it holds one limit, and is asked as one that is
    installed is."""

    def __init__(self, binary, helper_binary, directory, cpu, zones=ZONES):
        directory.mkdir()
        self.binary, self.directory, self.cpu = binary, directory, cpu
        self.helper = Helper(helper_binary, directory / "helper", cpu, zones)
        # Nothing of the host's environment: its settings for a controller must not reach the one that is measured.
        self.environment = {"PATH": os.environ["PATH"], "TZ": "UTC", "RAPLHELPER_SOCKET": str(self.helper.socket),
                            "SOURCE": "static", "MAX_SOURCE": "200W", "SAMPLE_INTERVAL": "1s", "STABILISATION_TIME": "1d",
                            "LEASE_TIME": "30s", "ON_EXIT": "restore", **places(directory)}
        self.socket, self.address = self.environment["CONTROL_SOCKET"], self.environment["METRICS_ADDRESS"]

    @contextlib.contextmanager
    def controller(self):
        """At work, and answering."""
        with Running([self.binary, "run"], self.directory / "controller.log", self.cpu, self.environment) as controller:
            controller.wait_for(lambda: is_answered(self.socket) and is_answered(self.address), "doesn't answer")
            yield controller


def first_limit(setting, other_cpu):
    if other_cpu is None:
        raise NotMeasured("controller: first limit: the program that watches the limit needs a second CPU")
    until = compile_c("until", setting.directory)
    limit = setting.helper.root / LIMIT_FILE
    original = limit.read_text()

    def run(*command, **settings):
        run = subprocess.run([until, command[0], str(other_cpu), *command[1:]], env=setting.environment | settings, text=True,
                             preexec_fn=pin(setting.cpu), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if run.returncode != 0:
            raise NotMeasured(f"controller: first limit: {run.stderr.strip()}")
        return int(run.stdout) / 1e6

    starts, unasked, exits, nulls = [], [], [], []
    with setting.helper:
        for _ in range(STARTS):
            for times, settings in [(starts, {}), (unasked, NO_PLACES)]:
                times.append(run("change", limit, setting.binary, "run", **settings))
                # It ended with ON_EXIT=restore: the next start finds what this one found.
                if limit.read_text().splitlines()[0] != original.splitlines()[0]:
                    raise NotMeasured("controller: first limit: the original limit didn't come back at its exit")
            exits.append(run("exit", "-", setting.binary, "version"))
            nulls.append(run("exit", "-", "/bin/true"))
    ours, without, version, nothing = (statistics.median(times) for times in (starts, unasked, exits, nulls))
    yield Figure("controller: exec to first limit in force", ours,
                 f"{ours:.2f} ms (of {STARTS}: {min(starts):.2f} to {max(starts):.2f})",
                 f"{without:.2f} ms where it isn't asked, {version:.2f} ms `version` to its exit, {nothing:.2f} ms /bin/true",
                 ratio=ours / version)


def size(binary):
    megabytes = os.path.getsize(binary) / 1e6
    yield Figure("controller: file", megabytes, f"{megabytes:.2f} MB")


def idle_cycle(setting, other):
    """Beside one that isn't asked, on a helper of its own."""
    original = (setting.helper.root / LIMIT_FILE).read_text()
    other.environment |= NO_PLACES
    with setting.helper, other.helper, setting.controller() as controller, \
            Running([other.binary, "run"], other.directory / "controller.log", other.cpu, other.environment) as unasked, \
            Running([compile_c("tick", setting.directory)], setting.directory / "tick.log", setting.cpu) as null:
        processes = controller, unasked, null
        time.sleep(3.5)
        before = [process.cpu_time_ns() for process in processes]
        time.sleep(CYCLES)
        for process, tree in [(controller, setting.helper.root), (unasked, other.helper.root)]:
            if process.process.poll() is not None or (tree / LIMIT_FILE).read_text() == original:
                raise NotMeasured(f"controller: idle cycle: it doesn't hold a limit: {process.log.read_text()}")
        after = [process.cpu_time_ns() for process in processes]
        threads, resident = controller.status("Threads"), controller.resident_mb()
    print(f"\nThe controller at work without Kubernetes: {threads} threads, VmRSS {resident:.1f} MB")
    each, without, nothing = ((end - start) / CYCLES / 1e6 for start, end in zip(before, after))
    yield Figure("controller: CPU time per idle cycle", each, f"{each:.3f} ms (of {CYCLES} cycles)",
                 f"{without:.3f} ms where it isn't asked, {nothing:.3f} ms a process that wakes as often", ratio=each / nothing)


def plan(setting):
    cpu, environment = setting.cpu, setting.environment | {"SOURCE": "solar"}
    command = [setting.binary, "plan", "--date", "2025-01-01", "--days", "365", "--step", "1m", "--format", "csv"]
    one_day = [word if word != "365" else "1" for word in command]
    with setting.helper:
        runs = [run_bounded(command, cpu, environment) for _ in range(PLANS)]
        nulls = [run_bounded(one_day, cpu, environment) for _ in range(PLANS)]
    median, null = (statistics.median(seconds for seconds, *_ in some) for some in (runs, nulls))
    _, size, lines, why_ended = runs[0]
    rows = 365 * 24 * 60
    print(f"A year of plan: {lines} lines, {size / 1e6:.1f} MB through a pipe")
    wrong = why_ended
    if not wrong and not rows <= lines <= rows + 2:
        wrong = f"{lines} lines instead of {rows} and a heading"
    yield Figure("controller: plan of a year at one-minute steps", float("inf") if wrong else median,
                 f"{median:.2f} s (median of {PLANS})" + (f": {wrong}" if wrong else ""), f"{null:.3f} s a plan of one day")


def shaped(setting):
    """A decision of a policy that is shaped, over 8 packages, as a line of a plan: limits are always on their way, falls are foretold."""
    days = 30
    file = setting.directory / "quarters.csv"
    start = 1_735_689_600
    file.write_text("".join(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(start + quarter * 900))},{100 + quarter * 37 % 300}W\n"
                            for quarter in range(days * 96)))
    environment = setting.environment | {"SOURCE": "series", "SERIES_FILE": str(file), "MAX_SOURCE": "400W"}
    own = {"RAMP_UP": "50mW/s", "RAMP_DOWN": "50mW/s", "DEAD_BAND": "1W", "LOOK_AHEAD": "28s"}
    command = [setting.binary, "plan", "--date", "2025-01-01", "--days", str(days), "--step", "1m", "--format", "csv", "--assume-packages", "8"]
    lines = days * 1_440
    runs = [run_bounded(command, setting.cpu, environment | own) for _ in range(PLANS)]
    nulls = [run_bounded(command, setting.cpu, environment) for _ in range(PLANS)]
    each, null = (statistics.median(seconds for seconds, *_ in some) / lines * 1e6 for some in (runs, nulls))
    wrong = runs[0][3] or (f"{runs[0][2]} lines" if runs[0][2] != lines + 1 else None)
    yield Figure("controller: a shaped decision over 8 packages, as a line of a plan", float("inf") if wrong else each,
                 f"{each:.1f} µs (of {lines} lines, median of {PLANS})" + (f": {wrong}" if wrong else ""),
                 f"{null:.1f} µs a line without shaping", ratio=each / null)


def run_bounded(command, cpu, environment):
    """Seconds, bytes, lines, and why it had to be ended if it had to be. The output goes through a pipe and nowhere."""
    size = lines = 0
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, preexec_fn=pin(cpu))
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 1 << 20)
    why_ended = None
    while True:
        left = start + PLAN_SECONDS - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            why_ended = f"ended after {PLAN_SECONDS} s"
        elif size > PLAN_BYTES:
            why_ended = f"ended after {PLAN_BYTES / 1e6:.0f} MB of output"
        if why_ended:
            process.kill()
            break
        part = os.read(process.stdout.fileno(), 1 << 20)
        if not part:
            break
        size += len(part)
        lines += part.count(b"\n")
    seconds = time.monotonic() - start
    _, errors = process.communicate()
    if process.returncode != 0 and not why_ended:
        raise NotMeasured(f"controller: plan: exit status {process.returncode}: {errors.decode(errors='replace').strip()}")
    return seconds, size, lines, why_ended
