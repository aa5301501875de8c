#!/usr/bin/env python3
"""Arrows point one way: between the modules, which SwiftPM holds, and between the folders inside of each, which only this holds.

Needs the index of a debug build (`swift build --build-tests`).
"""
import re
import subprocess
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADER = SourceFileLoader("architecture", str(ROOT / "scripts/architecture"))
architecture = module_from_spec(spec_from_loader("architecture", LOADER))
LOADER.exec_module(architecture)

# What stands alone, and is there for others: everything public in them is so on purpose.
LIBRARIES = ["Text", "JSON", "Signals", "Logging", "Metrics", "Policy", "Fleet", "HTTP", "HTTPServer", "Kubernetes"]
# What a protocol asks for is public because the type that conforms is.
ASKED_FOR = {"<(_:_:)", "==(_:_:)", "reading(at:)", "description"}
PUBLIC = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*public\s+(?:(?:static|final|mutating|borrowing|consuming|nonisolated|indirect|private\(set\)"
    r"|internal\(set\))\s+)*(?P<kind>struct|class|enum|protocol|actor|func|var|let|init|typealias|subscript)\b")


def swift_files(folder):
    return sorted((ROOT / "Sources" / folder).rglob("*.swift"))


class Circles(unittest.TestCase):
    def test_circles_are_found_and_nothing_else_is(self):
        for graph, expected in [
            ({}, []),
            ({"a": ["b"], "b": ["c"], "c": []}, []),
            ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, []),
            ({"a": ["b"], "b": ["a"]}, [["a", "b"]]),
            ({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}, [["a", "b", "c"]]),
            ({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c", "a"]}, [["a", "b"], ["c", "d"]]),
            ({"a": ["a"]}, [["a"]]),
        ]:
            with self.subTest(graph=graph):
                self.assertEqual(architecture.circles(graph), expected)

    def test_the_compiler_tells_of_arrows_that_no_import_shows(self):
        """A member of an extension is used in the one folder and written in the other; names alone would not tell."""
        with tempfile.TemporaryDirectory() as place:
            module = Path(place) / "Sources/Planted"
            for path, text in {
                "Left/Value.swift": "struct Value { var doubled: Int { number.twice } \n var number = 1 }\n",
                "Right/Twice.swift": "extension Int { var twice: Int { 2 * self } }\nfunc shown(_ value: Value) -> Int { value.number }\n",
                "Right/Alone.swift": "let alone = 1\n",
                "Above.swift": "func above() -> Int { shown(Value()) + alone }\n",
            }.items():
                (module / path).parent.mkdir(parents=True, exist_ok=True)
                (module / path).write_text(text)
            subprocess.run(
                ["swiftc", "-parse-as-library", "-module-name", "Planted", "-emit-library", "-o", f"{place}/planted.so",
                 "-index-store-path", f"{place}/index", *map(str, sorted(module.rglob("*.swift")))], check=True)
            index = architecture.Index(f"{place}/index", f"{place}/Sources")
            arrows = {source: sorted(targets) for source, targets in index.arrows(module).items()}
            self.assertEqual(arrows, {"Left": ["Right"], "Right": ["Left"], ".": ["Left", "Right"]})
            self.assertEqual(architecture.circles(arrows), [["Left", "Right"]])
            self.assertIn(("getter:twice", "Left/Value.swift"), index.arrows(module)["Left"]["Right"])


class Architecture(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.modules = architecture.modules()
        cls.index = architecture.Index()

    def test_modules_import_what_is_below_them(self):
        self.assertEqual(architecture.circles(self.modules), [])

    def test_folders_inside_a_module_have_no_circle(self):
        for module in self.modules:
            if module.startswith("C") and not swift_files(module):
                continue
            with self.subTest(module=module):
                arrows = self.index.arrows(ROOT / "Sources" / module)
                found = architecture.circles(arrows)
                why = [
                    f"{source} -> {target}: {', '.join(sorted(f'{name} in {file}' for name, file in arrows[source][target])[:5])}"
                    for circle in found for source in circle for target in circle if target in arrows.get(source, ())]
                self.assertEqual(found, [], "\n" + "\n".join(why))

    def test_nothing_in_a_folder_refers_to_the_files_beside_the_folders(self):
        """main.swift and its like are above everything."""
        for module in self.modules:
            for source, targets in self.index.arrows(ROOT / "Sources" / module).items():
                if module != "raplhelper" and source != ".":
                    self.assertNotIn(".", targets, f"{module}/{source}")

    def test_every_file_of_the_modules_is_in_the_index(self):
        """A file that the index doesn't know has no arrows, whatever it does."""
        known = {definition.file for definition in self.index.definitions.values()} | set(self.index.references)
        for module in self.modules:
            for file in swift_files(module):
                self.assertIn(file, known)

    def test_the_document_has_the_modules_and_the_picture_is_of_them(self):
        document = architecture.DOCUMENT.read_text()
        self.assertEqual(architecture.replaced(document, self.modules), document, "run scripts/architecture")
        self.assertIn(
            architecture.graph_source(self.modules), architecture.PICTURE.read_text(), "run scripts/architecture")

    def test_the_policy_is_pure(self):
        """No clock, no file, no socket: it imports the protocol's units, and functions of mathematics, each by its name."""
        allowed = {"PowercapProtocol"} | {f"func Glibc.{name}" for name in ("cos", "exp", "pow", "sin")}
        for file in swift_files("Policy"):
            imports = re.findall(r"^(?:@\w+ )*(?:public |internal |package )?import (.+)$", file.read_text(), re.MULTILINE)
            self.assertLessEqual(set(imports), allowed, file.name)

    def test_signals_are_read_without_a_clock_or_a_file(self):
        for file in swift_files("Signals"):
            imports = re.findall(r"^(?:@\w+ )*(?:public |internal |package )?import (.+)$", file.read_text(), re.MULTILINE)
            self.assertLessEqual(set(imports), {"JSON", "Text"}, file.name)

    def test_the_fleet_is_pure(self):
        """No clock, no file, no socket: times are given, and messages are bytes."""
        for file in swift_files("Fleet"):
            imports = re.findall(r"^(?:@\w+ )*(?:public |internal |package )?import (.+)$", file.read_text(), re.MULTILINE)
            self.assertLessEqual(set(imports), {"PowercapProtocol", "JSON"}, file.name)

    def test_what_stands_alone_knows_nothing_about_power(self):
        for module in ["HTTP", "HTTPServer", "Kubernetes", "JSON", "Signals", "Logging", "Metrics"]:
            for file in swift_files(module):
                self.assertIsNone(re.search(r"(?i)rapl|watt|power(?!cap\b)|powercap\.dev", file.read_text()), f"{module}/{file.name}")

    def test_what_is_public_is_described(self):
        """Of initialisers those that can fail: the others fill in the fields that are described."""
        for module in LIBRARIES:
            for file in swift_files(module):
                lines = file.read_text().splitlines()
                for number, line in enumerate(lines):
                    match = PUBLIC.match(line)
                    if not match or (match["kind"] == "init" and not re.search(r"init\?|throws", line)):
                        continue
                    above = number - 1
                    while above >= 0 and re.match(r"\s*@\w", lines[above]):
                        above -= 1
                    described = above >= 0 and re.match(r"\s*///", lines[above])
                    self.assertTrue(described, f"{module}/{file.name}:{number + 1}: {line.strip()}")

    def test_what_is_public_is_used_by_another_module(self):
        """Members are: a type may be named by nobody and still be what a member has."""
        users, at = {}, {}
        for file, symbols in self.index.references.items():
            for symbol in symbols:
                users.setdefault(symbol, set()).add(file.relative_to(ROOT / "Sources").parts[0])
        for symbol, definition in self.index.definitions.items():
            at.setdefault((definition.file, definition.line), []).append(symbol)
        for module in LIBRARIES:
            for file in swift_files(module):
                for number, line in enumerate(file.read_text().splitlines(), start=1):
                    match = PUBLIC.match(line)
                    symbols = at.get((file, number), [])
                    if not match or match["kind"] not in ("func", "var", "let", "subscript"):
                        continue
                    if {self.index.definitions[symbol].name for symbol in symbols} & ASKED_FOR:
                        continue
                    used = set().union(*(users.get(symbol, set()) for symbol in symbols))
                    self.assertTrue(used - {module}, f"{module}/{file.name}:{number} is public for nobody: {line.strip()}")


if __name__ == "__main__":
    unittest.main()
