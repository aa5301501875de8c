"""The helper's figures on machines with accelerators and meters, whose drivers have threads."""
import contextlib
import os
import time

from client import APPLY, Client, limits
from helper import beside_reference
from machine import Machine, every_driver
from report import Figure
from rig import NotMeasured, median, p99, volatile_directory

# How many accelerators, how often each is asked, and how long its threads have for what they do after an answer.
SAMPLES = [(8, 4_000, 300), (64, 500, 2_000)]
CHANGES, PATIENCE_S = 200, 5
STARTS, REQUESTS = 5, 2_000
LIMITS_UW = 120_000_000, 121_000_000


def samples(binary, directory, cpu):
    """The C program reads every file before it answers. The helper answers with what the threads have read last, and wakes them after that: what
    they do isn't in the round trip, and is in its CPU time."""
    for gpus, rounds, rest_us in SAMPLES:
        with Machine(binary, directory / f"gpus-{gpus}", cpu, gpus=gpus) as machine:
            p50, spent = beside_reference(machine, directory, rounds, rest_us)
        ours, theirs, null = (p50["ReadSample", server] for server in range(3))
        helper, reference, again = (nanoseconds / rounds / 1e3 for nanoseconds in spent)
        # Pings and warming up are in the processor time of all of them alike.
        yield Figure(f"helper: ReadSample p50, 8 packages and {gpus} GPUs, of the C program's", ours / theirs,
                     f"{ours / theirs:.3f} ({ours / 1e3:.0f} µs)", f"{null / theirs:.3f} (the same C program again)")
        yield Figure(f"helper: CPU time of a sample, 8 packages and {gpus} GPUs, of the C program's", helper / reference,
                     f"{helper / reference:.2f} ({helper:.0f} µs, with that of {gpus} threads)",
                     f"{again / reference:.2f} (the same C program again)")


def changes(binary, cpu, other_cpu):
    """From before the request to when all sixteen files have the new limit, which somebody on another CPU looks at all the time. The null writes
    the files itself."""
    if other_cpu is None:
        raise NotMeasured("helper: a change of 16 devices: the program that watches the limits needs a second CPU")
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(volatile_directory())
        machine = stack.enter_context(Machine(binary, directory / "changes", cpu))
        client = stack.enter_context(Client(machine.socket))
        token, devices = client.acquire(), machine.devices(client)
        files, ids = machine.files(), client.zone_ids()
        watched = [os.open(files[ids[place]][3], os.O_RDWR) for place in devices]
        for descriptor in watched:
            stack.callback(os.close, descriptor)
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {other_cpu})
        stack.callback(os.sched_setaffinity, 0, allowed)

        def applied(limit_uw):
            client.ask(APPLY, token + limits(devices, limit_uw))

        def written(limit_uw):
            for descriptor in watched:
                os.pwrite(descriptor, b"%d\n" % limit_uw, 0)

        times = {applied: [], written: []}
        for number in range(CHANGES):
            for change in times:
                limit_uw = LIMITS_UW[number % 2] + (change is written) * 2_000_000
                start = time.perf_counter()
                change(limit_uw)
                while any(int(os.pread(descriptor, 32, 0).split()[0]) != limit_uw for descriptor in watched):
                    if time.perf_counter() > start + PATIENCE_S:
                        raise NotMeasured(f"helper: a change of 16 devices: {limit_uw} µW isn't everywhere after {PATIENCE_S} s")
                times[change].append((time.perf_counter() - start) * 1e3)
                # Its threads are at rest when somebody changes something.
                time.sleep(0.01)
    ours, null = times[applied], times[written]
    yield Figure(f"helper: {len(devices)} devices changed to all in force, p99", p99(ours),
                 f"{p99(ours):.1f} ms (of {CHANGES}; median {median(ours):.2f} ms)",
                 f"{p99(null):.1f} ms (median {median(null):.2f} ms) who writes the files itself", ratio=median(ours) / median(null))


def memory(binary, directory, cpu):
    """Of several starts, as without other hardware."""
    sizes, threads, zones = [], 0, 0
    for start in range(STARTS):
        with Machine(binary, directory / f"drivers-{start}", cpu, others=every_driver()) as machine, Client(machine.socket) as client:
            client.ask_everything(REQUESTS, client.acquire(), machine.devices(client))
            time.sleep(0.5)
            sizes.append((machine.status("VmRSS"), machine.status("RssAnon")))
            threads, zones = machine.status("Threads"), len(client.zone_ids())
    most, anonymous = max(sizes)
    yield Figure("helper: VmRSS with every driver, 8 packages and 8 GPUs", most * 1024 / 1e6,
                 f"{most * 1024 / 1e6:.3f} MB at most ({most} KiB, {anonymous} of them anonymous; of {STARTS} starts; {zones} zones, {threads - 1} of "
                 "them with a thread)")
