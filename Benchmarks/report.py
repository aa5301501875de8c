"""How a figure is put beside its promise."""
import dataclasses
import os
import pathlib
import platform


@dataclasses.dataclass
class Figure:
    name: str
    promise: str
    value: float
    most: float
    measured: str
    null: str = "-"

    @property
    def verdict(self):
        return "-" if self.promise == "-" else "met" if self.value <= self.most else "MISSED"


def machine():
    model = platform.machine()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    virtual = ", virtual" if "hypervisor" in pathlib.Path("/proc/cpuinfo").read_text() else ""
    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"{model}, {os.cpu_count()} CPUs{virtual}, Linux {platform.release()}, load {load}"


def table(figures):
    rows = [("figure", "promise", "measured", "verdict", "null measurement")]
    rows += [(figure.name, figure.promise, figure.measured, figure.verdict, figure.null) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + f" | {row[4]} |" for row in rows]
    lines.insert(1, "| " + " | ".join("-" * max(width, 3) for width in widths) + " | --- |")
    return "\n".join(lines)
