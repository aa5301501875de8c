"""Which of several coordinators answers, and until when."""
import signal
import time

from coordinators import BUDGETS, LEASE, SHARDS, FleetCase, W, wait


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
