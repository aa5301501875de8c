"""What happens in a storm over one shard, and how it is looked at."""
import random
import signal
import time

from plane import GRANT_S, Broken, wait

WATT = 1_000_000
MINIMUM_W = 40


class Report:
    """What was found."""

    def __init__(self):
        self.count, self.failures = 0, 0

    def check(self, sentence, is_kept, detail=""):
        self.count += 1
        self.failures += not is_kept
        print(f"{'ok' if is_kept else 'not ok'} {self.count} - {sentence}", flush=True)
        if not is_kept and detail:
            print(*(f"# {line}" for line in str(detail).splitlines()), sep="\n", flush=True)

    @staticmethod
    def figure(sentence):
        print(f"# fleet: {sentence}", flush=True)


class Storm:
    def __init__(self, cluster, report, seed):
        self.cluster, self.report, self.random = cluster, report, random.Random(seed)
        self.nodes = cluster.nodes
        self.ceiling = self.nodes[0].ceiling
        count = len(self.nodes)
        self.seen, self.seconds = 0, 0.0
        # A third of what all could take, and in each shard room for one to jump.
        self.limit = (count * MINIMUM_W * WATT + cluster.shards * self.ceiling + count * self.ceiling // 4) // WATT * WATT

    # MARK: Looks

    def sum(self):
        return sum(node.limit for node in self.nodes)

    def kept(self, sentence):
        """What the sampler has seen since the last time."""
        found = self.cluster.figures()
        self.seen += found["samples"]
        self.seconds += found["seconds"]
        first = found["first_over"][0] if found["over"] else None
        self.report.check(
            f"P17: {sentence}, and at none of {found['samples']} instants was the sum above the budget", not found["over"],
            first and f"{found['over']} instants above it, the first: {first[1]} µW of {first[2]} µW: {first[3]}")
        self.report.figure(
            f"{sentence}: at most {found['most'] / WATT:.1f} W of {self.limit / WATT:.0f} W, longest "
            f"gap {found['longest_gap'] * 1e3:.0f} ms, {found['unsteady']} readings while something changed")

    def wait_for_shares(self, hungry, seconds=60):
        """Until these have much more than the others."""
        others = [node for node in self.nodes if node not in hungry]

        def is_shared():
            return min(node.limit for node in hungry) > 1.5 * max(node.limit for node in others)
        return wait("power goes to who wants it", is_shared, seconds)[1]

    def draw(self, hungry):
        for node in self.nodes:
            node.draw(250 if node in hungry else 15)

    # MARK: Acts

    def begin(self):
        cluster = self.cluster
        cluster.make_budget("site", limitMilliwatts=self.limit // 1000, minimumMilliwatts=MINIMUM_W * 1000,
                            maximumMilliwatts=self.ceiling // 1000)
        for index in range(len(cluster.places)):
            cluster.start_coordinator(index)
        for shard in range(cluster.shards):
            index, seconds = cluster.wait_for_leader(shard=shard)
            self.report.figure(f"coordinator {index} leads after {seconds:.1f} s")
        for node in self.nodes:
            node.start()
        _, seconds = wait("the nodes' limits come within the budget", lambda: self.sum() <= self.limit, 90)
        self.report.check("nodes that begin at what firmware gave them come within the budget", True)
        self.report.figure(f"{len(self.nodes)} nodes are within the budget {seconds:.1f} s after the last one began")
        wait("PowerBudget says WithinBudget", lambda: cluster.condition("site", "WithinBudget").get("status") == "True", 60)
        cluster.sampler.tell(f"budget {self.limit}")
        cluster.figures()

    def shift(self):
        half = len(self.nodes) // 2
        times = []
        for hungry in (self.nodes[:half], self.nodes[half:], self.nodes[::2]):
            self.draw(hungry)
            times.append(self.wait_for_shares(hungry))
        self.hungry = self.nodes[::2]
        self.kept("work moved between nodes three times")
        self.report.figure("from the demand's change to shares: " + ", ".join(f"{time_s:.1f} s" for time_s in times))

    def lose_leader(self):
        cluster = self.cluster
        index, _ = cluster.wait_for_leader()
        cluster.coordinators[index].end(signal.SIGKILL)
        started = time.monotonic()
        other, _ = cluster.wait_for_leader(GRANT_S + 20)
        wait("the new leader grants", lambda: cluster.grants(other) >= len(self.nodes), 30)
        took = time.monotonic() - started
        self.draw(self.nodes[1::2])
        self.wait_for_shares(self.nodes[1::2])
        self.report.check(f"the other coordinator takes over within the grants' time and 5 s: {took:.1f} s", took <= GRANT_S + 5)
        cluster.start_coordinator(index)
        self.kept("the leader was killed")

    def pause_leader(self):
        cluster = self.cluster
        index, _ = cluster.wait_for_leader()
        cluster.coordinators[index].send(signal.SIGSTOP)
        wait("the other leads", lambda: cluster.leader() not in (None, index), GRANT_S + 20)
        time.sleep(self.random.uniform(0, 3))
        cluster.coordinators[index].send(signal.SIGCONT)
        self.draw(self.nodes[::2])
        self.wait_for_shares(self.nodes[::2])
        self.kept("the leader stood still until another led, and went on")

    def lose_api(self):
        cluster = self.cluster
        cluster.double.tell("stop")
        floor = len(self.nodes) * (MINIMUM_W + 1) * WATT
        _, seconds = wait("without an API server all go to their minimums", lambda: self.sum() <= floor, 60)
        self.report.check("P18: without an API server, so without a leader, every node goes to its minimum by itself", True)
        self.report.figure(f"all are at their minimums {seconds:.1f} s after the API server went")
        cluster.double.tell("listen")
        cluster.wait_for_leader(60)
        self.wait_for_shares(self.nodes[::2])
        self.kept("the API server was away")

    def cut_off(self):
        cluster = self.cluster
        cut = self.random.sample(range(len(self.nodes)), 6)
        cluster.gate.tell("hold " + " ".join(map(str, cut[:3])))
        cluster.gate.tell("cut " + " ".join(map(str, cut[3:])))
        self.draw([node for node in self.nodes if node.number not in cut])
        wait("nodes that are cut off go to their minimums",
             lambda: all(self.nodes[number].limit <= (MINIMUM_W + 1) * WATT for number in cut), 40)
        self.report.check("P18: nodes that hear nothing go to their minimums by themselves", True)
        cluster.gate.tell("free")
        slow = self.random.sample(range(len(self.nodes)), 6)
        cluster.gate.tell("slow " + " ".join(map(str, slow)) + " 1.5")
        self.draw(self.nodes[1::2])
        time.sleep(10)
        cluster.gate.tell("free")
        self.wait_for_shares(self.nodes[1::2])
        self.kept("nodes were cut off, and others heard late")

    def kill_programs(self):
        """Helpers, controllers and both, at random moments, while work moves."""
        dead = {}
        kills = 0
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            node = self.random.choice(self.nodes)
            if node not in dead:
                what = self.random.choice(["controller", "helper", "both", "stop"])
                for name in ("controller", "helper") if what == "both" else ("controller",) if what == "stop" else (what,):
                    program = getattr(node, name)
                    program.send(signal.SIGSTOP) if what == "stop" else program.end(signal.SIGKILL)
                dead[node] = (what, time.monotonic() + self.random.uniform(0.5, 8))
                kills += 1
            for node, (what, back) in list(dead.items()):
                if time.monotonic() >= back:
                    self.revive(node, what)
                    del dead[node]
            if self.random.random() < 0.1:
                self.draw(self.random.sample(self.nodes, len(self.nodes) // 2))
            time.sleep(0.2)
        for node, (what, _) in dead.items():
            self.revive(node, what)
        self.draw(self.nodes[::2])
        self.wait_for_shares(self.nodes[::2])
        self.kept(f"helpers and controllers were killed or stopped {kills} times")

    @staticmethod
    def revive(node, what):
        if what == "stop":
            return node.controller.send(signal.SIGCONT)
        if what in ("helper", "both"):
            node.start_helper()
        if what in ("controller", "both"):
            node.start_controller()

    def fall_silent(self):
        """P18: the helper acts by itself when its controller is gone."""
        node = self.nodes[0]
        wait("the node has more than its minimum", lambda: node.limit > 2 * MINIMUM_W * WATT, 30)
        node.controller.end(signal.SIGKILL)
        _, seconds = wait("its helper sets the fallback", lambda: node.limit <= (MINIMUM_W + 1) * WATT, 15)
        self.report.check(f"P18: the helper of a controller that was killed sets the fallback: {seconds:.1f} s later", seconds <= GRANT_S)
        node.start_controller()
        self.kept("a controller was killed")

    def reboot(self):
        """One node at a time jumps to what firmware gives it, for which there is room."""
        for node in self.random.sample(self.nodes, 2):
            node.reboot()
            time.sleep(self.random.uniform(2, 4))
            node.start()
            wait("a node that booted is governed again", lambda node=node: node.limit < self.ceiling / 2, 40)
            # Until it isn't the one that the room is for any more.
            time.sleep(GRANT_S)
        self.kept("two nodes were rebooted, one after the other")

    def lower(self):
        """A budget that falls is kept within the grants' time, and then always."""
        cluster, before = self.cluster, self.limit
        self.limit = before * 3 // 4
        cluster.change_budget("site", limitMilliwatts=self.limit // 1000)
        _, seconds = wait("a lower budget is kept", lambda: self.sum() <= self.limit, GRANT_S + 10)
        self.report.check(f"a budget that fell is kept {seconds:.1f} s later", seconds <= GRANT_S + 5)
        cluster.sampler.tell(f"budget {self.limit}")
        cluster.figures()
        self.draw(self.nodes[1::2])
        self.wait_for_shares(self.nodes[1::2])
        self.kept("the budget was lower")
        self.limit = before
        cluster.sampler.tell(f"budget {before}")
        cluster.change_budget("site", limitMilliwatts=before // 1000)

    def end(self):
        rate = self.seen / self.seconds
        self.report.check(f"the sum was taken {rate:.0f} times a second, at least 100 times", rate >= 100)
        node = self.nodes[0]
        status = node.controller.end()
        self.report.check("a controller that is stopped leaves the fallback in force", status == 0 and node.limit <= (MINIMUM_W + 1) * WATT,
                          f"status {status}, {node.limit / WATT} W in force\n{node.controller.tail()}")
        node.start_controller()

    def run(self, acts):
        for act in acts:
            try:
                getattr(self, act)()
            except Broken as broken:
                self.report.check(act.replace("_", " "), False, broken)


ACTS = ["shift", "lose_leader", "pause_leader", "lose_api", "cut_off", "kill_programs", "fall_silent", "reboot", "lower", "end"]
