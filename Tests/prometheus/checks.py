"""What was checked, a line each."""


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def that(self, is_so, sentence, why=""):
        """- why: what was found instead."""
        if is_so:
            self.passed += 1
            print(f"ok {sentence}", flush=True)
        else:
            self.failed += 1
            print(f"not ok {sentence}", flush=True)
            for line in str(why).splitlines()[:40]:
                print(f"    {line}", flush=True)

    def equal(self, found, expected, sentence):
        self.that(found == expected, sentence, f"{found!r}\nisn't\n{expected!r}")

    def end(self):
        print(f"prometheus: {self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0
