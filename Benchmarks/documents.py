"""Where a run's figures are kept: docs/performance.md has all of them, README's table those that are promised."""
import datetime
import subprocess

import report

ROOT = report.HERE.parent
README, PERFORMANCE = ROOT / "README.md", ROOT / "docs/performance.md"
START, END = "<!-- numbers: made by make bench -->\n", "<!-- end -->"

TEXT = """\
# Performance

This page is what `make bench` printed last: it writes it, and the table of the [README](../README.md#numbers). What is promised is in
`Benchmarks/promises.json`, and nowhere else.

| | |
| --- | --- |
| machine | {machine} |
| date | {date} |
| commit | {commit} |

{table}
Programs are those that `make release` builds, on trees of plain files. What depends on the machine has a null measurement, taken by
turns with it or at the same time: the same done by a C program, by a client that asks the helper itself, or nothing done at all. MB and kB
are decimal.

`make bench CHECK=1` writes nothing, and fails where a size, a count or a ratio to the null measurement is beyond the last column: neither
depends on how fast the machine is, nor on who else uses it. A time alone fails nothing.

- Memory of the controller is measured on a Node of 15 kB over TLS, scraped every second, after {memory_s} s: what starting takes is given
  back within a minute.
- A scrape's CPU time is that of the whole process, over a connection that is kept, without what an answer of two letters takes.
- The budgets of 2,000 nodes are one of a site and four of rows, with classes and room for two jumps, of which some bind
  (`Benchmarks/fleet.swift`). A report is answered from its bytes to those of the answer, without TLS and HTTP.
- From `set` to the limit: from before connecting to the control socket to when the register's file has the new limit.
- The page's 24 hours pass in a minute and a half, by clocks that go a thousand times as fast (`Benchmarks/day.c`), under a solar source
  and with packages that never draw the same.
- Of 500 clients 5 % send half a request and then nothing, the others come again when they are answered, for half a minute to `/metrics` and
  as long to `/`. A turn of the loop answers both places and does what is due. Its CPU time is taken by a stopwatch around the shipped program
  (`Benchmarks/turns.c`); a hypervisor's own time and interrupts are in it, as in the null's, a C program that computes for a millisecond
  at a time. Renewals are seen by a relay before the helper, and the null is a process on the same CPU that only wakes.

## What the parts say

```
{details}
```
"""


def write(figures, promises, details, machine, memory_s):
    rows = list(report.rows(figures, promises))
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], stdout=subprocess.PIPE, text=True).stdout.strip()
    PERFORMANCE.write_text(TEXT.format(
        machine=machine, date=datetime.date.today().isoformat(), commit=commit or "not known", memory_s=memory_s,
        table=report.markdown([report.HEAD, *rows]), details=details.strip()))
    before, _, rest = README.read_text().partition(START)
    _, _, after = rest.partition(END)
    README.write_text(before + START + readme_table(rows) + END + after)


def readme_table(rows):
    return report.markdown([report.HEAD[:3]] + [row[:3] for row in rows if row[1] != "-"])
