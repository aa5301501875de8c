"""The helper's figures: round trips beside a C program's, memory, allocations."""
import os
import shutil
import subprocess
import time

from client import Client
from report import Figure
from rig import PACKAGES, Helper, NotMeasured, Running, compile_c, pin, zone_list

ROUNDS = 20_000
REQUESTS = 10_000
# glibc's ways to get memory from the heap; Swift's allocator calls one of the first two.
ALLOCATORS = ["malloc", "posix_memalign", "calloc", "realloc", "aligned_alloc", "memalign", "valloc", "pvalloc"]


def size(binary):
    size = os.path.getsize(binary)
    yield Figure("helper: file", "≤ 1.0 MB", size / 1e6, 1.0, f"{size / 1e6:.3f} MB")


def serving(binary, directory, cpu):
    with Helper(binary, directory / "helper", cpu) as helper:
        print(f"Sandbox: {helper.sandbox()}")
        yield from round_trips(helper, directory, cpu)
        yield from memory(helper)


def round_trips(helper, directory, cpu):
    """Two reference servers of which one is the null: how far apart are two that don't differ? All are static programs in
    files of their own. Shared pages would let each warm the caches for its twin, and for nobody else."""
    with Client(helper.socket) as client:
        (directory / "zones").write_text(zone_list(helper.root, client.zone_ids()))
    reference = compile_c("reference", directory, "-static-pie")
    null = directory / "null"
    shutil.copy(reference, null)
    sockets = [helper.socket, directory / "reference.socket", directory / "null.socket"]
    with Running([reference, sockets[1], directory / "zones"], directory / "reference.log", cpu) as first, \
            Running([null, sockets[2], directory / "zones"], directory / "null.log", cpu) as second:
        for server, socket in [(first, sockets[1]), (second, sockets[2])]:
            server.wait_for(lambda: can_connect(socket), "doesn't listen")
        command = [compile_c("roundtrips", directory), str(ROUNDS), *map(str, sockets)]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=pin(cpu))
    if run.returncode != 0:
        raise NotMeasured(f"round trips: {run.stderr.strip()}")

    rows = [line.split() for line in run.stdout.splitlines()]
    print(f"\nRound trips in µs, {ROUNDS} of each kind and server in random turns; client and servers pinned to CPU {cpu}, replies compared")
    print(f"  {'':12}{'bytes':>6}{'server':>11}{'p50':>8}{'p90':>8}{'p99':>8}")
    for operation, server, size, *times in rows:
        name = ["helper", "reference", "null"][int(server)]
        print(f"  {operation:12}{size:>6}{name:>11}" + "".join(f"{int(time) / 1000:8.2f}" for time in times))
    p50 = {(operation, int(server)): int(time) for operation, server, _, time, *_ in rows}
    for operation, most in [("ReadSample", 1.3), ("Ping", 1.15)]:
        ours, theirs, null = (p50[operation, server] for server in range(3))
        yield Figure(f"helper: {operation} p50, of the C program's", f"≤ {most}", ours / theirs, most, f"{ours / theirs:.3f}",
                     f"{null / theirs:.3f} (the same C program again)")


def can_connect(path):
    try:
        Client(path).socket.close()
        return True
    except OSError:
        return False


def memory(helper):
    with Client(helper.socket) as client:
        client.ask_everything(REQUESTS, client.acquire(), packages(client))
        time.sleep(1)
        resident, anonymous = helper.status("VmRSS"), helper.status("RssAnon")
        threads = helper.status("Threads")
    size = resident * 1024 / 1e6
    yield Figure("helper: VmRSS after 10,000 requests", "≤ 1.0 MB", size, 1.0, f"{size:.3f} MB ({resident} kB, {anonymous} anonymous)")
    yield Figure("helper: threads", "1", threads, 1, str(threads))


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
    with Helper(unstripped, directory / "twin", cpu) as helper, Debugger(gdb, helper, counted) as debugger:
        with Client(helper.socket) as client:
            token, indexes = client.acquire(), packages(client)
            connecting = debugger.pause()
            client.ask_everything(REQUESTS, token, indexes)
            serving = debugger.pause()
    if connecting == 0:
        raise NotMeasured(f"{name}: the debugger counted nothing while a client connected, so it doesn't count")
    hits = serving - connecting
    yield Figure(name, "0", hits, 0, f"{hits / REQUESTS:g} ({hits} in {REQUESTS})",
                 f"{connecting} while a client connected; watched: {', '.join(counted)}")


class Debugger:
    """gdb on a process, with breakpoints that only count."""

    def __init__(self, gdb, helper, functions):
        self.pid = helper.pid
        self.command = [gdb, "--nx", "--quiet", "--interpreter=mi2", helper.command[0]]
        self.functions = functions

    def __enter__(self):
        self.gdb = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    text=True, bufsize=1)
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

    def say(self, command, answer="^done"):
        self.gdb.stdin.write(command + "\n")
        return self.read_until(answer)

    def read_until(self, start):
        lines = []
        for line in self.gdb.stdout:
            lines.append(line)
            if line.startswith(start):
                return "".join(lines)
            if line.startswith("^error"):
                break
        raise NotMeasured(f"gdb: {''.join(lines)}")

    def pause(self):
        """The calls so far. The process is stopped for that moment."""
        self.gdb.stdin.write("-exec-interrupt\n")
        self.read_until("*stopped")
        hits = self.say("-break-list").split('times="')[1:]
        self.say("-exec-continue", "^running")
        return sum(int(hit.split('"')[0]) for hit in hits)
