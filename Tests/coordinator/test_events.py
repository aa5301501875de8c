"""What coordinators tell by Events on PowerBudgets."""
import tempfile
import time

from coordinators import BUDGETS, SHARDS, FleetCase, wait

EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"


class Events(FleetCase):
    def events(self, reason=None):
        found = sorted(self.object(EVENTS), key=lambda event: event["eventTime"])
        return [event for event in found if reason in (None, event["reason"])]

    def told(self, reason, count=1):
        """Waits until there are so many of a reason: the last one."""
        return wait(reason, lambda: len(found := self.events(reason)) == count and found[-1])

    def limit(self, watts):
        self.double.tell(f'patch {BUDGETS}/site {{"spec": {{"limitMilliwatts": {watts * 1000}}}}}')

    def test_what_somebody_has_to_act_on_is_told_on_the_budget_and_that_it_is_over(self):
        self.budget(limitMilliwatts=100_000, minimumMilliwatts=60_000)
        nodes = self.nodes(3)
        leader = self.leader()
        self.settle(nodes, leader.port)
        event = self.told("PowerBudgetBelowMinimums")
        budget = self.object(f"{BUDGETS}/site")
        self.assertEqual(event["regarding"], {"apiVersion": "powercap.dev/v1alpha1", "kind": "PowerBudget", "name": "site",
                                              "uid": budget["metadata"]["uid"]})
        self.assertEqual((event["type"], event["action"], event["reportingController"]), ("Warning", "KeepBudget", "powercap.dev/coordinator"))
        self.assertEqual(event["reportingInstance"], leader.status()["coordinator"]["identity"])
        self.assertRegex(event["note"], "W is counted, with what is kept for jumps and the reserve, of a limit of 100 W: the minimums are [0-9]+ W,")
        self.assertIn("lower minimumMilliwatts", event["note"])
        self.limit(600)
        self.settle(nodes, leader.port, 600)
        self.assertEqual(self.told("PowerBudgetWithinLimit")["type"], "Normal")
        # A limit that falls is followed, which is nothing to act on.
        self.limit(300)
        self.settle(nodes, leader.port, 300)
        self.double.tell(f'patch {BUDGETS}/site {{"spec": {{"source": {{"SOURCE": "static"}}, "limitMilliwatts": null}}}}')
        event = self.told("PowerBudgetInvalid")
        self.assertEqual(event["note"], "spec.source: MAX_SOURCE is missing: it says what the source gives at most, and its default is "
                                        "a single node's. What it said before holds.")
        self.double.tell(f'patch {BUDGETS}/site {{"spec": {{"source": null, "limitMilliwatts": 300000}}}}')
        self.told("PowerBudgetAccepted")
        self.assertEqual(sorted(event["reason"] for event in self.events()), [
            "PowerBudgetAccepted", "PowerBudgetBelowMinimums", "PowerBudgetInvalid", "PowerBudgetTakenOver", "PowerBudgetWithinLimit"])

    def test_a_source_that_fails_and_recovers_is_told(self):
        with tempfile.TemporaryDirectory() as directory:
            path = f"{directory}/power.csv"
            self.write(path)
            self.budget(source={"SOURCE": "series", "MAX_SOURCE": "300W", "SERIES_FILE": path, "STALE_AFTER": "10m"})
            nodes = self.nodes(2)
            leader = self.leader()
            self.settle(nodes, leader.port, 300)
            self.write(path, "never,300W\n")
            event = self.told("PowerBudgetSourceFailed")
            self.assertIn(path, event["note"])
            self.settle(nodes, leader.port, 300)
            self.write(path)
            self.told("PowerBudgetRecovered")

    def write(self, path, text=None):
        stamp = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds)) for seconds in (-60, 7200)]
        with open(path, "w", encoding="ascii") as file:
            file.write(text or f"{stamp[0]},300W\n{stamp[1]},\n")

    def test_the_next_leader_tells_that_it_took_over_and_nothing_again_that_stands_there(self):
        self.budget(limitMilliwatts=100_000, minimumMilliwatts=60_000, grantSeconds=10)
        nodes = self.nodes(2)
        first = self.leader("a")
        self.settle(nodes, first.port)
        self.told("PowerBudgetBelowMinimums")
        event = self.told("PowerBudgetTakenOver")
        self.assertIn("a leads shard 0 and answers nodes from now on", event["note"])
        second = self.coordinator("b")
        first.kill()
        wait("another leader", second.is_ready, 15)
        event = self.told("PowerBudgetTakenOver", 2)
        self.assertIn("b leads shard 0 and answers nodes from now on: until each is heard, or 10 s are over", event["note"])
        self.settle(nodes, second.port)
        wait("the end of the beginning", lambda: second.status()["coordinator"]["takeover_s"])
        # More than it takes to write a status and to tell of it.
        time.sleep(3)
        self.assertEqual(len(self.events("PowerBudgetBelowMinimums")), 1)

    def test_nodes_that_fall_silent_are_told_of_once(self):
        self.budget(limitMilliwatts=600_000, minimumMilliwatts=20_000, grantSeconds=10)
        nodes = self.nodes(3)
        leader = self.leader()
        self.settle(nodes, leader.port)
        event = wait("silence", lambda: nodes[0].ask(leader.port) and self.events("PowerBudgetNodesSilent"))[0]
        self.assertIn("More nodes than contingencyNodes aren't heard", event["note"])
        self.settle(nodes, leader.port)
        self.told("PowerBudgetRecovered")

    def test_p14_events_that_cannot_be_told_keep_nothing_from_being_granted_or_published(self):
        for fault in ("status 403", "freeze"):
            with self.subTest(fault):
                self.double.tell(f"fault every create {EVENTS} {fault}")
                self.budget(limitMilliwatts=100_000, minimumMilliwatts=60_000)
                nodes = self.nodes(2)
                leader = self.leader("a")
                self.settle(nodes, leader.port, 120)
                wait("the condition", lambda: self.conditions()["WithinBudget"]["reason"] == "MinimumsExceedLimit")
                self.limit(300)
                self.settle(nodes, leader.port, 300)
                wait("the condition", lambda: self.conditions()["WithinBudget"]["status"] == "True")
                wait("why", lambda: any("Events on budgets can't be recorded" in trouble for trouble in leader.status()["api"]["troubles"]))
                self.assertEqual(self.events(), [])
                self.double.tell("forget")
                self.told("PowerBudgetWithinLimit")
                leader.end()
                self.free_lease(0)
                for path in (f"{BUDGETS}/site", f"{SHARDS}/site-0", *(f"{EVENTS}/{event['metadata']['name']}" for event in self.events())):
                    self.double.tell(f"delete {path}")
