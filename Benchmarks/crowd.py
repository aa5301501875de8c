"""The controller's figures while 500 clients want something of it at once: whether they keep it from what it is there for."""
import struct
import subprocess
import sys
import time

from asking import buckets
from controller import Setting
from report import Figure
from rig import HERE, NotMeasured, Running, compile_c, first_in_line, pin, server

CLIENTS, SLOW_PERCENT, SECONDS = 500, 5, 30
CROWD, RELAY = HERE.parent / "Tests/crowd/clients.py", HERE / "relay.py"
PATHS = ("/metrics", "/")
LEASE_S = 1
# Between two renewals (Loop/ControlSession.swift).
RENEWAL_US = LEASE_S * 1_000_000 // 3
CALM_S = 10
LATENESS, LATE_MS = "powercap_renewal_lateness_seconds", 10
LONG_MS = 5
TABLE = "4Q"


def under_crowd(binary, helper_binary, directory, cpu, other_cpu):
    """Some of the clients send half a request and then nothing, the others come again as soon as they are answered. A relay between the
    controller and its helper sees when control is renewed; the three share a CPU, which the clients don't use. Nulls on the same CPU are a
    process that wakes as often and has nothing else to do, and one that computes for a millisecond at a time."""
    if other_cpu is None:
        raise NotMeasured("controller under a crowd: the clients need a second CPU")
    setting = Setting(binary, helper_binary, directory / "crowd", cpu, server(8))
    place = setting.directory / "relay.socket"
    turns, seen, woken, computed = (setting.directory / f"{name}.log" for name in ("turns", "relay", "late", "chunks"))
    turns.write_bytes(bytes(struct.calcsize(TABLE)))
    setting.environment |= {"RAPLHELPER_SOCKET": str(place), "LEASE_TIME": f"{LEASE_S}s", "POWERCAP_TURNS": str(turns),
                            "POWERCAP_LONG_NS": str(LONG_MS * 1_000_000),
                            "LD_PRELOAD": str(compile_c("turns", directory, "-shared", "-fPIC"))}
    with setting.helper, Running([sys.executable, RELAY, place, setting.helper.socket], seen, cpu) as relay:
        relay.wait_for(place.exists, "doesn't listen")
        with setting.controller() as controller, Running([compile_c("late", directory), RENEWAL_US], woken, cpu) as late, \
                Running([compile_c("chunks", directory)], computed, cpu) as chunks, \
                first_in_line(setting.helper, relay, controller, late, chunks) as first:
            logs = turns, seen, woken, computed
            spells = {"nobody": Spell(setting, *logs, lambda: time.sleep(CALM_S))}
            for path in PATHS:
                spells[path] = Spell(setting, *logs, lambda: crowd(setting, path, other_cpu))
            resident = controller.resident_mb()
    print(f"\n{CLIENTS} clients at once on a node with 8 packages, {SLOW_PERCENT} % of them slow, for {SECONDS} s"
          f"{'' if first else ', without the right to run before others'}.\nIn ms: CPU time of the longest turn of the loop, and of a C "
          f"program's longest millisecond; how long\na turn took; how late a renewal was, and a process that only wakes. Then VmRSS is "
          f"{resident:.1f} MB")
    print(f"  {'':10}{'answered':>9}{'refused':>9}{'cut off':>9}{'turns':>9}{'CPU':>8}{'null':>8}{'taken':>8}"
          f"{'renewals':>10}{'late':>8}{'null':>8}")
    for path, spell in spells.items():
        outcomes = [(spell.outcome or {}).get(name, "-") for name in ("answered", "refused", "cut_off")]
        print(f"  {path:10}" + "".join(f"{outcome:>9}" for outcome in outcomes)
              + f"{spell.turns:>9}{spell.cpu_ms:>8.2f}{spell.chunk_ms:>8.2f}{spell.taken_ms:>8.2f}"
              + f"{spell.renewals:>10}{spell.late_ms:>8.2f}{spell.woken_ms:>8.2f}")
    crowds = [spell for path, spell in spells.items() if path != "nobody"]
    answered = sum(int(spell.outcome["answered"]) for spell in crowds)
    longest, latest = (max(crowds, key=key) for key in (lambda spell: spell.cpu_ms, lambda spell: spell.late_ms))
    yield Figure(f"controller: longest turn of the loop under {CLIENTS} clients, CPU time", longest.cpu_ms,
                 f"{longest.cpu_ms:.1f} ms ({sum(spell.long_turns for spell in crowds)} of {sum(spell.turns for spell in crowds):,} over "
                 f"{LONG_MS} ms; {answered:,} answers)", f"{longest.chunk_ms:.1f} ms a C program's longest millisecond")
    yield Figure(f"controller: latest renewal under {CLIENTS} clients", latest.late_ms,
                 f"{latest.late_ms:.1f} ms (of {sum(spell.renewals for spell in crowds)}; {sum(spell.late for spell in crowds)} over "
                 f"{LATE_MS} ms by its own metrics)", f"{latest.woken_ms:.1f} ms a process that only wakes")


class Spell:
    """What happens during something."""

    def __init__(self, setting, turns, seen, woken, computed, during):
        before, starts = buckets(setting.socket, LATENESS), [len(numbers(log)) for log in (seen, woken, computed)]
        with open(turns, "r+b") as table:
            table.write(bytes(struct.calcsize(TABLE)))
        self.outcome = during()
        self.turns, self.long_turns, cpu_ns, taken_ns = struct.unpack(TABLE, turns.read_bytes())
        self.cpu_ms, self.taken_ms = cpu_ns / 1e6, taken_ns / 1e6
        after = buckets(setting.socket, LATENESS)
        self.late = sum(after[bound] - before[bound] for bound in after if bound > LATE_MS / 1e3)
        # Beginning with the last one before, from which the first is counted.
        times = numbers(seen)[max(0, starts[0] - 1):]
        late_ms = [(after - before) / 1e6 - RENEWAL_US / 1e3 for before, after in zip(times, times[1:])]
        if not late_ms or not self.turns:
            raise NotMeasured("controller under a crowd: no renewal was seen")
        self.renewals, self.late_ms = len(late_ms), max(late_ms)
        self.woken_ms, self.chunk_ms = (max(numbers(log)[start:]) / 1e3 for log, start in zip((woken, computed), starts[1:]))


def numbers(log):
    """Of its lines, without one that is just being written."""
    return [int(line) for line in log.read_text().rpartition("\n")[0].splitlines()]


def crowd(setting, path, cpu):
    """What became of the clients' requests."""
    port = setting.address.rpartition(":")[2]
    run = subprocess.run([sys.executable, CROWD, port, str(CLIENTS), str(SLOW_PERCENT), path, str(SECONDS)], text=True,
                         stdout=subprocess.PIPE, preexec_fn=pin(cpu))
    outcome = dict(word.split("=") for word in run.stdout.split())
    if run.returncode != 0 or not int(outcome["answered"]):
        raise NotMeasured(f"controller under a crowd: {run.stdout.strip()}")
    return outcome
