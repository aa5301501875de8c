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
- The kernel forgets both programs first, and reads them from the disk again, as after a boot: of a file that was just written it has large pieces in memory, which Linux
  6.18 maps as a whole.
- A C program reads every file of a machine with GPUs before it answers. The helper answers with what the GPUs' threads have read last, and wakes them then: what they do is in
  the row of CPU time, with their being woken, and not in the round trip. Both rest between two samples until it is done.
- Sixteen devices are eight packages and eight GPUs, changed by one Apply; a program on another CPU looks at their files all the time. The null writes
  the files itself.
- With every driver the helper has 41 zones of ten drivers, of which 15 have a thread.
- An agent is the program with SOURCE=granted under a real coordinator with TLS, beside the same with SOURCE=static, three of each, on the same CPU for the same minute. All else is as where
  nobody says anything, so that the agent's shorter lease and its looking at the node's work every 2 s are in it. Memory is measured behind that, when both have been
  scraped and their watches had a bookmark. Without Kubernetes it is libcurl and OpenSSL, which nothing else there needs. The agent is woken twice in 2 s: for a look at
  the node's work, with which its lease is renewed and its report is sent, and for the answer; and it waits for the helper twice.
- A scrape's CPU time is that of the whole process, over a connection that is kept, without what an answer of two letters takes. None is
  the one before, as it is for a crowd (decision 71).
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
