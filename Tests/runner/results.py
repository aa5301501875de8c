"""What the runners of the project's tests say, read from their lines."""
import dataclasses
import re


@dataclasses.dataclass
class Result:
    passed: int = 0
    failures: list = dataclasses.field(default_factory=list)  # `name`, or `name: what was wrong first`
    skips: list = dataclasses.field(default_factory=list)     # `name: reason`

    def ended(self, status, lines):
        """A runner that failed without a failed test counts as one failure, under what it said last."""
        if status != 0 and not self.failures:
            last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
            self.failures = [f"ended with {status}: {last}"]
        elif status == 0 and not self.failures and not self.passed and not self.skips:
            self.failures = ["no test ran"]
        return self


def command(lines, status):
    """A step whose exit status is its only result."""
    return Result(passed=int(status == 0)).ended(status, lines)


def swift(lines, status):
    """`swift test`: a line when a test starts, and one when it ends. Tests that run side by side write into each other's
    lines, and some are lost: how many there were is known from the run's last line alone, that counts the skipped too."""
    result, running, ran, reasons = Result(), {}, None, {}
    for line in lines:
        line = line.rstrip()
        if match := re.search(r"✘ Test (.+?) recorded an issue.*? at (\S+\.swift:\d+):\d+: (.+)$", line):
            reasons.setdefault(match[1], f"{match[2]}: {match[3]}")
        elif match := re.search(r"◇ Test (?!run |case passing )(.+) started\.$", line):
            running[match[1]] = True
        elif match := re.search(r"[✔✘] Test (?!run )(.+?)(?: with \d+ test cases?)? (passed|failed) after ", line):
            running.pop(match[1], None)
            if match[2] == "passed":
                result.passed += 1
            else:
                result.failures.append(": ".join(filter(None, [bare(match[1]), reasons.get(match[1])])))
        elif match := re.search(r"Test (?!run )(.+?) skipped(?:: (.*))?$", line):
            running.pop(match[1], None)
            result.skips.append(f"{bare(match[1])}: {(match[2] or 'no reason given').strip(chr(34))}")
        elif match := re.search(r"[✔✘] Test run with (\d+) tests? ", line):
            ran = (ran or 0) + int(match[1])
    if ran is not None:
        result.passed = max(0, ran - len(result.failures) - len(result.skips))
    if status != 0 and (ran is None or not result.failures):
        if found := crash(lines):
            result.failures.append(found)
        else:
            # Nobody says in which test.
            names = [bare(name) for name in running]
            result.failures += [f"was running when the tests ended: {name}" for name in names[:5]]
            if len(names) > 5:
                result.failures.append(f"was running when the tests ended: {len(names) - 5} others")
    return result.ended(status, lines)


def crash(lines):
    """What Swift's backtracer says of a crash: what was wrong, in which line of ours, and in which line of a test."""
    wrong, places, crashed = None, [], False
    for line in lines:
        if match := re.match(r"\S+\.swift:\d+: (.+)", line):
            wrong = match[1].strip()
        elif match := re.match(r"\*\*\* Program crashed: (.+?) at 0x\w+ \*\*\*", line):
            wrong = wrong or match[1]
        elif match := re.match(r"Thread \d+.*?( crashed)?:$", line.rstrip()):
            crashed = match[1] is not None
        elif crashed and (match := re.search(r"/((?:Sources|Tests)/\S+?\.swift:\d+)(?::\d+)?$", line.rstrip())):
            places.append(match[1])
    if not places:
        return None
    test = next((place for place in places if re.match(r"Tests/\w+Tests/", place)), None)
    return f"crashed: {places[0]}: {wrong}" + (f", from {test}" if test and test != places[0] else "")


def bare(name):
    return name[1:-1] if len(name) > 1 and name[0] == name[-1] == '"' else name


def python(lines, status):
    """unittest with -v. Status 77: it can't run here, and its last line says why."""
    if status == 77:
        return unable(lines)
    result, ran, skipped, failure = Result(), 0, 0, None
    for line in lines:
        line = line.rstrip()
        if failure is not None and re.match(r"[A-Za-z_][\w.]*(?:Error|Failed|Expired|Missing|Exception)\b", line):
            # Of causes of causes the last is what the test ended with.
            result.failures[-1] = f"{failure}: {line}"
        elif re.match(r"={70}|Ran \d+ test", line):
            failure = None
        if match := re.match(r"Ran (\d+) tests?", line):
            ran = int(match[1])
        elif match := re.match(r"(?:FAIL|ERROR): (.+)$", line):
            failure = match[1]
            result.failures.append(failure)
        elif match := re.match(r"(\S+) .*\.\.\. skipped (.*)", line):
            result.skips.append(f"{match[1]}: {match[2]}")
        if match := re.search(r"^(?:OK|FAILED) \(.*skipped=(\d+)", line):
            skipped = int(match[1])
    result.passed = max(0, ran - len(result.failures) - skipped)
    return result.ended(status, lines)


def rig(lines, status):
    """Lines `ok …` and `not ok …`. Status 77 as above; what is left out for the lack of a tool is a line `skipped - …`."""
    if status == 77:
        return unable(lines)
    result = Result(passed=sum(line.startswith("ok ") for line in lines))
    result.failures = [line.removeprefix("not ok").strip(" -\n") for line in lines if line.startswith("not ok ")]
    result.skips = [line.removeprefix("skipped - ").strip() for line in lines if line.startswith("skipped - ")]
    return result.ended(status, lines)


def unable(lines):
    return Result(skips=[lines[-1].strip() if lines else "no reason given"])
