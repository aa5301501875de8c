"""How figures are put beside promises."""
import dataclasses
import json
import os
import pathlib
import platform

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass
class Promise:
    """A row of promises.json: what a figure is held to, and what `make bench CHECK=1` fails by.

    `check` is "value" of what doesn't depend on how fast the machine is and who else uses it, and "ratio" of times that have a null
    measurement taken by turns with them, which is slow when they are. Other times are shown, and fail nothing."""
    name: str
    comparison: str
    most: float
    unit: str
    check: str | None = None
    most_ratio: float | None = None

    @property
    def words(self):
        return f"{self.comparison} {self.most:g} {self.unit}".removeprefix("= ").strip()

    @property
    def check_words(self):
        return {"value": self.words, "ratio": f"≤ {self.most_ratio or 0:g} × null", None: "-"}[self.check]

    def is_kept(self, value):
        return {"≤": value <= self.most, "<": value < self.most, "=": value == self.most}[self.comparison]

    def fails(self, figure):
        """Whether the figure is beyond what CHECK=1 allows. A ratio that isn't known is."""
        match self.check:
            case "value": return not self.is_kept(figure.value)
            case "ratio": return figure.ratio is None or not figure.ratio <= self.most_ratio
        return False


def promises():
    """By their names, in the order in which they are shown."""
    return {row["name"]: Promise(**row) for row in json.loads((HERE / "promises.json").read_text())}


@dataclasses.dataclass
class Figure:
    """What was measured, in the promise's unit; the same in words, and the null measurement; and the ratio of the two. One that nobody has
    promised anything of is for information."""
    name: str
    value: float
    measured: str
    null: str = "-"
    ratio: float | None = None


def failures(figures, promises):
    """What CHECK=1 fails by, a sentence each."""
    return [f"{figure.name}: {figure.measured}, null: {figure.null}; allowed: {promise.check_words}"
            for figure in figures if (promise := promises.get(figure.name)) and promise.fails(figure)]


def missing(figures, promises):
    """Promises that nothing was measured of."""
    return [name for name in promises if name not in {figure.name for figure in figures}]


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")), platform.machine())
    virtual = ", virtual" if "hypervisor" in info else ""
    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"{model}, {os.cpu_count()} CPUs{virtual}, Linux {platform.release()}, load {load}"


def rows(figures, promises):
    """A figure each: name, promise, what was measured, whether it is kept, null measurement, ratio, what CHECK=1 allows. Promises first."""
    order = list(promises)
    for figure in sorted(figures, key=lambda figure: order.index(figure.name) if figure.name in promises else len(order)):
        promise, ratio = promises.get(figure.name), "-" if figure.ratio is None else f"{figure.ratio:.1f}"
        if promise is None:
            yield [figure.name, "-", figure.measured, "-", figure.null, ratio, "-"]
        else:
            verdict = "met" if promise.is_kept(figure.value) else "MISSED"
            yield [figure.name, promise.words, figure.measured, verdict, figure.null, ratio, promise.check_words]


HEAD = ["figure", "promised", "measured", "", "null measurement", "ratio", "CHECK=1 allows"]


def markdown(rows):
    head, *rest = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *rest]) + "\n"
