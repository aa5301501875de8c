"""The page's size once it has 24 hours to show."""
import contextlib
import os
import random
import time

from asking import Asking
from controller import Setting
from report import Figure
from rig import NotMeasured, compile_c, first_in_line, server

PACKAGES = (2, 8)
# The clocks of day.c go a thousand times as fast.
DAY_S = 86_400 / 1000
PACE_S = 0.03


def size(binary, helper_binary, directory, cpu):
    """A controller lives through 24 hours in a minute and a half, under the solar curve, while what its packages draw goes up and down."""
    library = compile_c("day", directory, "-shared", "-fPIC")
    with contextlib.ExitStack() as stack:
        settings = {}
        for packages in PACKAGES:
            setting = Setting(binary, helper_binary, directory / f"page-{packages}", cpu, server(packages))
            setting.environment |= {"SOURCE": "solar", "MAX_SOURCE": f"{packages * 160}W", "STABILISATION_TIME": "5m",
                                    "SAMPLE_INTERVAL": "30s", "LD_PRELOAD": str(library)}
            stack.enter_context(setting.helper)
            stack.enter_context(first_in_line(stack.enter_context(setting.controller())))
            settings[packages] = setting
        empty = {packages: len(ask(setting)) for packages, setting in settings.items()}
        draw([setting.helper for setting in settings.values()], DAY_S + 2)
        pages = {packages: ask(setting) for packages, setting in settings.items()}
    for packages, page in pages.items():
        hours = page.partition(b"<details id=hours>")[2].partition(b"</details>")[0].count(b"<th scope=row>")
        if hours < 24 or b"Nothing is kept of" in page:
            raise NotMeasured(f"controller: page: it shows {hours} hours, or a gap")
        yield Figure(f"controller: page, {packages} packages, 24 hours of history", len(page) / 1e3, f"{len(page) / 1e3:.1f} kB",
                     f"{empty[packages] / 1e3:.1f} kB when it has just begun")


def ask(setting):
    with Asking(setting.address) as asking:
        return asking.get("/")


def draw(helpers, seconds):
    """Every zone uses energy, never the same."""
    source, end = random.Random(1), time.monotonic() + seconds
    counters = {file: int(file.read_text()) for helper in helpers for file in helper.root.glob("**/energy_uj")}
    while time.monotonic() < end:
        for file in counters:
            counters[file] += int(source.uniform(20, 150) * PACE_S * 1e6)
            # As the kernel does it: one number is there, or the next.
            descriptor = os.open(file, os.O_WRONLY)
            os.pwrite(descriptor, f"{counters[file]}\n".encode(), 0)
            os.close(descriptor)
        time.sleep(PACE_S)
