"""Every runner's failed tests are known by name, and nothing that went wrong counts as nothing."""
import unittest

import results

SWIFT = """\
◇ Test run started.
◇ Test "a day is as long" started.
◇ Test forms() started.
◇ Test "P6: it comes back" started.
◇ Test "with cases" started.
✘ Test "with cases" recorded an issue with 1 argument count → 5 at PlanTests.swift:216:17: Expectation failed: 1 == 2
✔ Test "a day is as long" with 8 test cases passed after 0.031 seconds.
✘ Test forms() failed after 0.001 seconds with 1 issue.
✘ Test "with cases" with 8 test cases failed after 0.032 seconds with 4 issues.
✔ Test "P6: it comes back" passed after 0.2 seconds.
➜ Test "needs root" skipped: "only root may"
✘ Suite PlanTests failed after 0.269 seconds with 4 issues.
✘ Test run with 5 tests in 1 suite failed after 0.3 seconds with 5 issues.
"""
CRASH = """\
Processes/Spawned.swift:22: Precondition failed: no place

*** Signal 4: Backtracing from 0x7fca468f9361... done ***

*** Program crashed: Illegal instruction at 0x00007fca468f9361 ***

Thread 0 "powercapPackage":

  0 [ra] 0x00007fca44e92301 main in powercapPackageTests.xctest at /builds/powercap/Tests/PolicyTests/PlanTests.swift:9:1

Thread 2 "oot.default-qos" crashed:

  0                  0x00007fca468f9361 _assertionFailure(_:_:file:line:flags:) + 225 in libswiftCore.so
  1 [ra]             0x000055c5197b814c Spawned.init(_:files:) + 827 in powercapPackageTests.xctest at /builds/powercap/Tests/Processes/Spawned.swift:22:9
  2 [ra] [thunk]     0x000055c5197b7dcc Spawned.__allocating_init(_:files:) + 75 in powercapPackageTests.xctest at /builds/powercap/Tests/Processes/Spawned.swift
  3 [ra]             0x000055c518baea5e SpawnedTests.places() + 653 in powercapPackageTests.xctest at /builds/powercap/Tests/ControllerTests/SpawnedTests.swift:27:27
error: Process '/builds/powercap/powercapPackageTests.xctest' exited with unexpected signal code 4
"""
PYTHON = """\
test_a (test_faults.RequestTests.test_a) ... ok
test_b (test_faults.RequestTests.test_b)
What it is about. ... FAIL
test_c (test_faults.RequestTests.test_c) ... skipped 'no nghttpx'
test_d (test_faults.RequestTests.test_d) ... ERROR

======================================================================
ERROR: test_d (test_faults.RequestTests.test_d)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "client.py", line 148, in exactly
    more = self.socket.recv(count - len(data))
ConnectionResetError: [Errno 104] Connection reset by peer

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "test_faults.py", line 7, in test_d
    raise EOFError("it is gone")
EOFError: it is gone

======================================================================
FAIL: test_b (test_faults.RequestTests.test_b)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "test_faults.py", line 9, in test_b
    self.assertEqual(1, 2)
AssertionError: 1 != 2 : it's too small

Stdout:
nothing
----------------------------------------------------------------------
Ran 4 tests in 0.1s

FAILED (failures=1, errors=1, skipped=1)
"""
RIG = """\
ok 1 - it starts
not ok - it ends
skipped - zsh: it is not installed
ok - it is gone
"""


class ResultTests(unittest.TestCase):
    CASES = "with cases: PlanTests.swift:216: Expectation failed: 1 == 2"

    def expect(self, result, passed, failures, skips=()):
        self.assertEqual((result.passed, result.failures, result.skips), (passed, failures, list(skips)))

    def test_swift_names_what_failed_once_with_what_was_wrong_first_and_what_was_skipped(self):
        self.expect(results.swift(SWIFT.splitlines(True), 1), 2, ["forms()", self.CASES], ["needs root: only root may"])

    def test_swift_counts_the_tests_whose_lines_were_lost_among_others(self):
        lost = SWIFT.replace('✔ Test "P6: it comes back" passed', '✔ TesP6: it comes back" passed')
        self.assertNotEqual(lost, SWIFT)
        self.expect(results.swift(lost.splitlines(True), 1), 2, ["forms()", self.CASES], ["needs root: only root may"])

    def test_swift_that_crashes_names_what_was_running(self):
        crashed = [line for line in SWIFT.splitlines(True) if "✘" not in line] + ["error: Exited with signal code 4\n"]
        self.expect(results.swift(crashed, 1), 2, [
            "was running when the tests ended: forms()", "was running when the tests ended: with cases"], ["needs root: only root may"])

    def test_swift_that_crashes_beside_many_names_some_of_them(self):
        started = [f'◇ Test "{name}" started.\n' for name in "abcdefg"] + ['◇ Test case passing 1 argument to "a" started.\n']
        self.expect(results.swift(started, 1), 0, [
            *[f"was running when the tests ended: {name}" for name in "abcde"], "was running when the tests ended: 2 others"])

    def test_swift_that_crashes_with_a_backtrace_names_where(self):
        started = [line for line in SWIFT.splitlines(True) if "✘" not in line]
        where = "crashed: Tests/Processes/Spawned.swift:22: {}, from Tests/ControllerTests/SpawnedTests.swift:27"
        for backtrace, wrong in ((CRASH, "Precondition failed: no place"), (CRASH[CRASH.index("***"):], "Illegal instruction")):
            with self.subTest(wrong=wrong):
                self.expect(results.swift(started + backtrace.splitlines(True), 1), 2, [where.format(wrong)], ["needs root: only root may"])

    def test_swift_that_crashes_after_a_failure_names_that_and_what_was_running(self):
        crashed = [line for line in SWIFT.splitlines(True) if "Test run with" not in line and '"with cases" with 8' not in line]
        self.expect(results.swift(crashed, 1), 2, ["forms()", "was running when the tests ended: with cases"], ["needs root: only root may"])

    def test_python_names_what_failed_and_what_was_skipped(self):
        self.expect(results.python(PYTHON.splitlines(True), 1), 1, [
            "test_d (test_faults.RequestTests.test_d): EOFError: it is gone",
            "test_b (test_faults.RequestTests.test_b): AssertionError: 1 != 2 : it's too small"], ["test_c: 'no nghttpx'"])

    def test_a_rig_names_what_failed_and_what_was_skipped(self):
        self.expect(results.rig(RIG.splitlines(True), 1), 2, ["it ends"], ["zsh: it is not installed"])

    def test_who_cannot_run_here_is_skipped_with_his_last_line(self):
        for read in (results.python, results.rig):
            self.expect(read(["building\n", "there is no qemu\n"], 77), 0, [], ["there is no qemu"])

    def test_a_runner_that_ends_badly_without_a_failed_test_is_a_failure_with_its_last_words(self):
        for read in (results.command, results.swift, results.python, results.rig):
            self.expect(read(["ok - x\n"] if read is results.rig else ["x\n"], 3), int(read is results.rig), [
                "ended with 3: ok - x" if read is results.rig else "ended with 3: x"])
            self.expect(read([], -9), 0, ["ended with -9: it said nothing"])

    def test_a_runner_that_runs_nothing_is_a_failure(self):
        for read in (results.swift, results.python, results.rig):
            self.expect(read(["nothing to do\n"], 0), 0, ["no test ran"])
        self.expect(results.command([], 0), 1, [])


if __name__ == "__main__":
    unittest.main()
