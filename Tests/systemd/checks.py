"""What the cases ask and expect, and the count of it."""
import re

from machine import REPOSITORY, until

ORIGINALS = [150, 180, 150, 180]
SET = [50, 50, 50, 50]
ENVIRONMENT = "/etc/powercap/controller.env"
POLICY = "SOURCE=static\nMAX_SOURCE={watts}W\nSAMPLE_INTERVAL=1s\nLEASE_TIME={lease}s\n"
SANDBOX = "not-dumpable,no-new-privileges,bounding-set-empty,capabilities-empty,{user}landlock,seccomp"
UNITS = ["raplhelper.socket", "raplhelper.service", "powercap-controller.service"]
EXPOSURE = {"raplhelper.service": 0.9, "raplhelper-boot.service": 1.1, "powercap-controller.service": 1.3}


class Total:
    passed = failed = 0


def check(sentence, truth, seen=""):
    Total.passed += bool(truth)
    Total.failed += not truth
    print(("ok - " if truth else "not ok - ") + sentence, flush=True)
    if not truth:
        print("  " + str(seen).strip().replace("\n", "\n  ")[-3000:], flush=True)


def make(machine, verb):
    return machine.run("make", "--no-print-directory", "-C", REPOSITORY, verb, "PREFIX=/usr", f"BIN={machine.binaries}")


def configure(machine, watts=100, lease=30):
    machine.write(ENVIRONMENT, POLICY.format(watts=watts, lease=lease))


def state(machine, unit):
    return machine.show(unit, "ActiveState")


def main_pid(machine, unit):
    return int(machine.show(unit, "MainPID"))


def comes_to(machine, limits, seconds=20):
    return until(lambda: machine.limits() == limits, seconds)


def status_of(machine, unit, name):
    """A line of /proc/PID/status of the unit's process."""
    text = machine.run("cat", f"/proc/{main_pid(machine, unit)}/status")[1]
    line = re.search(rf"^{name}:\s*(.*)$", text, re.MULTILINE)
    return line.group(1) if line else text
