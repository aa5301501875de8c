#!/usr/bin/env python3
"""The programs that `make bench` compiles are of today's modules: nothing else would say so before somebody measures.

Needs a debug build (`swift build --build-tests`).
"""
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build/debug"


class Programs(unittest.TestCase):
    def test_each_fits_the_modules(self):
        maps = [word for path in sorted(BUILD.glob("C*.build/module.modulemap")) for word in ("-Xcc", f"-fmodule-map-file={path}")]
        programs = sorted((ROOT / "Benchmarks").glob("*.swift"))
        self.assertTrue(programs)
        for program in programs:
            with self.subTest(program.name):
                run = subprocess.run(
                    ["swiftc", "-typecheck", "-swift-version", "6", "-I", BUILD / "Modules", *maps, program], capture_output=True, text=True)
                self.assertEqual(run.returncode, 0, run.stderr)


if __name__ == "__main__":
    unittest.main()
