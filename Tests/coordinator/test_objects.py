"""What a coordinator takes from its budgets' objects and sources."""
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time

from coordinators import BUDGETS, DEADLINE_S, REPOSITORY, SHARDS, FleetCase, W, wait


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
