#!/usr/bin/env python3
"""Adds up the limits in force of many nodes, many times a second, in a process of its own.

usage: sampler.py FILE…        the limit files of all packages of all nodes

A sum is of an instant where two readings of every file are the same: in between nothing was otherwise that is otherwise in neither.
Standard input has lines: `budget UW` (what the sum must not be above from now on; 0 is nothing), `mark` (prints the figures since
the last mark, as JSON). It ends with its input.
"""
import json
import os
import select
import sys
import time

# Between two instants: 200 a second, where there is time for it.
PAUSE_S = 0.005


class Figures:
    def __init__(self, since):
        self.since, self.last, self.samples, self.unsteady, self.longest_gap = since, since, 0, 0, 0.0
        self.most, self.over = 0, []

    def take(self, now, total, budget, values):
        self.samples += 1
        self.longest_gap = max(self.longest_gap, now - self.last)
        self.last = now
        self.most = max(self.most, total)
        if budget and total > budget:
            self.over.append((now, total, budget, values))

    def text(self, now):
        return json.dumps({
            "seconds": now - self.since, "samples": self.samples, "unsteady": self.unsteady, "longest_gap": self.longest_gap,
            "most": self.most, "over": len(self.over), "first_over": self.over[:3]})


def main():
    files = [os.open(name, os.O_RDONLY) for name in sys.argv[1:]]

    def reading():
        return [int(os.pread(file, 32, 0).split(b"\n")[0]) for file in files]

    budget, figures = 0, Figures(time.monotonic())
    print("ready", flush=True)
    while True:
        while select.select([sys.stdin], [], [], 0)[0]:
            line = sys.stdin.readline().split()
            if not line:
                return
            now = time.monotonic()
            if line[0] == "budget":
                budget = int(line[1])
                print("done", flush=True)
            else:
                print(figures.text(now), flush=True)
                figures = Figures(now)
        before, after = reading(), reading()
        if before == after:
            figures.take(time.monotonic(), sum(after), budget, after)
            time.sleep(PAUSE_S)
        else:
            figures.unsteady += 1


main()
