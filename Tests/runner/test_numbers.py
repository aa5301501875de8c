"""Every promised number stands once, is shown as it was measured, and fails what it should."""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Benchmarks"))
import documents
import report
from report import Figure, Promise


def table(text, heading):
    """The rows of the table whose first row begins so."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2:]:
        if not line.startswith("| "):
            return rows
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


class DocumentTests(unittest.TestCase):
    """README and docs/performance.md are of one run, of every promise as it is made today."""
    performance = table(documents.PERFORMANCE.read_text(), "figure")
    readme = table(documents.README.read_text().partition(documents.START)[2].partition(documents.END)[0], "figure")

    def test_performance_has_every_promise_and_what_came_of_it(self):
        promised = [[promise.name, promise.words, promise.check_words] for promise in report.promises().values()]
        self.assertEqual([[row[0], row[1], row[6]] for row in self.performance if row[1] != "-"], promised)
        for name, _, measured, verdict, *_ in self.performance:
            self.assertTrue(measured, name)
            self.assertIn(verdict, ["met", "MISSED", "-"], name)

    def test_readme_has_the_promises_as_they_were_measured(self):
        self.assertEqual(self.readme, [row[:3] for row in self.performance if row[1] != "-"])

    def test_every_promise_is_measured_by_somebody(self):
        """A name in the code with what it puts in at run time left open."""
        code = "".join(file.read_text() for file in (ROOT / "Benchmarks").glob("*.py"))
        names = re.findall(r'(?:Figure\(|\bname = )f?"((?:helper|controller): [^"]+)"', code)
        patterns = [re.compile(re.sub(r"\\\{.*?\\\}", ".+", re.escape(name))) for name in names]
        for name in report.promises():
            self.assertTrue(any(pattern.fullmatch(name) for pattern in patterns), name)


class PromiseTests(unittest.TestCase):
    def test_what_is_kept(self):
        for comparison, value, kept in [("≤", 1, True), ("≤", 1.1, False), ("<", 1, False), ("<", 0.9, True), ("=", 1, True), ("=", 0, False)]:
            with self.subTest(comparison, value=value):
                self.assertEqual(Promise("n", comparison, 1, "ms").is_kept(value), kept)

    def test_words(self):
        for promise, words in [(Promise("n", "≤", 10.5, "MB"), "≤ 10.5 MB"), (Promise("n", "=", 2, ""), "2"), (Promise("n", "=", 0, ""), "0")]:
            self.assertEqual(promise.words, words)

    def test_what_check_fails_by(self):
        size, ratio, time = Promise("n", "≤", 1, "MB", "value"), Promise("n", "≤", 1, "ms", "ratio", 3), Promise("n", "≤", 1, "ms")
        for promise, value, beside, fails in [
            (size, 1, None, False), (size, 2, None, True), (ratio, 9, 3, False), (ratio, 0.1, 3.1, True), (ratio, 0.1, None, True),
            (ratio, 0.1, float("nan"), True), (time, 9, 9, False),
        ]:
            figures = [Figure("n", value, f"{value}", ratio=beside), Figure("nobody promised it", 9, "9")]
            with self.subTest(promise.check, value=value, ratio=beside):
                self.assertEqual(len(report.failures(figures, {"n": promise})), int(fails))

    def test_a_promise_that_nothing_was_measured_of_is_missing(self):
        self.assertEqual(report.missing([Figure("a", 1, "1")], {"a": None, "b": None}), ["b"])

    def test_promises_come_first_and_a_missed_one_is_called_that(self):
        rows = list(report.rows([Figure("x", 1, "1"), Figure("b", 2, "2 ms", "1 ms", 2.0), Figure("a", 1, "1 ms")],
                                {name: Promise(name, "≤", 1, "ms") for name in "ab"}))
        self.assertEqual([[row[0], row[3], row[5]] for row in rows], [["a", "met", "-"], ["b", "MISSED", "2.0"], ["x", "-", "-"]])


if __name__ == "__main__":
    unittest.main()
