"""In the guest of Tests/arm64/run: what there is to see only on that architecture, and the independent client's tests."""
import ctypes
import errno
import mmap
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
HELPER, INTRUDER = "/bin/raplhelper", "/bin/Intruder"
os.environ["POWERCAP_HELPER"] = HELPER
sys.path += [str(PROJECT / "Tests/client"), str(PROJECT / "Tests/machines")]
import harness  # noqa: E402
import seccomp  # noqa: E402

# An emulated processor on a busy machine is slow; nothing is measured by this.
harness.DEADLINE_S = 180

SECURITY = (PROJECT / "docs/security.md").read_text()
# On x86-64 two calls of the list have other names (docs/security.md).
ELSEWHERE = {"epoll_wait": "epoll_pwait", "poll": "ppoll"}
# Numbers of arm64's system calls: include/uapi/asm-generic/unistd.h, the newest of Linux 6.12 is 462.
NUMBERS = range(0, 512)


def listed_calls():
    section = SECURITY.split("### System calls\n")[1].split("\n#")[0]
    names = re.findall(r"^\| ([a-z0-9_]+) \|", section, re.M)
    return [ELSEWHERE.get(name, name) for name in names]


class SandboxTests(harness.HelperCase):
    def attempt(self, call):
        """What the kernel says to a helper that makes this call once it serves: (`killed`, signal) or (`result`, number)."""
        with tempfile.TemporaryDirectory(prefix="powercap-") as directory:
            harness.make_tree(pathlib.Path(directory, "powercap"))
            run = subprocess.run(
                [INTRUDER, "--attempt", call, "--", HELPER, "--socket", f"{directory}/socket", "--powercap-root", f"{directory}/powercap", "--state-dir",
                 f"{directory}/state"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=harness.DEADLINE_S)
        match = re.fullmatch(r"(killed|result) (-?\d+)\n", run.stdout)
        self.assertTrue(match, f"{call}: {run.stdout}{run.stderr}")
        return match[1], int(match[2])

    def test_every_part_of_the_sandbox_is_in_force_on_an_arm64_kernel(self):
        self.assertEqual(os.uname().machine, "aarch64")
        helper = self.start("--require-sandbox")
        self.assertIn(
            "sandbox=not-dumpable,no-new-privileges,bounding-set-empty,capabilities-empty,unprivileged-user,landlock,seccomp", helper.log)
        status = dict(re.findall(r"(\w+):\t(.*)", pathlib.Path(f"/proc/{helper.process.pid}/status").read_text()))
        self.assertEqual((status["CapEff"], status["CapBnd"], status["NoNewPrivs"], status["Seccomp"]), ("0" * 16, "0" * 16, "1", "2"))
        self.assertNotIn("0", status["Uid"].split())

    def test_the_filter_lets_through_what_the_document_lists_and_nothing_else(self):
        helper = self.start("--require-sandbox")
        program = seccomp.program(helper.process.pid)
        library = ctypes.CDLL("libseccomp.so.2")
        listed = {name: library.seccomp_syscall_resolve_name(name.encode()) for name in listed_calls()}
        self.assertGreater(len(listed), 15)
        self.assertGreaterEqual(min(listed.values()), 0, listed)
        for number in NUMBERS:
            with self.subTest(f"system call {number}"):
                answer = seccomp.answer(program, number, seccomp.AARCH64, [0, 0, 0])
                self.assertEqual(answer, seccomp.ALLOW if number in listed.values() else seccomp.KILL_PROCESS)
        for name, number in listed.items():
            # The same number by a 32-bit program's way in is another call.
            self.assertEqual(seccomp.answer(program, number, seccomp.ARM, [0, 0, 0]), seccomp.KILL_PROCESS, name)
        for protection in range(8):
            answer = seccomp.answer(program, listed["mmap"], seccomp.AARCH64, [0, 4096, protection])
            self.assertEqual(answer, seccomp.KILL_PROCESS if protection & mmap.PROT_EXEC else seccomp.ALLOW, f"mmap with {protection}")

    def test_the_kernel_kills_a_helper_that_tries_what_is_not_on_the_list(self):
        rows = dict(re.findall(r"^([^#|]+?) +\| (.+?) +\|", (PROJECT / "Tests/Fixtures/sandbox/attempts.txt").read_text(), re.M))
        for name in ("execute a program", "map memory for code"):
            with self.subTest(name):
                # The filter looks at a call before it looks at what it is about.
                self.assertEqual(self.attempt(rows[name].replace("{MAP_ANONYMOUS}", "0x22")), ("killed", signal.SIGSYS))
        self.assertEqual(self.attempt("clock_gettime 0 0"), ("result", -errno.EFAULT))


class Lines(unittest.TestResult):
    """A line for each test, as Tests/runner reads them."""

    def addSuccess(self, test):
        print(f"ok - {test.id()}", flush=True)

    def addSkip(self, test, reason):
        print(f"skipped - {test.id()}: {reason}", flush=True)

    def fell(self, test, error):
        if id(test) not in self.named:
            print(f"not ok - {test.id()}", flush=True)
        self.named.add(id(test))
        for line in self._exc_info_to_string(error, test).splitlines():
            print(f"# {line}", flush=True)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.fell(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self.fell(test, error)

    def addSubTest(self, test, part, error):
        super().addSubTest(test, part, error)
        if error:
            self.fell(test, error)

    def __init__(self):
        super().__init__()
        self.named = set()


def main():
    pattern = (PROJECT / "pattern").read_text()
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{pattern}*"] if pattern else None
    # What governs slow drivers is a thread made by hand for each architecture. The client's other tests are about strangers' bytes, and
    # those of machines about files, which are the same everywhere.
    names = ["test_client", "test_conversation",
             "test_machines.MachineTests.test_each_machine_is_governed_as_the_table_says_and_comes_back"]
    suite = unittest.TestSuite([loader.loadTestsFromTestCase(SandboxTests), loader.loadTestsFromNames(names)])
    result = Lines()
    suite.run(result)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
