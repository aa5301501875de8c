"""scripts/capture: a machine's tree becomes rows, the rows make the tree again, and the machine isn't touched."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import listing

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CAPTURE = REPOSITORY / "scripts/capture"
MACHINES = sorted((REPOSITORY / "Tests/Fixtures/machines").glob("*.listing"))
# The shells that nodes have: Debian's, busybox's in small images, bash as sh.
SHELLS = [shell for shell in (["dash"], ["busybox", "sh"], ["bash", "--posix"]) if shutil.which(shell[0])]
GPU = "devices/pci0000:00/0000:00:01.1/0000:03:00.0"
POWERCAP = "devices/virtual/powercap/intel-rapl/intel-rapl:0"


def body(text):
    return [line for line in text.splitlines() if not line.startswith("#")]


class CaptureTests(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name) / "sys"
        self.root.mkdir()

    def capture(self, *, shell=SHELLS[0], before=(), deadline_s=60, script=CAPTURE):
        run = subprocess.run([*before, *shell, script, self.root], capture_output=True, timeout=deadline_s)
        self.assertEqual((run.returncode, run.stderr), (0, b""))
        return run.stdout.decode("ascii")

    def rows(self, **more):
        return {row.path: row for row in listing.parse(self.capture(**more))[1]}

    def put(self, path, contents=b"", mode=0o644):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(contents if isinstance(contents, bytes) else contents.encode() + b"\n")
        file.chmod(mode)
        return file

    def gpu(self, status):
        monitor = f"{GPU}/hwmon/hwmon3"
        self.put(f"{monitor}/name", "amdgpu")
        self.put(f"{monitor}/power1_cap", "300000000")
        self.put(f"{monitor}/power1_average", "43000000")
        self.put(f"{GPU}/power/runtime_status", status)
        self.put(f"{GPU}/unique_id", "5f3a8c1de0427b96")
        os.symlink("../../../0000:03:00.0", self.root / monitor / "device")
        (self.root / "class/hwmon").mkdir(parents=True)
        os.symlink(f"../../{monitor}", self.root / "class/hwmon/hwmon3")
        return monitor

    # --- there and back

    def test_every_machine_of_the_fixtures_is_captured_as_it_is_listed(self):
        for machine in MACHINES:
            with self.subTest(machine=machine.stem):
                shutil.rmtree(self.root)
                self.root.mkdir()
                _, rows = listing.parse(machine.read_text())
                # What a plain file can't be like isn't there: see listing.make.
                expected = [line for line, row in zip(body(machine.read_text()), rows) if row.kind not in ("fails",)]
                listing.make(rows, self.root)
                self.assertEqual(sorted(body(self.capture())), sorted(expected))

    def test_every_shell_says_the_same(self):
        machine = REPOSITORY / "Tests/Fixtures/machines/radeon-pair.listing"
        listing.make(listing.parse(machine.read_text())[1], self.root)
        texts = {" ".join(shell): self.capture(shell=shell) for shell in SHELLS}
        self.assertGreater(len(texts), 1)
        self.assertEqual(len(set(texts.values())), 1, texts.keys())

    def test_it_runs_out_of_a_pipe(self):
        self.put(f"{POWERCAP}/name", "package-0")
        piped = subprocess.run(
            ["sh", "-s", self.root], input=CAPTURE.read_bytes(), capture_output=True, timeout=60, check=True).stdout.decode()
        self.assertEqual(piped, self.capture())
        self.assertIn(f"file 0644 {POWERCAP}/name package-0\n", piped)

    def test_a_value_comes_back_byte_for_byte(self):
        cases = {
            "a number": b"150000000\n", "no line end": b"150000000", "nothing": b"", "an empty line": b"\n", "two lines": b"a\nb\n",
            "two line ends": b"a\n\n", "blanks around": b"  a  \n", "a backslash": b"a\\n\\c\n", "binary": bytes(range(256)), "a colon": b":1:0\n",
            "UTF-8": "µW\n".encode(), "a page": b"7" * 4096, "a row": b"file 0444 x y\n", "a comment": b"# no\n", "a glob": b"* ? [a]\n",
            "a format": b"%s%d\\x41\n", "an option": b"-n\n",
        }
        for case, contents in cases.items():
            with self.subTest(case):
                self.put(f"{POWERCAP}/name", contents)
                self.assertEqual(self.rows()[f"{POWERCAP}/name"].bytes(), contents)

    def test_modes_and_links_are_kept(self):
        for mode in (0o400, 0o444, 0o644, 0o664, 0o755):
            self.put(f"{POWERCAP}/constraint_{mode}_name", "x", mode)
        os.symlink("../../intel rapl", self.root / POWERCAP / "device")
        rows = self.rows()
        for mode in (0o400, 0o444, 0o644, 0o664, 0o755):
            self.assertEqual(rows[f"{POWERCAP}/constraint_{mode}_name"].mode, mode)
        self.assertEqual((rows[f"{POWERCAP}/device"].kind, rows[f"{POWERCAP}/device"].rest), ("link", "../../intel\\x20rapl"))

    # --- what is hostile

    def test_a_value_longer_than_a_page_is_named_and_not_copied(self):
        self.put(f"{POWERCAP}/name", b"7" * 4097)
        self.put(f"{POWERCAP}/energy_uj", b"7" * 50_000_000)
        rows = self.rows()
        for name in ("name", "energy_uj"):
            self.assertEqual((rows[f"{POWERCAP}/{name}"].kind, rows[f"{POWERCAP}/{name}"].rest), ("fails", "EFBIG"))

    def test_what_would_block_or_is_no_file_is_named_and_not_opened(self):
        self.put(f"{POWERCAP}/enabled", "1")
        os.mkfifo(self.root / POWERCAP / "energy_uj")
        os.symlink("energy_uj", self.root / POWERCAP / "name")
        rows = self.rows(deadline_s=20)
        self.assertEqual([rows[f"{POWERCAP}/{name}"].kind for name in ("enabled", "energy_uj", "name")], ["file", "other", "link"])

    def test_a_driver_that_hangs_is_given_up(self):
        # No plain file makes its reader wait: a dd that doesn't end for one of them stands for the driver.
        tools = self.root.parent / "bin"
        tools.mkdir()
        (tools / "dd").write_text('#!/bin/sh\ncase $* in *power_uw*) exec sleep 600 ;; esac\nexec /bin/dd "$@"\n')
        (tools / "dd").chmod(0o755)
        script = self.root.parent / "capture"
        # A second is enough here.
        changed = CAPTURE.read_text().replace(" seconds=5\n", " seconds=1\n")
        self.assertNotEqual(changed, CAPTURE.read_text())
        script.write_text(changed)
        self.put(f"{POWERCAP}/name", "package-0")
        self.put(f"{POWERCAP}/power_uw", "1")
        rows = self.rows(before=["env", f"PATH={tools}:{os.environ['PATH']}"], deadline_s=30, script=script)
        self.assertEqual((rows[f"{POWERCAP}/power_uw"].kind, rows[f"{POWERCAP}/power_uw"].rest), ("fails", "ETIME"))
        self.assertEqual(rows[f"{POWERCAP}/name"].rest, "package-0")

    def test_why_a_file_cannot_be_read_is_said_in_every_shell_s_words(self):
        # The first page of a process is never mapped: reading its memory there fails in the kernel, as a register may (EIO).
        self.put(f"{POWERCAP}/name", "package-0")
        (self.root / POWERCAP / "energy_uj").symlink_to("/proc/self/mem")
        script = self.root.parent / "capture"
        # Links are rows of their own: follow this one.
        script.write_text(CAPTURE.read_text().replace('if [ -L "$file" ]; then', 'if [ -h "$file" ] && [ "${1##*/}" != energy_uj ]; then', 1))
        for shell in SHELLS:
            with self.subTest(shell):
                row = self.rows(shell=shell, script=script)[f"{POWERCAP}/energy_uj"]
                self.assertEqual((row.kind, row.rest), ("fails", "EIO"))

    def test_errors_are_known_by_the_words_of_either_c_library(self):
        self.put(f"{POWERCAP}/power_uw", "1")
        tools = self.root.parent / "bin"
        tools.mkdir()
        words = {
            "Permission denied": "EACCES", "Operation not permitted": "EPERM", "No data available": "ENODATA", "Input/output error": "EIO",
            "I/O error": "EIO", "Invalid argument": "EINVAL", "No such device": "ENODEV", "No such device or address": "ENXIO",
            "Function not implemented": "ENOSYS", "Operation not supported": "EOPNOTSUPP", "Not supported": "EOPNOTSUPP",
            "Resource temporarily unavailable": "EAGAIN", "Device or resource busy": "EBUSY", "Resource busy": "EBUSY",
            "Connection timed out": "ETIMEDOUT", "Operation timed out": "ETIMEDOUT", "Remote I/O error": "EREMOTEIO",
            "Something else": "EUNKNOWN",
        }
        for text, name in words.items():
            with self.subTest(text):
                (tools / "dd").write_text(f'#!/bin/sh\necho "dd: error reading \'a: b\': {text}" >&2\nexit 1\n')
                (tools / "dd").chmod(0o755)
                row = self.rows(before=["env", f"PATH={tools}:{os.environ['PATH']}"])[f"{POWERCAP}/power_uw"]
                self.assertEqual((row.kind, row.rest), ("fails", name))

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "not root, or no setpriv")
    def test_what_only_root_may_read_is_marked_for_another_user(self):
        self.put(f"{POWERCAP}/name", "package-0", 0o444)
        self.put(f"{POWERCAP}/energy_uj", "17", 0o400)
        self.root.parent.chmod(0o755)
        rows = self.rows(before=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
        self.assertEqual((rows[f"{POWERCAP}/energy_uj"].kind, rows[f"{POWERCAP}/energy_uj"].rest), ("fails", "EACCES"))
        self.assertEqual(rows[f"{POWERCAP}/name"].rest, "package-0")

    def test_names_of_any_bytes_stay_one_row_each(self):
        for name in ("with blank", "with\nline", "µ", "-rf", "$(x)", "a*"):
            self.put(f"{POWERCAP}/{name}", "1")
        (self.root / "devices/virtual/powercap/loop").symlink_to(".")
        text = self.capture()
        found = {row.path.encode("latin-1").decode() for row in listing.parse(text)[1] if row.kind == "file"}
        self.assertEqual(found, {f"{POWERCAP}/{name}" for name in ("with blank", "with\nline", "µ", "-rf", "$(x)", "a*")})

    def test_a_directory_that_is_none_is_refused(self):
        run = subprocess.run(["sh", CAPTURE, self.root / "absent"], capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stdout), (2, ""))
        self.assertIn("is no directory", run.stderr)

    # --- what is the machine's own business

    def test_a_gpu_that_sleeps_is_not_read(self):
        for status, kind in (("active", "file"), ("unsupported", "file"), ("suspended", "asleep"), ("suspending", "asleep"), ("resuming", "asleep")):
            with self.subTest(status):
                shutil.rmtree(self.root)
                monitor = self.gpu(status)
                rows = self.rows()
                self.assertEqual([rows[f"{monitor}/{name}"].kind for name in ("power1_cap", "power1_average")], [kind, kind])
                self.assertEqual(rows[f"{GPU}/power/runtime_status"].rest, status)

    @unittest.skipUnless(shutil.which("strace"), "no strace")
    def test_nothing_is_opened_for_writing_and_nothing_of_what_sleeps_at_all(self):
        monitor = self.gpu("suspended")
        self.put(f"{POWERCAP}/constraint_0_power_limit_uw", "1")
        trace = self.root.parent / "trace"
        self.capture(before=["strace", "-f", "-qq", "-o", trace, "-e", "trace=open,openat,creat,unlink,unlinkat,rename,mkdir,chmod,truncate"])
        lines = trace.read_text().splitlines()
        opened = [line for line in lines if str(self.root) in line]
        self.assertTrue(any("constraint_0_power_limit_uw" in line for line in opened))
        self.assertEqual([line for line in lines if re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|unlink|rename|mkdir|chmod|truncate\(", line)
                          and '"/dev/null"' not in line and '"/dev/tty"' not in line], [])
        self.assertEqual([line for line in opened if f"{monitor}/power" in line], [])

    def test_serial_numbers_stay_there_and_addresses_are_replaced(self):
        monitor = self.gpu("active")
        host = os.uname().nodename.split(".")[0]
        self.put(f"{GPU}/serial_number", "ZX81")
        self.put(f"{monitor}/power1_serial_number", "ZX81")
        self.put("devices/virtual/dmi/id/product_serial", "ZX81")
        self.put("devices/virtual/dmi/id/product_name", f"Model 7 of {host}")
        self.put(f"{monitor}/label", "board 52:54:00:ab:CD:ef 52-54-00-ab-CD-ef 01234567-89ab-cdef-0123-456789abcdef")
        text = self.capture()
        for secret in ("ZX81", "5f3a8c1de0427b96", "54:00", "54-00", "89ab", host):
            self.assertNotIn(secret, text)
        self.assertIn(f"file 0644 {monitor}/label board 00:00:00:00:00:00 00-00-00-00-00-00 00000000-0000-0000-0000-000000000000\n", text)
        self.assertIn("product_name Model 7 of host\n", text)
        # Where the bus has it is no secret, and says which of several it is.
        self.assertIn(f" {GPU}/power/runtime_status active\n", text)

    def test_what_measures_no_power_is_left_out(self):
        self.put(f"{POWERCAP}/uevent", "DEVTYPE=")
        self.put(f"{POWERCAP}/power/control", "auto")
        self.put("class/hwmon/hwmon0/name", "nvme")
        self.put("class/hwmon/hwmon0/temp1_input", "41850")
        self.assertEqual([row.path for row in self.rows().values() if row.kind == "file"], [])

    def test_what_a_listing_may_not_say_is_refused(self):
        for line in ("file 0444", "fil 0444 a b", "file 999 a", "file 0444 /etc/passwd x", "file 0444 a/../../x y", "link 0777 ../x y"):
            with self.subTest(line), self.assertRaises(listing.BadListing):
                listing.parse(line)
        with self.assertRaises(listing.BadListing):
            listing.unescaped("a\\q")


if __name__ == "__main__":
    unittest.main()
