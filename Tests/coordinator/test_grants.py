"""What nodes are granted by a coordinator, and what stands on the objects of it."""

from coordinators import BUDGETS, FleetCase, W, wait


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
