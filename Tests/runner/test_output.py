"""A step is heard to its end, and no step waits for ever for another."""
import os
import select
import signal
import subprocess
import sys
import unittest

from output import Output


def shell(script, **limits):
    process = subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = Output(process, **limits)
    lines = list(output.lines())
    process.stdout.close()
    return lines, process.wait(), output.complaints


def has_ended(pid):
    """Within half a minute: its files are closed a moment before."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ended = bool(select.select([process], [], [], 30)[0])
    os.close(process)
    return ended


class OutputTests(unittest.TestCase):
    def test_every_line_is_heard_also_one_that_does_not_end(self):
        self.assertEqual(shell("echo one; echo two >&2; printf three; exit 3"), (["one\n", "two\n", "three\n"], 3, []))

    def test_what_is_no_text_is_heard_all_the_same(self):
        self.assertEqual(shell(r"printf '\377\n'")[0], ["\ufffd\n"])

    def test_a_process_that_was_left_behind_is_named_and_ended(self):
        lines, status, complaints = shell("sleep 600 & echo $!; exit 4", grace_s=1)
        self.assertEqual(status, 4)
        self.assertEqual(complaints, [f"it had ended, and left processes behind: {lines[0].strip()} sleep 600"])
        self.assertTrue(has_ended(int(lines[0])))

    def test_a_child_that_ends_soon_after_is_waited_for(self):
        lines, status, complaints = shell("(sleep 2; echo late) & exit 0", grace_s=20)
        self.assertEqual((lines, status, complaints), (["late\n"], 0, []))

    def test_a_step_that_hangs_is_named_and_ended(self):
        lines, status, complaints = shell("echo begun; exec sleep 600", silence_s=1)
        self.assertEqual((lines, status), (["begun\n"], -signal.SIGABRT))
        self.assertRegex(complaints[0], r"^it printed nothing for 1 s: \d+ sleep 600$")

    def test_one_that_does_not_end_by_that_is_killed(self):
        program = "import signal, time; signal.signal(signal.SIGABRT, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
        lines, status, complaints = shell(f"exec {sys.executable} -c '{program}'", silence_s=5, grace_s=1)
        self.assertEqual((lines, status, len(complaints)), (["1\n"], -signal.SIGKILL, 1))

    def test_one_that_prints_now_and_then_is_left_alone(self):
        lines, status, complaints = shell("for one in 1 2 3; do sleep 1; echo $one; done", silence_s=20)
        self.assertEqual((len(lines), status, complaints), (3, 0, []))

    def test_who_only_reads_the_pipe_is_no_holder(self):
        process = subprocess.Popen(["/bin/sh", "-c", "exec sleep 600"], stdout=subprocess.PIPE)
        reader = subprocess.Popen(["sleep", "600"], stdin=process.stdout, stdout=subprocess.DEVNULL)
        self.assertNotIn(reader.pid, Output(process).holders())
        for child in (process, reader):
            child.kill()
            child.wait()
        process.stdout.close()


if __name__ == "__main__":
    unittest.main()
