"""The helper's figures: round trips beside a C program's, memory, allocations."""
import os
import queue
import shutil
import subprocess
import threading
import time

from client import Client
from report import Figure
from rig import PACKAGES, Helper, NotMeasured, Running, compile_c, pin, zone_list

ROUNDS = 20_000
REQUESTS = 10_000
STARTS = 9
# glibc's ways to get memory from the heap.
ALLOCATORS = ["malloc", "posix_memalign", "calloc", "realloc", "aligned_alloc", "memalign", "valloc", "pvalloc"]


def compile_reference(directory):
    return compile_c("reference", directory, "-static-pie", "-s")


def size(binary, directory):
    megabytes, reference = (os.path.getsize(file) / 1e6 for file in [binary, compile_reference(directory)])
    yield Figure("helper: file", megabytes, f"{megabytes:.3f} MB", f"{reference:.3f} MB the C program")


def round_trips(binary, directory, cpu):
    with Helper(binary, directory / "helper", cpu) as helper:
        print(f"Sandbox: {helper.sandbox()}")
        p50, _ = beside_reference(helper, directory, ROUNDS)
    for operation in ("ReadSample", "Ping"):
        ours, theirs, null = (p50[operation, server] for server in range(3))
        yield Figure(f"helper: {operation} p50, of the C program's", ours / theirs, f"{ours / theirs:.3f}",
                     f"{null / theirs:.3f} (the same C program again)")


def beside_reference(helper, directory, rounds, rest_us=0):
    """Round trips to a helper and to two reference servers of which one is the null: how far apart are two that don't differ? All are static
    programs in files of their own. Shared pages would let each warm the caches for its twin, and for nobody else.
    Their medians in ns, by operation and server; and each server's CPU time in ns, of all its threads."""
    reference, program = compile_reference(directory), compile_c("roundtrips", directory)
    null = directory / "null"
    shutil.copy(reference, null)
    zones, sockets = directory / "zones", [directory / "reference.socket", directory / "null.socket"]
    for socket in sockets:
        socket.unlink(missing_ok=True)
    with Client(helper.socket) as client:
        zones.write_text(zone_list(helper.files(), client.zone_ids()))
    with Running([reference, sockets[0], zones], directory / "reference.log", helper.cpu) as first, \
            Running([null, sockets[1], zones], directory / "null.log", helper.cpu) as second:
        first.wait_for(lambda: can_connect(sockets[0]), "doesn't listen")
        second.wait_for(lambda: can_connect(sockets[1]), "doesn't listen")
        servers = [helper, first, second]
        before = [server.cpu_time_ns() for server in servers]
        command = [str(word) for word in [program, rounds, rest_us, helper.socket, *sockets]]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=pin(helper.cpu))
        spent = [server.cpu_time_ns() - start for server, start in zip(servers, before)]
    if run.returncode != 0:
        raise NotMeasured(f"round trips: {run.stderr.strip()}")
    rows = [line.split() for line in run.stdout.splitlines()]
    rest = f", and rests for {rest_us} µs after each" if rest_us else ""
    print(f"\nRound trips in µs: {rounds} of each kind and server, in random turns; the client and all servers are pinned to\n"
          f"CPU {helper.cpu}; each reply was compared with the helper's, byte for byte but for the time stamp{rest}")
    print(f"  {'':12}{'bytes':>6}{'server':>11}{'p50':>8}{'p90':>8}{'p99':>8}")
    for operation, server, size, *times in rows:
        name = ["helper", "reference", "null"][int(server)]
        print(f"  {operation:12}{size:>6}{name:>11}" + "".join(f"{int(time) / 1000:8.2f}" for time in times))
    return {(operation, int(server)): int(time) for operation, server, _, time, *_ in rows}, spent


def can_connect(path):
    try:
        Client(path).socket.close()
        return True
    except OSError:
        return False


def memory(binary, directory, cpu):
    """Of several starts, because the kernel maps up to 16 pages of the file around one that is touched, and which these are
    depends on the random address that a start gets."""
    program, sizes, nulls, threads = compile_reference(directory), [], [], 0
    for start in range(STARTS):
        with Helper(binary, directory / f"memory-{start}", cpu) as helper, Client(helper.socket) as client:
            client.ask_everything(REQUESTS, client.acquire(), packages(client))
            time.sleep(0.5)
            sizes.append((helper.status("VmRSS"), helper.status("RssAnon")))
            threads = max(threads, helper.status("Threads"))
            (directory / "zones").write_text(zone_list(helper.files(), client.zone_ids()))
            socket = directory / f"reference-{start}.socket"
            with Running([program, socket, directory / "zones"], directory / "reference.log", cpu) as reference:
                reference.wait_for(lambda: can_connect(socket), "doesn't listen")
                nulls.append(reference.status("VmRSS") * 1024 / 1e6)
    most, anonymous = max(sizes)
    megabytes = [resident * 1024 / 1e6 for resident, _ in sorted(sizes)]
    yield Figure(f"helper: VmRSS after {REQUESTS:,} requests", megabytes[-1],
                 f"{megabytes[-1]:.3f} MB at most ({most} KiB, {anonymous} of them anonymous; "
                 f"of {STARTS} starts: {megabytes[0]:.3f} to {megabytes[-1]:.3f})",
                 f"{max(nulls):.3f} MB at most the C program")
    yield Figure("helper: threads", threads, str(threads))


