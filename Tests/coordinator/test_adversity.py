"""What coordinators make of nodes that lie, strangers that flood, clocks that jump, what other versions wrote, and budgets that come and go."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from coordinators import BUDGETS, LEASE, SHARDS, FleetCase, W, wait

HERE = pathlib.Path(__file__).resolve().parent
MOST = 1_000_000 * W


class Lies(FleetCase):
    """P17: what a node says bounds nobody else."""

    def test_p17_a_node_that_claims_everything_takes_no_more_than_the_maximum_and_others_have_their_minimums(self):
        self.budget(limitMilliwatts=600_000, minimumMilliwatts=50_000)
        liar, *honest = self.nodes(4)
        liar.floor = liar.ceiling = liar.demand = liar.rest = liar.in_force = MOST
        leader = self.leader()
        granted = self.settle([liar, *honest], leader.port)
        self.assertEqual(granted[0], 200 * W)
        self.assertAlmostEqual(sum(granted[1:]), 400 * W, delta=W)
        found = wait("that it is told", lambda: (found := self.conditions()["Degraded"])["reason"] == "NodesAboveMaximum" and found)
        self.assertIn("The node n0 can have more in force than maximumMilliwatts", found["message"])

    def test_a_node_cannot_speak_for_another_nor_take_its_number(self):
        self.budget(limitMilliwatts=400_000)
        liar, other = self.nodes(2)
        leader = self.leader()
        self.settle([liar, other], leader.port, 400)
        answer = liar.send(leader.port, other.report(nonce=2**62, inForceMicrowatts=0), token=liar.token)
        self.assertEqual(answer.status, 403)
        self.assertEqual(other.ask(leader.port).status, 200)


class Floods(FleetCase):
    def test_p14_strangers_tokens_cost_a_bounded_number_of_reviews_and_nodes_are_answered_meanwhile(self):
        self.budget(limitMilliwatts=400_000)
        nodes = self.nodes(2)
        leader = self.leader()
        self.settle(nodes, leader.port, 400)
        stranger = self.node("n0")
        before, began = self.reviews(), time.monotonic()
        refused = longest = 0
        for number in range(400):
            # Each looks like a token, and nobody has issued it.
            head, body, _ = stranger.token.split(".")
            answer = stranger.send(leader.port, stranger.report(), token=f"{head}.{body}.{number:043d}")
            refused += "nobody's" in answer.error
            if number % 20 == 0:
                asked = time.monotonic()
                self.assertEqual(nodes[0].ask(leader.port).status, 200)
                longest = max(longest, time.monotonic() - asked)
                time.sleep(0.2)
        self.assertLess(longest, 1)
        # What one address has at once, and one in each second; both nodes' may have been renewed.
        self.assertLessEqual(self.reviews() - before, 64 + time.monotonic() - began + 2)
        self.assertGreater(refused, 100)
        self.settle(nodes, leader.port, 400)

    def reviews(self):
        return sum(row["path"].startswith("/apis/authentication.k8s.io/") for row in self.double.ask("requests"))


class Writes(FleetCase):
    def test_p10_demands_that_change_all_the_time_cost_a_write_a_minute_for_each_node_at_most(self):
        self.budget(limitMilliwatts=800_000, minimumMilliwatts=20_000)
        nodes = self.nodes(4)
        leader = self.leader()
        self.settle(nodes, leader.port)
        # What belongs to the beginning.
        time.sleep(5)
        before, began, turn = len(self.writes()), time.monotonic(), 0
        while time.monotonic() - began < 60:
            for number, node in enumerate(nodes):
                node.demand = (200 if (number + turn) % 2 else 30) * W
                node.ask(leader.port)
            turn += 1
            time.sleep(0.5)
        found = self.writes()[before:]
        self.assertLessEqual(len(found), len(nodes), found)

    def writes(self):
        """All but those of the Lease, which are the coordinators' own."""
        return [(row["method"], row["path"]) for row in self.double.ask("requests")
                if row["method"] in ("POST", "PUT", "PATCH", "DELETE") and "/leases/" not in row["path"]]


class Clocks(FleetCase):
    def test_p17_a_clock_on_the_wall_that_jumps_ends_no_grant_and_no_lease(self):
        with tempfile.TemporaryDirectory() as directory:
            library, offset = f"{directory}/clock.so", pathlib.Path(directory, "offset")
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, str(HERE / "clock.c"), "-ldl"], check=True)
            offset.write_text("0")
            self.budget(limitMilliwatts=400_000, grantSeconds=10)
            nodes = self.nodes(4)
            for node in nodes:
                node.token = self.token(node.name, seconds=36_000)
            leader = self.leader("a", environment={"LD_PRELOAD": library, "CLOCK_OFFSET": str(offset)})
            standby = self.coordinator("b")
            self.settle(nodes, leader.port, 400)
            for seconds in (7_200, -600, 0):
                # At once, for whoever looks.
                offset.with_suffix(".new").write_text(str(seconds))
                os.replace(offset.with_suffix(".new"), offset)
                shown = wait("the other time", lambda: leader.status()["coordinator"]["now"])
                began = time.monotonic()
                # Longer than a grant holds, and a Lease.
                while time.monotonic() - began < 12:
                    for node in nodes:
                        self.assertEqual(node.ask(leader.port).status, 200, (seconds, shown))
                    self.assertLessEqual(sum(node.in_force for node in nodes), 400 * W)
                    time.sleep(0.5)
                self.assertEqual(self.settle(nodes, leader.port, 400), [100 * W] * 4)
                self.assertFalse(standby.is_ready())
            self.assertEqual(self.object(LEASE)["spec"]["leaseTransitions"], 1)


