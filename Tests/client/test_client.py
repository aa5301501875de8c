#!/usr/bin/env python3
"""The client against the vectors and against a helper; run as a program, all tests of this directory.

  POWERCAP_HELPER=.build/debug/raplhelper python3 Tests/client/test_client.py [-v] [-k PATTERN]

Each test starts a helper of its own on a tree of plain files. What plain files can't do (rounding, writes that fail, zones
that go) is tested with the kernel's driver in Tests/kernel.
"""
import json
import pathlib
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import DEADLINE_S, DOCUMENT, REPOSITORY, HelperCase  # noqa: E402
from powercap_client import decode_frame, encode_frame  # noqa: E402

CLIENT = REPOSITORY / "Tests/client/powercap_client.py"


class VectorTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = (REPOSITORY / "Tests/Fixtures/protocol/vectors.txt").read_text()
        cls.vectors = []
        for block in text.rstrip("\n").split("\n\n")[1:]:
            lines = {"name": "", "note": "", "hex ": "", "json": ""}
            for line in block.split("\n"):
                lines[line[:4]] += line[5:]
            cls.vectors.append((lines["name"], bytes.fromhex(lines["hex "]), json.loads(lines["json"])))

    def test_decoding_a_vector_gives_what_it_means(self):
        for name, data, meaning in self.vectors:
            with self.subTest(name):
                frame, request_id, fields = decode_frame(data)
                self.assertEqual({"frame": frame, "request_id": request_id, **fields}, meaning)

    def test_encoding_what_a_vector_means_gives_its_bytes(self):
        for name, data, meaning in self.vectors:
            with self.subTest(name):
                self.assertEqual(encode_frame(meaning["frame"], meaning["request_id"], meaning).hex(), data.hex())

    def test_every_type_of_frame_has_a_vector(self):
        table = re.findall(r"^\| 0x\w\w \| (\w+) \|", DOCUMENT, re.M)
        self.assertEqual(len(table), 18)
        self.assertEqual({meaning["frame"] for _, _, meaning in self.vectors}, set(table))


class CommandLineTests(HelperCase):
    def run_client(self, *arguments):
        return subprocess.run([sys.executable, CLIENT, "--socket", self.helper.path, *arguments], capture_output=True, text=True,
                              timeout=DEADLINE_S)

    def test_people_can_look_at_zones_and_samples(self):
        self.start()
        zones, sample = self.run_client("zones"), self.run_client("sample")
        self.assertIn("intel-rapl:0/long_term  original 150 W  10 to 165 W", zones.stdout)
        self.assertIn("intel-rapl:0:0/long_term  original 0 W  ceilingBelowFloor", zones.stdout)
        self.assertIn("intel-rapl:1  psys  errno 2", sample.stdout)
        self.assertEqual((zones.returncode, sample.returncode), (0, 0))

    def test_people_can_set_limits_until_they_interrupt_it(self):
        self.start()
        process = subprocess.Popen(
            [sys.executable, CLIENT, "--socket", self.helper.path, "apply", "intel-rapl:0/long_term=60"],
            stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "intel-rapl:0/long_term  60 W in force\n")
        self.assertEqual(self.value(), 60000000)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.communicate(timeout=DEADLINE_S)[0], "1 restored, 0 changed by others, 0 failed, 0 at their fallback\n")
        self.assertEqual((process.returncode, self.value()), (0, 150000000))

    def test_a_mistake_is_told_in_a_sentence(self):
        self.start()
        self.assertIn("no constraint intel-rapl:9/long_term", self.run_client("apply", "intel-rapl:9/long_term=60").stderr)
        self.assertIn("below the constraint's floor", self.run_client("apply", "intel-rapl:0/long_term=1").stderr)
        self.assertEqual(self.value(), 150000000)


if __name__ == "__main__":
    unittest.main(module=None, argv=[sys.argv[0], "discover", "-s", str(pathlib.Path(__file__).parent), *sys.argv[1:]])
