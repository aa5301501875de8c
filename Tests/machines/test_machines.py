#!/usr/bin/env python3
"""Every machine of Tests/Fixtures/machines under the real helper: what it lists, what it governs and why not, and that all of it comes back.

  POWERCAP_HELPER=.build/debug/raplhelper POWERCAP_CONTROLLER=.build/debug/powercap-controller \
      python3 Tests/machines/test_machines.py [-v] [-k PATTERN]

The files are plain ones, so that a limit is in force as soon as it is written: what drivers make of it is tested in Tests/kernel. With
UPDATE_GOLDEN=1 the lists (NAME.json) and the table (governed.txt) beside the listings are written anew, to be looked at.
"""
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(pathlib.Path(__file__).parent), str(REPOSITORY / "Tests/client")]
import harness  # noqa: E402
import listing  # noqa: E402
from powercap_client import OBSTACLES, WRITING  # noqa: E402

FIXTURES = REPOSITORY / "Tests/Fixtures/machines"
MACHINES = sorted(FIXTURES.glob("*.listing"))
TABLE = FIXTURES / "governed.txt"
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
KINDS = ["intel-rapl", "intel-rapl-mmio", "amd_hsmp", "arm-scmi", "dtpm", "gpu", "power_meter", "opal"]
GOVERN_ALL = ["--govern", ",".join(KINDS)]
NOTHING = "no zone that it knows"
# A board draws less than the floor that is the helper's own.
FLAGS = {"rk3399-dtpm": ["--min-power", "1W"]}


def watts(microwatts):
    return f"{microwatts / 1e6:.6f}".rstrip("0").rstrip(".") + " W"