class Versions(FleetCase):
    def test_p17_what_another_version_has_kept_and_nobody_can_read_counts_as_nothing_known_and_is_told(self):
        self.budget(limitMilliwatts=400_000, minimumMilliwatts=20_000, grantSeconds=10)
        nodes = self.nodes(2)
        first = self.leader("a")
        self.settle(nodes, first.port, 400)
        wait("records", lambda: len((self.object(f"{SHARDS}/site-0").get("status") or {}).get("nodes", [])) == 2)
        first.end(signal.SIGTERM)
        part = self.object(f"{SHARDS}/site-0")
        # As its kind isn't known to this version, it is what a server gives in answer to a claim.
        part["status"]["nodes"] = [{"node": "n0", "restWatts": 20}]
        self.double.tell(f"fault 1 patch {SHARDS}/site-0 body {json.dumps(part)}")
        second = self.leader("b")
        line = next(line for line in second.lines if "what an earlier coordinator has kept can't be read" in line)
        self.assertIn("site-0", line)
        self.assertIn("status.nodes[0].name", line)
        # Nobody knows how long it granted: who isn't heard counts at the maximum for the longest that there is.
        self.assertIn("waits_ms=120000", next(line for line in second.lines if "answering nodes" in line))
        # One is heard; the other one may have 200 W.
        self.assertEqual(self.settle(nodes[:1], second.port), [200 * W])
        self.assertEqual(second.status()["budgets"][0]["counted_uw"], 400 * W)


class GrantTimes(FleetCase):
    """How long a next coordinator waits for nodes that it doesn't hear."""

    def test_p17_grants_of_a_budget_that_is_deleted_count_to_their_end_for_the_next_coordinator_too(self):
        self.budget("long", limitMilliwatts=200_000, minimumMilliwatts=20_000, grantSeconds=60, nodeSelector={"matchLabels": {"row": "1"}})
        self.budget("short", limitMilliwatts=300_000, minimumMilliwatts=30_000, grantSeconds=10, nodeSelector={"matchLabels": {"row": "2"}})
        (moved,), others = self.nodes(1, "m", labels="row=1"), self.nodes(2, "n", labels="row=2")
        first = self.leader("a")
        self.settle([moved], first.port, 200)
        self.settle(others, first.port, 300)
        wait("both parts to have the longest time", lambda: [self.kept(name) for name in ("long", "short")] == [60, 60])
        # It has 200 W for a minute from now on, and is heard no more. Another budget is its own from now on.
        self.assertEqual(moved.ask(first.port).body["limitMicrowatts"], 200 * W)
        self.double.tell("label m0 row=2")
        # What is kept of it is on the other part then.
        self.double.tell(f'patch {BUDGETS}/short {{"spec": {{"minimumMilliwatts": 35000}}}}')
        wait("its record", lambda: [others[0].ask(first.port)] and "m0" in [
            node["name"] for node in self.object(f"{SHARDS}/short-0")["status"]["nodes"]])
        for path in (f"{BUDGETS}/long", f"{SHARDS}/long-0"):
            self.double.tell(f"delete {path}")
        second = self.coordinator("b")
        first.kill()
        wait("another leader", second.is_ready, 15)
        began = time.monotonic()
        while time.monotonic() - began < 15:
            for node in others:
                node.ask(second.port)
            self.assertLessEqual(sum(node.in_force for node in others) + moved.in_force, 300 * W if time.monotonic() - began > 12 else 600 * W)
            time.sleep(0.5)
        self.assertIn("waits_ms=60000", next(line for line in second.lines if "answering nodes" in line))

    def test_p17_what_an_earlier_coordinator_granted_for_longer_is_known_to_the_one_after_the_next(self):
        self.budget(limitMilliwatts=400_000, minimumMilliwatts=20_000, grantSeconds=60)
        silent, other = self.nodes(2)
        first = self.leader("a")
        self.settle([silent, other], first.port, 400)
        wait("the part", lambda: self.kept("site") == 60)
        first.end()
        self.double.tell(f'patch {BUDGETS}/site {{"spec": {{"grantSeconds": 10}}}}')
        second = self.leader("b")
        self.settle([other], second.port, 200)
        # Time enough to write something else.
        time.sleep(3)
        self.assertEqual(self.kept("site"), 60)
        second.end()
        third = self.leader("c")
        self.assertIn("waits_ms=60000", next(line for line in third.lines if "answering nodes" in line))
        # As soon as nobody can have any of it any more the shorter time is kept.
        self.settle([silent, other], third.port, 400)

        def is_short():
            for node in (silent, other):
                node.ask(third.port)
            return self.kept("site") == 10
        wait("the shorter time", is_short, 70)

    def kept(self, budget):
        return (self.object(f"{SHARDS}/{budget}-0") or {"status": {}})["status"].get("grantSeconds")
