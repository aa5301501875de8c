"""Two shards: coordinators of each with real TLS against the double of the API server, and a parent that divides budgets over them."""
import signal
import time

from coordinators import BUDGETS, SHARDS, FleetCase, W, wait


def shard_of(name, count):
    """What docs/fleet.md says of it."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value % 65_521 % count


class Shards(FleetCase):
    SHARDS = 2

    def setUp(self):
        super().setUp()
        self.names = []

    def shard(self, number, name=None, count=2):
        return self.coordinator(name or f"s{number}", "--shards", str(count), "--shard", str(number))

    def start(self, count=8, **spec):
        """Two coordinators, and nodes of each; a budget of 800 W unless it is said otherwise."""
        self.budget(**{"limitMilliwatts": 800_000, "minimumMilliwatts": 20_000, "grantSeconds": 10} | spec)
        nodes = self.nodes(count)
        self.coordinators = [self.shard(0), self.shard(1)]
        for coordinator in self.coordinators:
            wait("a leader of each shard", coordinator.is_ready)
        self.by_shard = [[node for node in nodes if shard_of(node.name, 2) == number] for number in (0, 1)]
        self.assertTrue(all(self.by_shard))
        return nodes

    def ask(self, shards=(0, 1)):
        for number in shards:
            for node in self.by_shard[number]:
                node.ask(self.coordinators[number].port)

    def total(self):
        return sum(node.in_force for nodes in self.by_shard for node in nodes)

    def until(self, what, condition, deadline_s=90, limit=None, shards=(0, 1)):
        """Lets nodes ask until it is so; where a limit is given the sum is never above it meanwhile."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            self.ask(shards)
            if limit is not None:
                self.assertLessEqual(self.total(), limit * W)
            if condition():
                return
            time.sleep(0.3)
        raise AssertionError(f"{what}: {self.total() / W} W, {self.parts()}")

    def parts(self):
        found = [self.object(f"{SHARDS}/site-{shard}") or {} for shard in (0, 1)]
        return [(part.get("spec", {}).get("limitMilliwatts"), (part.get("status") or {}).get("acknowledgedMilliwatts")) for part in found]

    def test_p17_two_shards_share_one_budget_and_power_goes_where_it_is_wanted(self):
        nodes = self.start()
        self.until("all the budget is given", lambda: 780 * W < self.total() <= 800 * W)
        self.assertLessEqual(sum(max(part) for part in self.parts()), 800_000)
        status = wait("the whole on the PowerBudget", lambda: (status := self.object(f"{BUDGETS}/site")["status"])["nodes"]["total"] == 8 and status)
        self.assertEqual([part["shard"] for part in status["shards"]], [0, 1])
        for node in self.by_shard[0]:
            node.demand = 20 * W
        for node in self.by_shard[1]:
            node.demand = 200 * W
        before = sum(node.in_force for node in self.by_shard[1])
        self.until("the other shard has what this one leaves",
                   lambda: sum(node.in_force for node in self.by_shard[1]) > before + 20 * W, limit=800)
        self.double.tell(f'patch {BUDGETS}/site {{"spec": {{"limitMilliwatts": 500000}}}}')
        self.until("a limit that fell is kept", lambda: self.total() <= 500 * W, 40)
        self.until("and then always", lambda: self.parts()[0][1] + self.parts()[1][1] <= 500_000, 40, limit=500)
        self.assertEqual(len(nodes), 8)

    def test_a_shard_whose_part_is_changed_or_that_has_another_leader_goes_on_to_say_what_its_nodes_want(self):
        self.start(minimumMilliwatts=30_000)
        # The parent divides by it: what a shard doesn't want it doesn't get.
        self.until("all the budget is given", lambda: 780 * W < self.total() <= 800 * W)
        seen = set()

        def watch(condition):
            def look():
                for shard in (0, 1):
                    part = self.object(f"{SHARDS}/site-{shard}")
                    least, most = (len(self.by_shard[shard]) * watts * 1000 for watts in (30, 200))
                    self.assertGreaterEqual(part["status"]["minimumMilliwatts"], least, part)
                    self.assertLess(part["status"]["minimumMilliwatts"], most, part)
                    self.assertGreaterEqual(part["spec"]["limitMilliwatts"], least, part)
                    seen.add((shard, part["spec"]["limitMilliwatts"]))
                return condition()
            return look
        for watts in (1200, 900):
            self.double.tell(f'patch {BUDGETS}/site {{"spec": {{"limitMilliwatts": {watts * 1000}}}}}')
            self.until(f"{watts} W are given", watch(lambda watts=watts: (watts - 20) * W < self.total() <= watts * W), limit=1200)
        self.assertGreaterEqual(len(seen), 4)
        self.coordinators[1].end()
        self.coordinators[1] = self.shard(1, "another")
        wait("another leader", self.coordinators[1].is_ready, 15)
        end = time.monotonic() + 12
        self.until("it has gone on for a while", watch(lambda: time.monotonic() > end), limit=900)

    def test_a_node_of_another_shard_is_told_which_is_its_own(self):
        self.start(4)
        node = self.by_shard[1][0]
        answer = wait("an answer", lambda: (answer := node.send(self.coordinators[0].port, node.report())).status != 503 and answer)
        self.assertEqual(answer.status, 421)
        self.assertIn(f"The node {node.name} is one of shard 1 of 2", answer.error)

    def test_p17_nothing_is_given_on_before_a_shard_has_said_what_its_nodes_have(self):
        self.budget(limitMilliwatts=800_000, minimumMilliwatts=20_000, grantSeconds=10)
        self.nodes(8)
        self.coordinators = [self.shard(0)]
        wait("a leader", self.coordinators[0].is_ready)
        wait("its own part", lambda: self.parts()[0][1] is not None)
        wait("why", lambda: "ShardsMissing" == self.conditions().get("Degraded", {}).get("reason"), 60)
        self.assertEqual(self.parts()[0][0], 0)

    def test_p17_what_a_parent_that_is_gone_had_on_its_way_is_refused_once_another_one_divides(self):
        self.budget(limitMilliwatts=800_000, minimumMilliwatts=20_000, grantSeconds=10)
        nodes = self.nodes(8)
        self.coordinators = [self.shard(0, "first"), self.shard(1)]
        for coordinator in self.coordinators:
            wait("a leader of each shard", coordinator.is_ready)
        self.by_shard = [[node for node in nodes if shard_of(node.name, 2) == number] for number in (0, 1)]
        # Those of shard 0 have all that they can have, so that what there is more is for shard 1.
        for node in self.by_shard[0]:
            node.ceiling = node.demand = node.in_force = node.rest = 60 * W
        self.until("all the budget is given, and acknowledged", lambda: 780 * W < self.total() <= 800 * W
                   and all(given == acknowledged for given, acknowledged in self.parts()))
        before = self.parts()
        # Shard 1 writes nothing meanwhile: only a claim can make another state of its part.
        self.coordinators[1].kill(signal.SIGSTOP)
        # The whole has more, and the parent gives shard 1 its part of that: under way when the parent dies, and for longer than it takes another one to lead.
        late_s = 25
        self.double.tell(f"fault 1 patch {SHARDS}/site-1 late {late_s * 1000}")
        self.double.tell(f'patch {BUDGETS}/site {{"spec": {{"limitMilliwatts": 1400000}}}}')
        self.until("the parent gives more", shards=[0], condition=lambda: any(line and line.startswith(f"late {SHARDS}/site-1?") for line in self.double.lines))
        began = time.monotonic()
        self.assertEqual(self.parts()[1][0], before[1][0])
        first = self.coordinators[0]
        self.coordinators[0] = self.shard(0, "second")
        first.end()
        # Before anybody has seen it the whole has as little as it had.
        self.double.tell(f'patch {BUDGETS}/site {{"spec": {{"limitMilliwatts": 800000}}}}')
        wait("another parent", self.coordinators[0].is_ready, 15)
        self.until("both parts fit", shards=[0], condition=lambda: sum(max(part) for part in self.parts()) <= 800_000)
        self.assertLess(time.monotonic() - began, late_s - 2, "what was under way came too soon to show anything")

        def late():
            self.assertLessEqual(sum(part[0] for part in self.parts()), 800_000)
            return [row for row in self.double.ask("requests") if row["fault"] == "late"]
        self.until("what was under way arrives", late, late_s + 10, shards=[0])
        self.assertEqual([row["status"] for row in late()], [409])

    def test_p17_without_a_parent_a_shard_goes_down_to_its_minimums(self):
        self.start()
        self.until("all the budget is given", lambda: 780 * W < self.total() <= 800 * W)
        self.coordinators[0].kill(signal.SIGSTOP)
        began = time.monotonic()

        def others():
            for node in self.by_shard[1]:
                node.ask(self.coordinators[1].port)
            return all(node.in_force == 20 * W for node in self.by_shard[1])
        wait("the minimums", others, 60)
        self.assertGreater(time.monotonic() - began, 25)

    def test_another_number_of_shards_is_refused_until_somebody_acts(self):
        self.start(4)
        wait("both parts", lambda: all(part[1] is not None for part in self.parts()))
        for coordinator in self.coordinators:
            coordinator.end(signal.SIGTERM)
        single = self.coordinator("single")
        why = wait("the reason", lambda: "of 2 shards, and --shards says 1" in (why := single.get("/readyz")[1]) and why)
        self.assertIn("delete all PowerBudgetShards", why)
        self.assertFalse(single.is_ready())
