"""Too much of everything: connections, requests, descriptors, log lines. Figures are printed."""
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time

from flood import CONNECTIONS, KINDS
from harness import DEADLINE_S, PACKAGE_0, REPOSITORY, HelperCase
from powercap_client import MAGIC, RESTORE, VERSION, encode_frame

# What the connections of the helper may cost at most: an input buffer of 1.3 kB for each of 64, and what the allocator adds.
BOUND_KB = 256
FLOOD_S = 1


class Flood:
    """A program that keeps the helper busy for the length of a `with`."""

    def __init__(self, helper, kind):
        self.command = [sys.executable, REPOSITORY / "Tests/client/flood.py", helper.path, kind]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "flooding\n":
            self.process.wait(DEADLINE_S)
            raise AssertionError("the flood doesn't begin")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=DEADLINE_S)
        self.done = int(output) if self.process.returncode == 0 else 0


class FloodTests(HelperCase):
    def test_a_flood_costs_no_memory_starves_nobody_and_keeps_no_controller_out(self):
        helper = self.start()
        holder, token = self.in_control()
        idle_kb = helper.memory_kb("RssAnon")
        print(f"\nmemory of the helper: idle {helper.memory_kb()} kB, of which anonymous {idle_kb} kB", flush=True)
        for kind in KINDS:
            with self.subTest(kind):
                with Flood(helper, kind) as flood:
                    deadline = time.monotonic() + FLOOD_S
                    while time.monotonic() < deadline:
                        self.assertEqual(holder.renew(token), 30000)
                        for limit in (60000000, 61000000):
                            self.assertEqual(holder.apply(token, [(PACKAGE_0, 0, limit)])[0]["effective_uw"], limit)
                    self.take_over(holder, token)
                    flooded_kb = helper.memory_kb("RssAnon")
                print(f"memory under a flood of {kind}: {helper.memory_kb()} kB, of which anonymous {flooded_kb} kB "
                      f"({flood.done} times)", flush=True)
                self.assertGreater(flood.done, 0)
                self.assertLess(flooded_kb - idle_kb, BOUND_KB)
        self.assertEqual(holder.renew(token), 30000)
        print(f"memory at most since its start: {helper.memory_kb('VmHWM')} kB; log: {len(helper.log)} bytes", flush=True)
        self.assertLess(len(helper.log), 20000)

    def take_over(self, holder, token):
        """Another controller gets in, moves control to itself, and gives it back."""
        other = self.connect("other")
        self.assertTrue(other.acquire(30000, token)["resumed"])
        self.assertEqual(other.apply(token, [(PACKAGE_0, 0, 70000000)])[0]["effective_uw"], 70000000)
        self.assertTrue(holder.acquire(30000, token)["resumed"])
        other.close()

    def test_10000_connections_at_a_time_cost_little_and_the_one_in_control_is_still_served(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 10100:
            self.skipTest(f"this process may open only {hard} files; it takes 10100")
        resource.setrlimit(resource.RLIMIT_NOFILE, (10100, hard))
        self.stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        helper = self.start()
        client, token = self.in_control()
        client.apply(token, [(PACKAGE_0, 0, 60000000)])
        before_kb = helper.memory_kb("RssAnon")
        idle = [self.connect(greet=number % 2 == 0) for number in range(10000)]
        self.assertEqual(client.renew(token), 30000)
        self.assertEqual(client.apply(token, [(PACKAGE_0, 0, 61000000)])[0]["effective_uw"], 61000000)
        grown_kb = helper.memory_kb("RssAnon") - before_kb
        print(f"\nmemory with 10000 connections at a time: {grown_kb} kB more", flush=True)
        self.assertLess(grown_kb, BOUND_KB)
        alive = 0
        for each in idle:
            each.socket.setblocking(False)
            try:
                self.assertEqual(each.socket.recv(1), b"")
            except BlockingIOError:
                alive += 1
        self.assertEqual(alive, 63)
        self.connect().ping()

    def test_10000_connections_one_after_the_other_leave_nothing_behind(self):
        helper = self.start()
        client, token = self.in_control()
        before_kb = helper.memory_kb("RssAnon")
        for number in range(10000):
            with contextlib.closing(self.new_socket()) as other:
                if number % 2:
                    other.sendall(encode_frame("Ping", 1, {}))
        self.assertEqual(client.renew(token), 30000)
        self.connect().ping()
        self.assertLess(helper.memory_kb("RssAnon") - before_kb, BOUND_KB)
        if os.geteuid() == 0:
            self.eventually(lambda: self.connection_count() == 2)

    def test_a_client_that_is_queued_with_a_full_house_of_others_gets_its_answer(self):
        helper = self.start()
        self.in_control()
        with helper.stopped():
            client = self.connect(greet=False)
            client.send("Hello", magic=MAGIC, lowest_version=VERSION, highest_version=VERSION, client_name="early")
            # As many as the queue takes: with the one in control they are more than the helper keeps.
            for _ in range(63):
                self.connect(greet=False)
        self.assertEqual(client.receive()[0], "Welcome")

    def test_nobody_who_is_there_makes_room_while_others_have_gone(self):
        helper = self.start()
        self.in_control()
        quiet = self.connect("quiet")
        others = [self.connect() for _ in range(62)]
        with helper.stopped():
            # The helper hears of these first, with a full house.
            newest = [self.connect(greet=False) for _ in range(16)]
            for other in others:
                other.close()
        quiet.ping()
        for client in newest:
            client.hello("new")

    def new_socket(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(self.helper.path)
        return client

    def connection_count(self):
        """The helper's sockets but the listening one and that of the kernel's uevents, which a tree of plain files has no use
        for. Only root may look: the helper isn't dumpable."""
        directory = f"/proc/{self.helper.process.pid}/fd"
        return sum(os.readlink(f"{directory}/{number}").startswith("socket:") for number in os.listdir(directory)) - 1


class TurnTests(HelperCase):
    """Who waits for whom, without a clock: everything is sent while the helper is stopped, and the order in which it is
    answered is in the samples' time stamps."""
    PIPELINED = 50

    def setUp(self):
        super().setUp()
        self.start()
        self.holder, self.token = self.in_control()
        self.others = [self.connect() for _ in range(CONNECTIONS)]
        self.last = self.connect()

    def times_before(self, client):
        """How many samples were taken for others before that of a client which asks last."""
        with self.helper.stopped():
            for other in self.others:
                other.socket.sendall(self.PIPELINED * encode_frame("ReadSample", 1, {}))
            client.send("ReadSample")
        mine = client.receive()[2]["time_ns"]
        times = [other.receive()[2]["time_ns"] for other in self.others for _ in range(self.PIPELINED)]
        self.assertEqual(len(times), CONNECTIONS * self.PIPELINED)
        return sum(time_ns < mine for time_ns in times)

    def test_whoever_is_in_control_waits_for_one_request_of_the_others(self):
        self.assertLessEqual(self.times_before(self.holder), 1)

    def test_everybody_else_waits_for_about_one_request_of_each_other_connection(self):
        self.assertLessEqual(self.times_before(self.last), 2 * CONNECTIONS)

    def test_what_a_client_sent_before_it_went_away_is_carried_out(self):
        self.holder.apply(self.token, [(PACKAGE_0, 0, 60000000)])
        with self.helper.stopped():
            self.holder.send("ReadSample")
            self.holder.send("Release", token=self.token, disposal=RESTORE)
            self.holder.close()
        self.eventually(lambda: self.value() == 150000000)
        self.helper.wait_for_log('reason="release"')


class WaitingTests(HelperCase):
    """A helper that waits uses no processor time, whatever it waits for."""

    def assert_no_cpu_time(self):
        time.sleep(0.1)
        before_s = self.helper.cpu_s()
        time.sleep(1)
        # A loop that spins gets more than that, also of a machine with much to do.
        self.assertLess(self.helper.cpu_s() - before_s, 0.1)

    def test_connections_in_any_state_cost_nothing_while_nothing_comes(self):
        def shut(client):
            client.socket.shutdown(socket.SHUT_RD)
            client.send("Ping")

        def send_urgently(client):
            # A kernel without CONFIG_AF_UNIX_OOB has no urgent data.
            with contextlib.suppress(OSError):
                client.socket.send(b"!", socket.MSG_OOB)

        states = {
            "greeted": lambda client: None,
            "in the middle of a frame": lambda client: client.socket.send(b"\4\0\0"),
            "with replies that aren't read": lambda client: [client.send("ReadSample") for _ in range(32)],
            "that don't take replies any more": shut,
            "with urgent data": send_urgently,
        }
        self.start()
        holder, token = self.in_control()
        for name, bring_about in states.items():
            with self.subTest(name):
                clients = [self.connect() for _ in range(CONNECTIONS)]
                for client in clients:
                    bring_about(client)
                self.assert_no_cpu_time()
                self.assertEqual(holder.renew(token), 30000)
                for client in clients:
                    client.close()

    def test_without_descriptors_connections_wait_and_those_that_are_there_are_served(self):
        # Only a process of the helper's own uid may take its descriptors away.
        helper = self.start(*(["--user", "0"] if os.geteuid() == 0 else []))
        client, token = self.in_control()
        # There is no number left, however few are in use.
        resource.prlimit(helper.process.pid, resource.RLIMIT_NOFILE, (4, 4096))
        waiting = self.connect(greet=False)
        waiting.send("Hello", magic=MAGIC, lowest_version=VERSION, highest_version=VERSION, client_name="waiting")
        helper.wait_for_log("connections wait: one can't be accepted")
        self.assert_no_cpu_time()
        self.assertEqual(client.apply(token, [(PACKAGE_0, 0, 60000000)])[0]["effective_uw"], 60000000)
        self.assertLess(helper.log.count("connections wait"), 10)
        resource.prlimit(helper.process.pid, resource.RLIMIT_NOFILE, (4096, 4096))
        self.assertEqual(waiting.receive()[0], "Welcome")
        self.assertEqual(client.renew(token), 30000)


class LogTests(HelperCase):
    def test_the_log_stays_short_whatever_a_peer_repeats(self):
        helper = self.start()
        client, token = self.in_control()
        other = self.connect()

        def malformed():
            with contextlib.closing(self.connect(greet=False)) as stranger:
                stranger.socket.sendall(b"\0" * 8)
                self.assert_closed(stranger)

        def release_and_acquire():
            nonlocal token
            client.release(token)
            token = client.acquire(30000)["token"]

        for repeat, message in {
            malformed: "closed a connection", release_and_acquire: "control ended",
            lambda: self.assert_fails("notInControl", other.renew, token): "refused control",
            lambda: self.assert_fails("controlHeld", other.acquire, 1000): "refused control",
        }.items():
            with self.subTest(message):
                for _ in range(200):
                    repeat()
                self.assertLessEqual(helper.log.count(message), 20)
        self.assertLess(len(helper.log), 10000)
        print(f"\nlog after 800 things to complain of: {len(helper.log)} bytes", flush=True)