def packages(client):
    ids = client.zone_ids()
    return [ids.index(id) for id in PACKAGES]


def allocations(unstripped, directory, cpu):
    """Counts calls of the allocator by a debugger's breakpoints in the unstripped twin. Those of connecting are the null:
    a counter that counts."""
    name = "helper: heap allocations per request"
    gdb = shutil.which("gdb")
    if not gdb:
        raise NotMeasured(f"{name}: there is no gdb")
    if os.geteuid() != 0:
        raise NotMeasured(f"{name}: only root can attach a debugger to the helper, which isn't dumpable")
    symbols = {line.split()[-1] for line in subprocess.run(["nm", unstripped], stdout=subprocess.PIPE, text=True,
                                                           check=True).stdout.splitlines()}
    counted = [allocator for allocator in ALLOCATORS if allocator in symbols]
    if "malloc" not in counted:
        raise NotMeasured(f"{name}: {unstripped} has no symbol malloc; is it stripped?")
    # gdb warns of every module that the debug information mentions; the symbols are enough.
    twin = directory / "symbols"
    subprocess.run(["strip", "--strip-debug", "-o", twin, unstripped], check=True)
    with Helper(twin, directory / "twin", cpu) as helper, Debugger(gdb, helper, counted) as debugger:
        with Client(helper.socket) as client:
            token, indexes = client.acquire(), packages(client)
            connecting = debugger.hits()
            client.ask_everything(REQUESTS, token, indexes)
            serving = {function: hits - connecting[function] for function, hits in debugger.hits().items()}
    if not any(connecting.values()):
        raise NotMeasured(f"{name}: the debugger counted nothing while a client connected, so it doesn't count")
    # One of these may call another: the one that was called most often is how many there were.
    most = max(serving.values())
    yield Figure(name, most / REQUESTS, f"{most / REQUESTS:g} (calls in {REQUESTS:,} requests: {describe(serving)})",
                 f"calls while a client connected: {describe(connecting)}")


def describe(hits):
    return ", ".join(f"{count} {function}" for function, count in hits.items() if count) or "none"


class Debugger:
    """gdb on a process, with breakpoints that only count. It goes away with the process or before it."""

    def __init__(self, gdb, helper, functions):
        self.pid = helper.pid
        self.command = [gdb, "--nx", "--quiet", "--interpreter=mi2", helper.command[0]]
        self.functions = functions

    def __enter__(self):
        self.gdb = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    text=True, bufsize=1)
        # gdb reports every hit; unread, the reports would fill the pipe and stop it, and with it the helper.
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self.read, daemon=True).start()
        self.say("-gdb-set mi-async on")
        self.say(f"-target-attach {self.pid}")
        for function in self.functions:
            # The address itself: gdb would otherwise skip what it takes for the prologue.
            self.say(f"-break-insert -i 1000000000 *{function}")
        self.say("-exec-continue", "^running")
        return self

    def __exit__(self, *_):
        self.gdb.stdin.close()
        self.gdb.wait(10)

    def read(self):
        for line in self.gdb.stdout:
            if not line.startswith("=breakpoint-modified"):
                self.lines.put(line)

    def say(self, command, answer="^done"):
        """gdb's answer in its machine interface; what it reports in between is of no interest."""
        self.gdb.stdin.write(command + "\n")
        lines = []
        try:
            while not lines or not lines[-1].startswith((answer, "^error")):
                lines.append(self.lines.get(timeout=30))
        except queue.Empty:
            lines.append("no answer\n^error")
        if not lines[-1].startswith(answer):
            raise NotMeasured(f"gdb: {command}: {''.join(lines)}")
        return lines[-1]

    def hits(self):
        """The calls so far, by function. The process runs on: an interrupt would be a SIGINT, on which it ends."""
        counts = [int(row.split('"')[0]) for row in self.say("-break-list").split('times="')[1:]]
        return dict(zip(self.functions, counts, strict=True))
