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
    controller and its helper sees when control is renewed; the three share a CPU, which the clients don't use. The null is a process on the controller's CPU that wakes as often and has nothing
    else to do."""
    if other_cpu is None:
        raise NotMeasured("controller under a crowd: the clients need a second CPU")
    setting = Setting(binary, helper_binary, directory / "crowd", cpu, server(8))
    place = setting.directory / "relay.socket"
    turns, seen, null = (setting.directory / f"{name}.log" for name in ("turns", "relay", "null"))
    turns.write_bytes(bytes(struct.calcsize(TABLE)))
    setting.environment |= {"RAPLHELPER_SOCKET": str(place), "LEASE_TIME": f"{LEASE_S}s", "POWERCAP_TURNS": str(turns),
                            "POWERCAP_LONG_NS": str(LONG_MS * 1_000_000),
                            "LD_PRELOAD": str(compile_c("turns", directory, "-shared", "-fPIC"))}
    with setting.helper, Running([sys.executable, RELAY, place, setting.helper.socket], seen, cpu) as relay:
        relay.wait_for(place.exists, "doesn't listen")
        with setting.controller() as controller, Running([compile_c("late", directory), RENEWAL_US], null, cpu) as late, \
                first_in_line(setting.helper, relay, controller, late) as first:
            spells = {"nobody": Spell(setting, turns, seen, null, lambda: time.sleep(CALM_S))}
            for path in PATHS:
                spells[path] = Spell(setting, turns, seen, null, lambda: crowd(setting, path, other_cpu))
            resident = controller.resident_mb()
    print(f"\n{CLIENTS} clients at once on a node with 8 packages, {SLOW_PERCENT} % of them slow, for {SECONDS} s"
          f"{'' if first else ', without the right to run before others'}.\nIn ms the longest turn of the loop, and how late the latest "
          f"renewal was, beside a process that only wakes. Then VmRSS is {resident:.1f} MB")
    print(f"  {'':10}{'answered':>9}{'refused':>9}{'cut off':>9}{'turns':>9}{'CPU':>9}{'taken':>9}{'renewals':>9}{'late':>9}{'null':>9}")
    for path, spell in spells.items():
        outcomes = [(spell.outcome or {}).get(name, "-") for name in ("answered", "refused", "cut_off")]
        print(f"  {path:10}" + "".join(f"{outcome:>9}" for outcome in outcomes)
              + f"{spell.turns:>9}{spell.longest_cpu_ms:>9.2f}{spell.longest_ms:>9.2f}{spell.renewals:>9}{spell.latest_ms:>9.2f}{spell.null_ms:>9.2f}")
    crowds = [spell for path, spell in spells.items() if path != "nobody"]
    answered = sum(int(spell.outcome["answered"]) for spell in crowds)
    longest = max(spell.longest_cpu_ms for spell in crowds)
    yield Figure(f"controller: longest turn of the loop under {CLIENTS} clients, CPU time", longest,
                 f"{longest:.1f} ms (of {sum(spell.turns for spell in crowds):,} {sum(spell.long_turns for spell in crowds)} over {LONG_MS} ms; "
                 f"{answered:,} answers; with what others took {max(spell.longest_ms for spell in crowds):.1f} ms)", f"{spells['nobody'].longest_cpu_ms:.1f} ms while nobody asks")
    worst = max(crowds, key=lambda spell: spell.latest_ms)
    yield Figure(f"controller: latest renewal under {CLIENTS} clients", worst.latest_ms,
                 f"{worst.latest_ms:.1f} ms (of {sum(spell.renewals for spell in crowds)}; {sum(spell.late for spell in crowds)} over "
                 f"{LATE_MS} ms by its own metrics)", f"{worst.null_ms:.1f} ms a process that only wakes")


class Spell:
    """What happens during something."""

    def __init__(self, setting, turns, seen, null, during):
        before, logs = buckets(setting.socket, LATENESS), [len(log.read_text().splitlines()) for log in (seen, null)]
        with open(turns, "r+b") as table:
            table.write(bytes(struct.calcsize(TABLE)))
        self.outcome = during()
        self.turns, self.long_turns, longest_cpu_ns, longest_ns = struct.unpack(TABLE, turns.read_bytes())
        self.longest_cpu_ms, self.longest_ms = longest_cpu_ns / 1e6, longest_ns / 1e6
        after = buckets(setting.socket, LATENESS)
        self.late = sum(after[bound] - before[bound] for bound in after if bound > LATE_MS / 1e3)
        # Beginning with the last one before, from which the first is counted.
        times = [int(line) for line in seen.read_text().splitlines()[max(0, logs[0] - 1):]]
        late = [(after - before) / 1e6 - RENEWAL_US / 1e3 for before, after in zip(times, times[1:])]
        if not late or not self.turns:
            raise NotMeasured("controller under a crowd: no renewal was seen")
        self.renewals, self.latest_ms = len(late), max(late)
        self.null_ms = max(int(line) for line in null.read_text().splitlines()[logs[1]:]) / 1e3


def crowd(setting, path, cpu):
    """What became of the clients' requests."""
    port = setting.address.rpartition(":")[2]
    run = subprocess.run([sys.executable, CROWD, port, str(CLIENTS), str(SLOW_PERCENT), path, str(SECONDS)], text=True,
                         stdout=subprocess.PIPE, preexec_fn=pin(cpu))
    outcome = dict(word.split("=") for word in run.stdout.split())
    if run.returncode != 0 or not int(outcome["answered"]):
        raise NotMeasured(f"controller under a crowd: {run.stdout.strip()}")
    return outcome
