#!/usr/bin/env python3
"""SOURCE=granted: the real controller and the real helper on simulated zones, and a stand-in for the coordinator that answers by script.

  POWERCAP_BIN=.build/debug python3 Tests/granted/test_granted.py [-v] [-k PATTERN]
"""
import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "apiserver"))
from coordinator import Coordinator, certificate, grant  # noqa: E402
from harness import Double  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("POWERCAP_BIN", ROOT / ".build/debug"))
CONTROLLER = os.environ.get("POWERCAP_CONTROLLER", str(BIN / "powercap-controller"))
HELPER = os.environ.get("POWERCAP_HELPER", str(BIN / "raplhelper"))
SIMULATOR = os.environ.get("POWERCAP_SIMULATOR", str(BIN / "Simulator"))
DEADLINE_S = 30
# The shortest: 10 s, of which 1 % is for clocks and 5 s are for the helper's lease.
TTL_MS = 10_000
LEASE_S = 5


class Node:
    """Two packages of 150 W with a helper, and a controller that is granted its limits."""

    def __init__(self, directory, *coordinators, helper_flags=()):
        self.directory = pathlib.Path(directory)
        self.tree = self.directory / "powercap"
        self.simulator = subprocess.Popen([SIMULATOR, self.tree, "--packages", "2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                          text=True)
        assert self.simulator.stdout.readline().startswith("ready")
        self.socket = self.directory / "helper.sock"
        self.helper_flags, self.controller, self.helper = list(helper_flags), None, None
        self.token = self.directory / "token"
        self.token.write_text("a.node.token\n")
        self.log = self.directory / "controller.log"
        self.environment = {
            "PATH": os.environ["PATH"], "SOURCE": "granted", "GRANT_URL": " ".join(one.address for one in coordinators),
            "GRANT_TOKEN_FILE": str(self.token), "GRANT_CA_FILE": str(self.directory / "tls.crt"), "NODE_NAME": "node-a",
            "RAPLHELPER_SOCKET": str(self.socket), "CONTROL_SOCKET": str(self.directory / "controller.sock"), "METRICS_ADDRESS": "off",
            "KUBERNETES": "off"}
        self.start_helper()

    def start_helper(self):
        with open(self.directory / "helper.log", "a") as log:
            self.helper = subprocess.Popen(
                [HELPER, "--powercap-root", self.tree, "--socket", self.socket, "--state-dir", self.directory / "state",
                 *self.helper_flags], stderr=log)
        await_true(self.socket.exists, "the helper's socket")

    def start(self, **environment):
        with open(self.log, "a") as log:
            self.controller = subprocess.Popen([CONTROLLER, "run"], env={**self.environment, **environment}, stderr=log)

    def limits(self):
        """Of the packages together, in watts, as the hardware has them."""
        return sum(int((self.tree / f"intel-rapl/intel-rapl:{number}/constraint_0_power_limit_uw").read_text() or 0)
                   for number in range(2)) / 1e6

    def await_limit(self, watts, deadline_s=DEADLINE_S):
        await_true(lambda: self.limits() == watts, lambda: f"{watts} W; it is {self.limits()} W\n{self.log.read_text()}", deadline_s)

    def ask(self, *command):
        done = subprocess.run([CONTROLLER, *command], env=self.environment, capture_output=True, text=True, timeout=DEADLINE_S)
        return done.stdout + done.stderr

    def status(self):
        return json.loads(self.ask("status", "--format", "json"))

    def close(self):
        for process in [self.controller, self.helper]:
            if process and process.poll() is None:
                process.kill()
            if process:
                process.wait()
        self.simulator.stdin.close()
        self.simulator.wait()
        self.simulator.stdout.close()


def await_true(holds, what, deadline_s=DEADLINE_S):
    deadline = time.monotonic() + deadline_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {deadline_s} s: {what() if callable(what) else what}")
        time.sleep(0.02)


class GrantedCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = tempfile.TemporaryDirectory()
        cls.pair = certificate(cls.certificates.name)

    @classmethod
    def tearDownClass(cls):
        cls.certificates.cleanup()

    def coordinator(self, answer=None):
        coordinator = Coordinator(self.pair, answer)
        self.addCleanup(coordinator.close)
        return coordinator

    def node(self, *coordinators, **more):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        os.chmod(directory.name, 0o755)
        (pathlib.Path(directory.name) / "tls.crt").write_bytes(self.pair[0].read_bytes())
        node = Node(directory.name, *coordinators, **more)
        self.addCleanup(node.close)
        return node


class GrantedTests(GrantedCase):
    def test_the_limit_is_what_is_granted_and_what_was_lowered_is_said_at_once(self):
        coordinator = self.coordinator()
        coordinator.answer = coordinator.granting(200, minimum=60)
        node = self.node(coordinator)
        node.start()
        node.await_limit(200)
        self.assertEqual(coordinator.tokens[0], "Bearer a.node.token")
        first = coordinator.reports[0][1]
        self.assertEqual([first[name] for name in ["node", "inForceMicrowatts", "restMicrowatts", "floorMicrowatts", "ceilingMicrowatts"]],
                         ["node-a", 20_000_000, 20_000_000, 20_000_000, 300_000_000])
        # It asks every few seconds where nothing happens, and is told to here.
        coordinator.await_report(such=lambda report: report["inForceMicrowatts"] == 200_000_000 and report["restMicrowatts"] == 60_000_000)
        count = len(coordinator.reports)
        coordinator.answer = coordinator.granting(120, minimum=60, ask_ms=4_000)
        coordinator.await_report(count, such=lambda report: report["inForceMicrowatts"] == 120_000_000)
        times = [when for when, _ in coordinator.reports[count:]]
        self.assertLess(times[1] - times[0], 1.5)
        node.await_limit(120)
        explained = " ".join(node.ask("explain").split())
        for words in ["limited to 120 W", "granted 120 W", "unless it is renewed", "Of the budget site, 400 W for 4 nodes, of which 1 isn't heard",
                      "which is why this node hasn't more", "the limit is the node's rest, 60 W", "becomes 60 W (its rest)"]:
            self.assertIn(words, explained)
        granted = node.status()["source"]["grant"]
        self.assertEqual([granted["limit_uw"], granted["rest_uw"], granted["epoch"], granted["problem"]], [120_000_000, 60_000_000, 7, None])
        self.assertTrue(granted["budgets"][0]["binding"])
        # One connection for all of it.
        self.assertEqual(coordinator.connections, 1)

    def test_p10_a_node_whose_limit_changes_all_the_time_is_written_once_a_minute_at_most(self):
        double = Double()
        self.addCleanup(double.stop)
        coordinator = self.coordinator()
        watts = itertools.cycle([100, 150])
        coordinator.answer = lambda report: grant(report, next(watts), ask_ms=1_000)
        node = self.node(coordinator)
        node.start(KUBERNETES="on", KUBE_SERVER=double.facts["url"], KUBE_CA_FILE=double.facts["ca"], KUBE_TOKEN_FILE=double.facts["token_file"])

        def written():
            return [row for row in double.ask("requests") if row["method"] in ("POST", "PUT", "PATCH", "DELETE")]

        def note():
            return (double.ask("show /api/v1/nodes/node-a")["metadata"].get("annotations") or {}).get("powercap.dev/effective-limit")
        def stands():
            """All that is written at the beginning."""
            status = double.ask("show /api/v1/nodes/node-a").get("status") or {}
            return note() in ("100 W", "150 W") and any(each["type"].startswith("PowerCap") for each in status.get("conditions", []))
        # Not the rest, which the node has for a moment before it is granted something: that would stand there for a minute.
        await_true(stands, lambda: f"a limit on the Node: {note()}\n{node.log.read_text()}", 30)
        before, reports = len(written()), len(coordinator.reports)
        time.sleep(60)
        self.assertGreater(len(coordinator.reports) - reports, 30)
        self.assertLessEqual(len(written()) - before, 1, written()[before:])

    def test_p17_silence_ends_at_the_rest_before_the_grant_is_over(self):
        coordinator = self.coordinator()
        coordinator.answer = coordinator.granting(200, minimum=60, ttl_ms=TTL_MS)
        node = self.node(coordinator)
        node.start()
        node.await_limit(200)
        sent = []

        def nothing(report):
            sent.append(time.monotonic())

        answered = time.monotonic()
        coordinator.answer = nothing
        node.await_limit(60)
        self.assertLess(time.monotonic() - answered, TTL_MS / 1000 * 0.99)
        # With time left for the helper, had the controller died.
        self.assertLess(time.monotonic() - answered, TTL_MS / 1000 - LEASE_S + 1)
        self.assertIn("The last grant is over", node.ask("explain").replace("\n", " "))
        coordinator.answer = coordinator.granting(180, minimum=60)
        node.await_limit(180)

    def test_p17_the_helper_brings_the_rest_in_time_where_the_controller_is_killed_or_stopped(self):
        for number in [signal.SIGKILL, signal.SIGSTOP]:
            with self.subTest(number=number):
                coordinator = self.coordinator()
                coordinator.answer = coordinator.granting(200, minimum=60, ttl_ms=TTL_MS)
                node = self.node(coordinator)
                node.start()
                node.await_limit(200)
                coordinator.await_report(len(coordinator.reports))
                node.controller.send_signal(number)
                last = coordinator.reports[-1][0]
                node.await_limit(60)
                self.assertLess(time.monotonic() - last, TTL_MS / 1000 * 0.99)
                if number == signal.SIGSTOP:
                    # What wakes up late goes on from there, and nothing is above the rest until it is granted.
                    coordinator.answer = lambda report: (503, {"error": "not now"})
                    node.controller.send_signal(signal.SIGCONT)
                    coordinator.await_report(len(coordinator.reports), such=lambda report: report["inForceMicrowatts"] == 60_000_000)
                    self.assertEqual(node.limits(), 60)
                    coordinator.answer = coordinator.granting(150, minimum=60)
                    node.await_limit(150)

    def test_a_controller_that_is_started_again_asks_at_once_and_never_goes_above_what_it_found(self):
        coordinator = self.coordinator()
        coordinator.answer = coordinator.granting(200, minimum=60)
        node = self.node(coordinator)
        node.start()
        node.await_limit(200)
        coordinator.await_report(len(coordinator.reports))
        node.controller.kill()
        node.controller.wait()
        before = coordinator.reports[-1][1]
        node.start()
        report = coordinator.await_report(len(coordinator.reports))
        self.assertEqual(report["inForceMicrowatts"], 60_000_000)
        self.assertEqual(report["boot"], before["boot"])
        self.assertGreater(report["nonce"], before["nonce"])
        node.await_limit(200)

    def test_at_its_end_the_controller_leaves_the_rest_and_the_originals_are_known(self):
        coordinator = self.coordinator()
        coordinator.answer = coordinator.granting(200, minimum=60)
        node = self.node(coordinator)
        node.start()
        node.await_limit(200)
        node.controller.terminate()
        self.assertEqual(node.controller.wait(DEADLINE_S), 0)
        self.assertEqual(node.limits(), 60)

    def test_answers_that_are_none_leave_what_is_granted_and_are_told_once(self):
        coordinator = self.coordinator()
        # Long enough for all of them.
        coordinator.answer = coordinator.granting(150, minimum=60, ttl_ms=120_000)
        node = self.node(coordinator)
        node.start()
        node.await_limit(150)
        for answer, words in [
            (lambda report: b"\x00\xff garbage", "isn't JSON"),
            (lambda report: b'{"version":1}', "epoch is missing"),
            (lambda report: grant(report, 300, version=2), "Version 2"),
            (lambda report: grant(report, 300, limitMicrowatts=-1), "limitMicrowatts"),
            (lambda report: grant(report, 300, minimumMicrowatts=400_000_000), "minimumMicrowatts is above"),
            (lambda report: grant(report, 300, ttlMilliseconds=1), "ttlMilliseconds is out of range"),
            (lambda report: grant(report, 300, epoch=6), "another one has taken over"),
            (lambda report: (401, {"error": "this token is of another audience"}), "of another audience"),
            (lambda report: (403, {"error": "this token is of node-b"}), "this token is of node-b"),
            (lambda report: (404, {"error": "in no budget"}), "no PowerBudget covers"),
            (lambda report: (426, {"error": "old"}), "one release"),
            (lambda report: (429, {"error": "slower", "headers": {"Retry-After": "1"}}), "too often"),
            (lambda report: (503, {"error": "not the leader", "headers": {"Retry-After": "1"}}), "not the leader"),
            (lambda report: (500, b""), "HTTP 500"),
            (lambda report: b"x" * 200_000, "more than a grant"),
        ]:
            with self.subTest(words=words):
                coordinator.answer = answer
                await_true(lambda: words in " ".join(node.ask("explain").split()), lambda: f"{words!r} in {node.ask('explain')}")
                self.assertEqual(node.limits(), 150)
        coordinator.answer = coordinator.granting(140, minimum=60)
        node.await_limit(140)
        for line in ["of another audience", "this token is of node-b", "no PowerBudget covers"]:
            self.assertEqual(node.log.read_text().count(line), 1, line)
        self.assertNotIn("a.node.token", node.log.read_text() + node.ask("explain") + node.ask("status", "--format", "json"))

    def test_an_answer_to_another_report_is_none(self):
        coordinator = self.coordinator(lambda report: grant(report, 300, nonce=report["nonce"] - 1))
        node = self.node(coordinator)
        node.start()
        coordinator.await_report(2)
        self.assertEqual(node.limits(), 20)

    def test_the_next_coordinator_is_asked_where_one_does_not_answer_or_is_no_leader(self):
        first, second = self.coordinator(lambda report: None), self.coordinator()
        second.answer = second.granting(130, minimum=60)
        node = self.node(first, second)
        node.start()
        node.await_limit(130)
        first.answer = first.granting(110, minimum=60, epoch=8)
        second.answer = lambda report: (503, {"error": "not the leader", "headers": {"Connection": "close", "Retry-After": "1"}})
        node.await_limit(110)

    def test_a_coordinator_that_nobody_vouches_for_is_told_nothing(self):
        other = tempfile.TemporaryDirectory()
        self.addCleanup(other.cleanup)
        coordinator = Coordinator(certificate(other.name))
        self.addCleanup(coordinator.close)
        node = self.node(coordinator)
        node.start()
        await_true(lambda: "isn't trusted" in node.log.read_text(), node.log.read_text)
        self.assertEqual((coordinator.reports, node.limits()), ([], 20))

    def test_a_token_that_is_replaced_is_read_again_and_none_is_told(self):
        coordinator = self.coordinator()
        node = self.node(coordinator)
        node.token.unlink()
        node.start()
        await_true(lambda: "does not exist" in node.log.read_text(), node.log.read_text)
        node.token.write_text("another.token")
        coordinator.await_report()
        self.assertEqual(coordinator.tokens[0], "Bearer another.token")

    def test_p17_a_pause_and_an_order_keep_limits_from_rising_and_never_above_what_is_granted(self):
        coordinator = self.coordinator()
        coordinator.answer = coordinator.granting(150, minimum=60)
        node = self.node(coordinator)
        node.start()
        node.await_limit(150)
        node.ask("set", "250W")
        count = len(coordinator.reports)
        coordinator.await_report(count + 1)
        self.assertEqual(node.limits(), 150)
        node.ask("set", "100W")
        node.await_limit(100)
        coordinator.await_report(len(coordinator.reports), such=lambda report: report["inForceMicrowatts"] == 100_000_000)
        node.ask("unset")
        node.await_limit(150)
        node.ask("pause")
        coordinator.answer = coordinator.granting(200, minimum=60)
        coordinator.await_report(len(coordinator.reports) + 2)
        self.assertEqual(node.limits(), 150)
        coordinator.answer = coordinator.granting(90, minimum=60)
        node.await_limit(90)
        node.ask("resume")
        coordinator.answer = coordinator.granting(200, minimum=60)
        node.await_limit(200)

    def test_p17_another_partys_higher_limit_is_put_back_and_reported_meanwhile(self):
        coordinator = self.coordinator()
        coordinator.answer = coordinator.granting(150, minimum=60)
        node = self.node(coordinator)
        node.start()
        node.await_limit(150)
        (node.tree / "intel-rapl/intel-rapl:0/constraint_0_power_limit_uw").write_text("140000000\n")
        node.await_limit(150)

    def test_a_helper_that_does_not_go_to_the_fallback_is_reported_as_it_is(self):
        coordinator = self.coordinator()
        coordinator.answer = coordinator.granting(150, minimum=60)
        node = self.node(coordinator, helper_flags=["--on-lease-expiry", "restore"])
        node.start()
        node.await_limit(150)
        self.assertEqual({report["restMicrowatts"] for _, report in coordinator.reports}, {300_000_000})

    def test_what_would_break_a_budget_is_refused_with_the_reason(self):
        coordinator = self.coordinator()
        node = self.node(coordinator)
        for change, words in [
            ({"GRANT_URL": ""}, "GRANT_URL is not set"), ({"NODE_NAME": ""}, "NODE_NAME is not set"),
            ({"GRANT_URL": "http://127.0.0.1:1"}, "is not a coordinator's address"),
            ({"RAMP_DOWN": "1W/s"}, "RAMP_DOWN"), ({"PMAX_FUNC": "min"}, "PMAX_FUNC"), ({"ON_DRIFT": "leave"}, "ON_DRIFT"),
            ({"ON_EXIT": "restore"}, "ON_EXIT"), ({"ON_EXIT": "hold"}, "ON_EXIT"), ({"LEASE_TIME": "6s"}, "at most 5 s"),
            ({"LIVE_FILE": "/x"}, "LIVE_FILE"), ({"FALLBACK_LIMIT": "60W"}, "FALLBACK_LIMIT"), ({"SOURCE": "static"}, "GRANT_URL"),
        ]:
            with self.subTest(change=change):
                node.environment = {**node.environment, **change}
                self.assertIn(words, node.ask("validate"))
                for name in change:
                    node.environment.pop(name)
                node.environment.update({"SOURCE": "granted", "GRANT_URL": coordinator.address, "NODE_NAME": "node-a"})
        self.assertIn("a grant ends", node.ask("run", "--once"))
        self.assertIn("can't be foreseen", node.ask("plan"))
        validated = node.ask("validate")
        self.assertRegex(validated, r"LEASE_TIME +5s +environment")
        self.assertRegex(validated, r"ON_EXIT +fallback +environment")


if __name__ == "__main__":
    unittest.main()
