#!/usr/bin/env python3
"""Coordinators with real TLS against the double of the API server, and nodes that ask them."""
import json
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from coordinators import BUDGETS, DEADLINE_S, LEASE, REPOSITORY, SHARDS, Certificate, FleetCase, W, wait


class Grants(FleetCase):
    """What one coordinator grants."""

    def test_nodes_share_one_budget_and_it_is_never_more_than_there_is(self):
        self.budget(limitMilliwatts=600_000, minimumMilliwatts=50_000)
        nodes = self.nodes(5)
        leader = self.leader()
        self.assertEqual(self.settle(nodes, leader.port), [120 * W] * 5)
        status = wait("what is counted", lambda: (status := leader.status())["budgets"][0]["counted_uw"] == 600 * W and status)
        self.assertEqual((status["coordinator"]["leads"], status["coordinator"]["grants"]), (True, True))
        (budget,) = status["budgets"]
        self.assertEqual((budget["limit_uw"], budget["counted_uw"], budget["nodes"], budget["silent"]), (600 * W, 600 * W, 5, 0))

    def test_a_node_that_wants_less_leaves_it_to_others_and_has_its_minimum(self):
        self.budget(limitMilliwatts=300_000, minimumMilliwatts=50_000)
        idle, *busy = self.nodes(3, demand=None)
        idle.demand = 10 * W
        leader = self.leader()
        self.assertEqual(self.settle([idle, *busy], leader.port), [50 * W, 125 * W, 125 * W])

    def test_classes_come_first_by_priority(self):
        selector = {"matchExpressions": [{"key": "tier", "operator": "In", "values": ["gold"]}]}
        self.budget(limitMilliwatts=300_000, minimumMilliwatts=20_000,
                    classes=[{"name": "gold", "nodeSelector": selector, "priority": 10}])
        nodes = self.nodes(2, labels="tier=tin") + self.nodes(1, "g", labels="tier=gold")
        leader = self.leader()
        self.assertEqual(self.settle(nodes, leader.port), [50 * W, 50 * W, 200 * W])

    def test_a_node_in_two_budgets_is_within_both(self):
        self.budget("site", limitMilliwatts=500_000)
        self.budget("row", limitMilliwatts=200_000, nodeSelector={"matchLabels": {"row": "1"}})
        row, rest = self.nodes(2, "r", labels="row=1"), self.nodes(2, "n")
        leader = self.leader()
        self.assertEqual(self.settle(row + rest, leader.port), [100 * W, 100 * W, 150 * W, 150 * W])
        names = {budget["name"]: budget["binding"] for budget in row[0].last.body["budgets"]}
        self.assertEqual(set(names), {"site", "row"})

    def test_a_limit_that_falls_is_kept_and_one_that_rises_is_given(self):
        self.budget(limitMilliwatts=400_000)
        nodes = self.nodes(4)
        leader = self.leader()
        self.settle(nodes, leader.port, 400)
        for limit in (200_000, 600_000):
            self.double.tell(f'patch {BUDGETS}/site {{"spec": {{"limitMilliwatts": {limit}}}}}')
            self.assertEqual(self.settle(nodes, leader.port, limit / 1000), [limit * 1000 // 4] * 4)

    def test_another_selector_and_another_label_move_nodes(self):
        self.budget(limitMilliwatts=200_000, nodeSelector={"matchLabels": {"row": "1"}})
        inside, outside = self.nodes(2, "r", labels="row=1"), self.nodes(1, "n")
        leader = self.leader()
        self.settle(inside, leader.port, 200)
        refused = wait("an answer", lambda: (answer := outside[0].ask(leader.port)).status != 503 and answer)
        self.assertEqual(refused.status, 404)
        self.assertIn("No PowerBudget covers the node n0", refused.error)
        self.double.tell("label n0 row=1")
        wait("the node's place", lambda: outside[0].ask(leader.port).status == 200)
        self.assertAlmostEqual(sum(self.settle(inside + outside, leader.port, 200)), 200 * W, delta=W)
        self.double.tell("label n0 row-")
        wait("the node's refusal", lambda: outside[0].ask(leader.port).status == 404)

    def test_a_budget_below_the_minimums_gives_the_minimums_and_says_so(self):
        self.budget(limitMilliwatts=100_000, minimumMilliwatts=60_000)
        nodes = self.nodes(3)
        leader = self.leader()
        self.assertEqual(self.settle(nodes, leader.port), [60 * W] * 3)
        wait("the condition", lambda: self.conditions()["WithinBudget"]["reason"] == "MinimumsExceedLimit")

    def test_a_node_of_a_higher_ceiling_than_the_maximum_is_told_of(self):
        self.budget(limitMilliwatts=600_000, maximumMilliwatts=150_000)
        nodes = self.nodes(2)
        leader = self.leader()
        self.assertEqual(self.settle(nodes, leader.port), [150 * W] * 2)
        wait("the condition", lambda: self.conditions()["Degraded"]["reason"] == "NodesAboveMaximum")


class Doors(FleetCase):
    """Who is answered, and what others are told."""

    def setUp(self):
        super().setUp()
        self.budget(limitMilliwatts=600_000)
        self.ours = self.nodes(2)
        self.leading = self.leader()
        self.port = self.leading.port

    def known(self, node, **others):
        return wait("an answer", lambda: (answer := node.send(self.port, node.report(), **others)).status != 503 and answer)

    def test_tokens(self):
        node = self.ours[0]
        cases = {
            "no token": ({"headers": {}}, 401, "no token was shown"),
            "no scheme": ({"headers": {"Authorization": node.token}}, 401, "no token was shown"),
            "another scheme": ({"headers": {"Authorization": f"Basic {node.token}"}}, 401, "no token was shown"),
            "not a token": ({"token": "abc"}, 401, ""),
            "another audience": ({"token": self.token("n0", "-")}, 401, ""),
            "a pod on no node": ({"token": self.token("-")}, 403, ""),
            "another account": ({"token": self.token("n0", account="default/default")}, 403, "isn't of the account"),
            "another node": ({"token": self.token("n1")}, 403, "is of a pod on the node n1, and the report is one of n0"),
        }
        for name, (others, status, words) in cases.items():
            with self.subTest(name):
                answer = self.known(node, **others)
                self.assertEqual(answer.status, status, answer)
                self.assertIn(words, answer.error)
                self.assertNotIn(node.token, answer.error)

    def test_reports(self):
        node = self.ours[0]
        self.assertEqual(self.known(node).status, 200)
        cases = {
            "nothing": (b"", 400), "no JSON": (b"{", 400), "a list": (b"[]", 400), "another version": (node.report(version=2), 426),
            "a negative power": (node.report(inForceMicrowatts=-1), 400), "a floor above the ceiling": (node.report(floorMicrowatts=900 * W), 400),
            "no boot": (node.report(boot="x"), 400), "too much": (b" " * 20_000, 413),
        }
        for name, (body, status) in cases.items():
            with self.subTest(name):
                time.sleep(0.25)
                try:
                    answer = node.send(self.port, body)
                except json.JSONDecodeError:
                    self.assertEqual(status, 413)
                    continue
                self.assertEqual(answer.status, status, answer)

    def test_an_old_report_grants_nothing(self):
        node = self.ours[0]
        self.assertEqual(self.known(node).status, 200)
        answer = node.send(self.port, node.report(nonce=1))
        self.assertEqual(answer.status, 503)
        self.assertIn("newer report", answer.error)

    def test_whoever_asks_all_the_time_is_told_to_wait_and_others_are_answered(self):
        node, other = self.ours
        self.assertEqual(self.known(node).status, 200)
        answers = [node.send(self.port, node.report()) for _ in range(30)]
        refused = [answer for answer in answers if answer.status == 429]
        self.assertGreater(len(refused), 10)
        self.assertEqual(refused[0].headers["Retry-After"], "1")
        self.assertEqual(self.known(other).status, 200)

    def test_other_places_and_methods(self):
        node = self.ours[0]
        self.assertEqual(node.send(self.port, b"", path="/").status, 404)
        self.assertEqual(node.send(self.port, b"", method="GET").status, 405)
        self.assertEqual(self.leading.get("/v1/grant")[0], 404)

    def test_a_token_that_ended_is_refused(self):
        node = self.ours[0]
        node.token = self.token("n0", seconds=3)
        self.assertEqual(self.known(node).status, 200)
        wait("the refusal", lambda: self.known(node).status == 401)

    def test_what_is_so_can_be_read(self):
        self.settle(self.ours, self.port)
        status, page = self.leading.get("/")
        self.assertEqual(status, 200)
        self.assertIn("All budgets are kept.", page)
        status, metrics = self.leading.get("/metrics")
        for line in ('powercap_fleet_budget_limit_watts{budget="site",shard="0"} 600', "powercap_fleet_leader 1",
                     'powercap_fleet_budget_nodes{budget="site",shard="0",state="silent"} 0'):
            self.assertIn(line, metrics.splitlines())
        self.assertEqual(self.leading.get("/healthz"), (200, "ok\n"))


class Signals:
    """The services' double of Tests/signalserver, without TLS."""

    def __init__(self, test):
        self.process = subprocess.Popen(
            [sys.executable, str(REPOSITORY / "Tests/signalserver/signalserver")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.requests = []
        self.done = queue.Queue()
        self.url = json.loads(self.process.stdout.readline().removeprefix("ready "))["plain"]
        reader = threading.Thread(target=self._read)
        reader.start()

        def end():
            self.process.kill()
            self.process.wait()
            reader.join()
            self.process.stdin.close()
            self.process.stdout.close()

        test.addCleanup(end)

    def _read(self):
        for line in self.process.stdout:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "request":
                self.requests.append(json.loads(rest)["target"])
            else:
                self.done.put(line)

    def say(self, path, value):
        self.process.stdin.write(f"body {path} {json.dumps(value)}\n")
        self.process.stdin.flush()
        self.done.get(timeout=DEADLINE_S)


class Certificates(FleetCase):
    def test_one_that_is_renewed_is_shown_from_then_on_and_grants_go_on(self):
        with tempfile.TemporaryDirectory() as directory:
            self.certificate = Certificate(directory)
            self.budget(limitMilliwatts=400_000)
            nodes = self.nodes(2)
            leader = self.leader()
            self.settle(nodes, leader.port, 400)

            def shown():
                with socket.create_connection(("127.0.0.1", leader.port), timeout=5) as plain:
                    with nodes[0].context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                        return connection.getpeercert()["serialNumber"]

            before = shown()
            for _ in range(2):
                self.certificate.renew()
                for _ in range(6):
                    for node in nodes:
                        self.assertEqual(node.ask(leader.port).status, 200)
                    time.sleep(0.2)
                wait("the new one", lambda: shown() != before)
                before = shown()
            self.assertEqual(nodes[0].epoch, 1)


class Leaders(FleetCase):
    """Who answers, and what becomes of it when he ends."""

    def test_only_the_leader_answers_and_after_a_kill_the_other_one_does(self):
        self.budget(limitMilliwatts=400_000, minimumMilliwatts=20_000, grantSeconds=10)
        nodes = self.nodes(4)
        first, second = self.coordinator("a"), self.coordinator("b")
        wait("a leader", lambda: first.is_ready() or second.is_ready())
        leader, standby = (first, second) if first.is_ready() else (second, first)
        self.settle(nodes, leader.port, 400)
        self.assertFalse(standby.is_ready())
        answer = nodes[0].send(standby.port, nodes[0].report())
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (503, "1"))
        self.assertIn("doesn't lead", answer.error)
        wait("records", lambda: len((self.object(f"{SHARDS}/site-0")["status"] or {}).get("nodes", [])) == 4)
        leader.kill()
        began = time.monotonic()
        wait("another leader", standby.is_ready, 15)
        self.assertLess(time.monotonic() - began, 15)
        # One doesn't come back: he counts at what he rests at, the others get what that leaves.
        silent, *others = nodes
        total = (400 * W - silent.rest) / W
        self.settle(others, standby.port, total)
        self.assertLess(time.monotonic() - began, 30)
        self.assertGreater(others[0].epoch, nodes[0].epoch)

    def test_a_leader_that_ends_gives_the_lease_back(self):
        self.budget(limitMilliwatts=400_000)
        first = self.leader("a")
        second = self.coordinator("b")
        wait("the candidate", lambda: second.get("/healthz")[0] == 200)
        began = time.monotonic()
        self.assertEqual(first.end(signal.SIGTERM), 0)
        wait("another leader", second.is_ready, 7)
        self.assertLess(time.monotonic() - began, 7)

    def test_without_the_api_server_it_answers_as_long_as_its_lease_is_valid(self):
        self.budget(limitMilliwatts=400_000)
        (node,) = self.nodes(1)
        leader = self.leader()
        self.settle([node], leader.port)
        self.double.tell("stop")
        began = time.monotonic()
        wait("silence", lambda: node.ask(leader.port).status == 503, 12)
        self.assertLess(time.monotonic() - began, 9)
        self.assertEqual(leader.get("/healthz")[0], 200)
        self.double.tell("listen")
        wait("the same leader", leader.is_ready, 30)
        self.settle([node], leader.port)
        self.assertEqual(node.epoch, 1)

    def overtaken(self):
        """A node, a leader that is stopped, and the one that leads in its place."""
        self.budget(limitMilliwatts=400_000, grantSeconds=10)
        (node,) = self.nodes(1)
        first = self.leader("a")
        second = self.coordinator("b")
        self.settle([node], first.port)
        first.kill(signal.SIGSTOP)
        wait("another leader", second.is_ready, 20)
        self.settle([node], second.port)
        return node, first, second

    def test_a_leader_that_was_stopped_for_long_grants_nothing_more(self):
        node, first, second = self.overtaken()
        first.kill(signal.SIGCONT)
        for _ in range(10):
            answer = node.send(first.port, node.report())
            self.assertEqual(answer.status, 503)
            time.sleep(0.1)
        self.assertEqual(self.object(LEASE)["spec"]["holderIdentity"].partition("_")[0], "b")

    def test_a_leader_that_was_stopped_for_long_writes_nothing_any_more(self):
        node, first, second = self.overtaken()
        # What it has to say when it goes on: the budget has changed meanwhile, and so has what the node can have.
        self.double.tell(f'patch {BUDGETS}/site {{"spec": {{"limitMilliwatts": 300000}}}}')
        node.ceiling = 180 * W
        self.settle([node], second.port)

        def kept():
            node.ask(second.port)
            shard = self.object(f"{SHARDS}/site-0")
            return [one["ceilingMilliwatts"] for one in shard["status"]["nodes"]] == [180_000] and shard

        claimant = wait("the records", kept)["metadata"]["annotations"]["powercap.dev/coordinator"]
        wait("the conditions", lambda: self.conditions()["WithinBudget"]["status"] == "True")
        # For less than the Lease holds, so that whatever is written now the former leader writes.
        second.kill(signal.SIGSTOP)
        before = [self.object(path)["metadata"]["resourceVersion"] for path in (f"{BUDGETS}/site", f"{SHARDS}/site-0")]
        first.kill(signal.SIGCONT)
        wait("what it knows now", lambda: first.status()["coordinator"]["leads"] is False)
        time.sleep(4)
        after = [self.object(path)["metadata"]["resourceVersion"] for path in (f"{BUDGETS}/site", f"{SHARDS}/site-0")]
        second.kill(signal.SIGCONT)
        self.assertEqual(before, after)
        self.assertEqual(claimant.partition(" ")[0].partition("_")[0], "b")

    def test_nodes_that_a_new_leader_does_not_hear_count_at_their_ceilings_until_grants_have_ended(self):
        self.budget(limitMilliwatts=400_000, minimumMilliwatts=20_000, grantSeconds=10)
        nodes = self.nodes(4)
        first = self.leader("a")
        self.settle(nodes, first.port, 400)
        wait("records", lambda: len((self.object(f"{SHARDS}/site-0")["status"] or {}).get("nodes", [])) == 4)
        second = self.coordinator("b")
        first.kill()
        wait("another leader", second.is_ready, 15)
        began = time.monotonic()
        others = nodes[1:]
        most = 0
        while time.monotonic() - began < 7:
            for node in others:
                node.ask(second.port)
            most = max(most, sum(node.in_force for node in others))
            time.sleep(0.3)
        self.assertLessEqual(most, 300 * W)


class Objects(FleetCase):
    """What stands on the objects, and what a bad one does."""

    def test_nothing_is_written_where_nothing_changes(self):
        self.budget(limitMilliwatts=400_000)
        nodes = self.nodes(2)
        leader = self.leader()
        self.settle(nodes, leader.port)
        wait("the conditions", lambda: self.conditions()["WithinBudget"]["status"] == "True")
        wait("the shard's records", lambda: len((self.object(f"{SHARDS}/site-0")["status"] or {}).get("nodes", [])) == 2)
        time.sleep(3)
        before = [self.object(path)["metadata"]["resourceVersion"] for path in (f"{BUDGETS}/site", f"{SHARDS}/site-0")]
        for _ in range(8):
            for node in nodes:
                node.ask(leader.port)
            time.sleep(1)
        after = [self.object(path)["metadata"]["resourceVersion"] for path in (f"{BUDGETS}/site", f"{SHARDS}/site-0")]
        self.assertEqual(before, after)

    def test_what_is_kept_for_the_next_coordinator_is_put_right_where_somebody_else_has_changed_it_or_taken_it_away(self):
        self.budget(limitMilliwatts=400_000)
        nodes = self.nodes(2)
        leader = self.leader()
        self.settle(nodes, leader.port)

        def ceilings():
            for node in nodes:
                node.ask(leader.port)
            shard = self.object(f"{SHARDS}/site-0") or {}
            return sorted(one["ceilingMilliwatts"] for one in (shard.get("status") or {}).get("nodes", []))

        wait("the records", lambda: ceilings() == [200_000] * 2)
        for ceiling, command in ((180, f'patch {SHARDS}/site-0/status {{"status": {{"nodes": []}}}}'), (160, f"delete {SHARDS}/site-0")):
            self.double.tell(command)
            nodes[0].ceiling = ceiling * W
            wait("the records", lambda: ceilings() == [ceiling * 1000, 200_000])

    def test_a_source_gives_the_power_and_a_bad_one_leaves_what_was(self):
        self.budget(source={"SOURCE": "static", "MAX_SOURCE": "300W"})
        nodes = self.nodes(2)
        leader = self.leader()
        self.settle(nodes, leader.port, 300)
        for options, words in (({"SOURCE": "static", "MAX_SOURCE": "300"}, "spec.source: MAX_SOURCE"),
                               ({"SOURCE": "static", "MAX_SOURCE": "500W", "RAMP_UP": "1W"}, "is no option of a source"),
                               ({"SOURCE": "static"}, "MAX_SOURCE is missing"),
                               ({"SOURCE": "demo", "MAX_SOURCE": "500W"}, "is none of a budget"),
                               ({"SOURCE": "schedule", "MAX_SOURCE": "500W", "SCHEDULE_FILE": "/none"}, "SCHEDULE_FILE")):
            with self.subTest(words):
                patch = {"spec": {"source": {name: None for name in ("RAMP_UP", "SCHEDULE_FILE", "MAX_SOURCE")} | options}}
                self.double.tell(f"patch {BUDGETS}/site {json.dumps(patch)}")
                wait("the refusal", lambda: self.conditions()["Ready"]["status"] == "False"
                     and words in self.conditions()["Ready"]["message"])
                self.settle(nodes, leader.port, 300)
        self.double.tell(f'patch {BUDGETS}/site {{"spec": {{"source": {{"SOURCE": "static", "MAX_SOURCE": "200W", "SCHEDULE_FILE": null}}}}}}')
        wait("the acceptance", lambda: self.conditions()["Ready"]["status"] == "True")
        self.settle(nodes, leader.port, 200)

    def test_one_that_never_could_be_followed_gives_the_floors(self):
        self.budget(source={"SOURCE": "series", "MAX_SOURCE": "500W", "SERIES_FILE": "/none"})
        nodes = self.nodes(2, floor=20)
        leader = self.leader()
        self.settle(nodes, leader.port, 40)
        self.assertEqual(self.conditions()["Ready"]["reason"], "Invalid")

    def test_an_unreadable_word_is_never_unlimited(self):
        self.budget(limitMilliwatts=400_000)
        nodes = self.nodes(2)
        leader = self.leader()
        self.settle(nodes, leader.port, 400)
        self.double.tell(f"delete {BUDGETS}/site")
        wait("the refusal", lambda: nodes[0].ask(leader.port).status == 404)

    def test_a_service_is_asked_by_the_leader_alone_and_its_answer_divided(self):
        service = Signals(self)
        now = time.time()
        service.say("/forecast", [
            {"from": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + seconds)), "watts": 300} for seconds in (-1800, 1800, 5400)])
        self.budget(source={"SOURCE": "http", "MAX_SOURCE": "500W", "SOURCE_URL": f"{service.url}/forecast",
                            "SOURCE_VALUE": "$[*].watts", "SOURCE_TIME": "$[*].from"})
        nodes = self.nodes(2)
        leader, standby = self.leader("a"), self.coordinator("b")
        wait("the standby", lambda: standby.get("/healthz")[0] == 200)
        self.settle(nodes, leader.port, 300)
        self.assertEqual(service.requests, ["/forecast"])
        self.assertEqual(self.conditions()["Ready"]["status"], "True")

    def test_a_schedule_is_looked_ahead_by_the_time_of_a_grant(self):
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            now = time.time()
            stamp = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + seconds)) for seconds in (-60, 40, 3600)]
            file.write(f"{stamp[0]},400W\n{stamp[1]},200W\n{stamp[2]},\n")
            file.flush()
            self.budget(source={"SOURCE": "series", "MAX_SOURCE": "400W", "SERIES_FILE": file.name}, grantSeconds=10)
            nodes = self.nodes(2)
            leader = self.leader()
            self.settle(nodes, leader.port, 400)
            while sum(node.in_force for node in nodes) > 200 * W:
                for node in nodes:
                    node.ask(leader.port)
                self.assertLess(time.time(), now + 40)
                time.sleep(0.2)


if __name__ == "__main__":
    unittest.main()