class MachineTests(harness.HelperCase):
    def build_tree(self, root):
        pass  # each test has a machine of its own

    def machine(self, path):
        """Its tree, in a directory of its own."""
        directory = self.directory / path.stem
        directory.mkdir()
        sysfs = directory / "sys"
        sysfs.mkdir()
        listing.make(listing.parse(path.read_text())[1], sysfs)
        return directory, sysfs

    def contents(self, sysfs):
        """What each file says. The end of a longer number stays behind a shorter one, which no driver's file has: the first line counts."""
        return {str(path.relative_to(sysfs)): path.read_bytes().partition(b"\n")[0]
                for path in sysfs.rglob("*") if path.is_file() and not path.is_symlink()}

    def serve(self, directory, sysfs, *flags):
        helper = harness.Helper(directory, *flags, *FLAGS.get(directory.name, []), roots=["--sysfs", sysfs], uid=os.getuid())
        self.stack.callback(helper.stop)
        client = harness.Client(helper.path, harness.DEADLINE_S)
        self.stack.callback(client.close)
        client.hello("machines")
        return helper, client

    def has_zones(self, sysfs):
        run = subprocess.run([os.environ["POWERCAP_HELPER"], "--list", "--sysfs", sysfs], capture_output=True, text=True)
        self.assertIn(run.returncode, (0, 1), run.stderr)
        return run.returncode == 0

    def limit(self, client, zone, place):
        """A limit as it is once nothing is being written, None where it isn't known."""
        while True:
            sample = next(each for each in client.read_sample()["zones"] if each["index"] == zone["index"])
            if not sample["flags"] & WRITING:
                self.assertEqual(sample["last_write"], 0)
                limit = sample["limits"][place]
                return None if limit["errno"] else limit["limit_uw"]

    def govern(self, client, token, zone, place):
        """Asks for a limit that no step divides; says what becomes of it."""
        constraint = zone["constraints"][place]
        reach = f"{watts(constraint['floor_uw'])} to {watts(constraint['ceiling_uw'])}, steps of {watts(constraint['step_uw'])}"
        span = constraint["ceiling_uw"] - constraint["floor_uw"]
        asked = constraint["floor_uw"] + span * 5 // 8 + (1 if span > 8 else 0)
        [item] = client.apply(token, [(zone["index"], constraint["index"], asked)])
        in_force = self.limit(client, zone, place) if item["pending"] else item["effective_uw"]
        self.assertLessEqual(in_force, asked)
        self.assertLess(asked - in_force, constraint["step_uw"])
        return f"{reach}: {watts(asked)} asked, {watts(in_force)} in force"

    def lines(self, path, flags, set_limits):
        directory, sysfs = self.machine(path)
        if not self.has_zones(sysfs):
            return [NOTHING]
        before = self.contents(sysfs)
        helper, client = self.serve(directory, sysfs, *flags)
        token = client.acquire(60000)["token"]
        lines = []
        for zone in client.list_zones()["zones"]:
            if not zone["constraints"]:
                lines.append(f"{zone['id']}: no limit")
            for place, constraint in enumerate(zone["constraints"]):
                obstacle = OBSTACLES[constraint["obstacle"]]
                governed = self.govern(client, token, zone, place) if set_limits and obstacle in ("none", "locked") else obstacle
                lines.append(f"{zone['id']}/{constraint['name']}: {governed}")
        # It is stopped with control held, and while it looks at slow zones.
        for _ in range(3):
            client.read_sample()
        self.assertEqual(helper.stop(), 0)
        self.assertEqual(self.contents(sysfs), before, "every file is as it was found")
        return lines

    def test_each_machine_is_listed_as_its_golden_list_says(self):
        for path in MACHINES:
            with self.subTest(path.stem):
                _, sysfs = self.machine(path)
                run = subprocess.run(
                    [os.environ["POWERCAP_HELPER"], "--list", "-o", "json", "--sysfs", sysfs], capture_output=True, text=True)
                golden = path.with_suffix(".json")
                if run.returncode != 0:
                    self.assertFalse(golden.exists(), run.stderr)
                    self.assertEqual((run.returncode, run.stdout), (1, ""))
                    continue
                text = run.stdout.replace(str(sysfs), "/sys")
                json.loads(text)
                if UPDATE:
                    golden.write_text(text)
                self.assertEqual(text, golden.read_text(), f"UPDATE_GOLDEN=1 writes {golden.name} anew")

    def test_each_machine_is_governed_as_the_table_says_and_comes_back(self):
        text = "# What the helper makes of each machine's limits, told to govern every kind (" + " ".join(GOVERN_ALL) + ").\n"
        for path in MACHINES:
            lines = self.lines(path, GOVERN_ALL, True)
            text += "\n" + " ".join([path.stem, *FLAGS.get(path.stem, [])]) + "\n" + "".join(f"  {line}\n" for line in lines)
        if UPDATE:
            TABLE.write_text(text)
        self.assertEqual(text, TABLE.read_text(), f"UPDATE_GOLDEN=1 writes {TABLE.name} anew")

    def test_what_a_slow_driver_says_is_asked_for_by_each_sample(self):
        directory, sysfs = self.machine(FIXTURES / "power-meter-pair.listing")
        self.helper, client = self.serve(directory, sysfs)
        meter = sysfs / "devices/LNXSYSTM:00/LNXSYBUS:00/ACPI000D:00/power1_average"
        index = next(zone["index"] for zone in client.list_zones()["zones"] if zone["id"] == "power_meter:_SB_.PMT0")
        meter.chmod(0o644)
        for power_uw in (111_000_000, 222_000_000):
            meter.write_text(f"{power_uw}\n")
            self.eventually(lambda: client.read_sample()["zones"][index]["reading"] == power_uw)

    def test_unless_it_is_told_to_only_rapl_is_governed(self):
        for path in MACHINES:
            with self.subTest(path.stem):
                for line in self.lines(path, [], False):
                    where, _, what = line.partition(": ")
                    if what == "none":
                        self.assertTrue(where.startswith("intel-rapl:"), line)

    def test_what_a_killed_helper_left_comes_back_on_each_machine_at_the_next_start(self):
        for path in MACHINES:
            with self.subTest(path.stem):
                directory, sysfs = self.machine(path)
                if not self.has_zones(sysfs):
                    continue
                before = self.contents(sysfs)
                helper, client = self.serve(directory, sysfs, *GOVERN_ALL)
                token = client.acquire(60000)["token"]
                changed = 0
                for zone in client.list_zones()["zones"]:
                    for place, constraint in enumerate(zone["constraints"]):
                        if OBSTACLES[constraint["obstacle"]] in ("none", "locked"):
                            self.govern(client, token, zone, place)
                            changed += 1
                self.assertEqual(self.contents(sysfs) != before, changed > 0)
                helper.process.kill()
                helper.process.wait()
                client.close()
                again, _ = self.serve(directory, sysfs, *GOVERN_ALL)
                # Nobody waits for a slow driver: its limits may come back a moment later.
                self.helper = again
                self.eventually(lambda: self.contents(sysfs) == before)
                self.assertEqual(again.stop(), 0)

    def test_one_cycle_of_the_controller_ends_when_slow_devices_have_their_limits_too(self):
        directory, sysfs = self.machine(FIXTURES / "everything-at-once.listing")
        _, client = self.serve(directory, sysfs, "--govern", "intel-rapl,amd_hsmp,gpu")
        before = self.contents(sysfs)
        environment = {
            "RAPLHELPER_SOCKET": str(directory / "socket"), "GOVERN": "intel-rapl,amd_hsmp,gpu", "SOURCE": "static", "MAX_SOURCE": "500W"}
        run = subprocess.run(
            [os.environ["POWERCAP_CONTROLLER"], "run", "--once", "--on-exit", "hold"], env=environment, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        changed = {path: content for path, content in self.contents(sysfs).items() if content != before[path]}
        # Both limits of each package, and those of two sockets, of the AMD GPU that is awake, and of the Intel GPU.
        self.assertEqual(len(changed), 4 + 2 + 2, changed)
        parts = [int(content) for path, content in changed.items() if "constraint_1_" not in path]
        self.assertLessEqual(sum(parts), 500_000_000)


if __name__ == "__main__":
    unittest.main()
