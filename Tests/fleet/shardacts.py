"""What happens in a storm over two shards: P17 over the sum of both."""
import signal
import time

from acts import MINIMUM_W, WATT, Storm
from plane import GRANT_S, wait

SHARDS = "/apis/powercap.dev/v1alpha1/powerbudgetshards"
# For so long a parent may be gone before a shard goes down to its minimums (docs/fleet.md).
PATIENCE_S = 30


class ShardStorm(Storm):
    def of(self, shard):
        return [node for node in self.nodes if node.shard == shard]

    def in_force(self, shard):
        return sum(node.limit for node in self.of(shard))

    def parts(self):
        """What each shard may give, and what it keeps to, mW."""
        found = [self.cluster.ask("GET", f"{SHARDS}/site-{shard}") for shard in range(self.cluster.shards)]
        return [(part["spec"]["limitMilliwatts"], part.get("status", {}).get("acknowledgedMilliwatts")) for part in found]

    def wait_for_power(self, shard, share=0.85, seconds=100):
        """Until a shard, whose nodes alone want it, has so much of what it can have beside the others' minimums and the room in each shard."""
        others = len(self.nodes) - len(self.of(shard))
        most = self.limit - self.cluster.shards * self.ceiling - others * MINIMUM_W * WATT
        enough = share * min(most, len(self.of(shard)) * self.ceiling)
        return wait(f"{enough / WATT:.0f} W come to shard {shard}", lambda: self.in_force(shard) >= enough, seconds)[1]

    def begin(self):
        counts = [len(self.of(shard)) for shard in range(self.cluster.shards)]
        self.report.check(f"nodes are in both shards: {counts}", min(counts) >= 3)
        self.draw(self.of(0))
        super().begin()
        # So much that the other one can't have what it will want before this one is down.
        self.report.figure(f"shard 0, whose nodes want it, has a third of the power {self.wait_for_power(0, 0.33):.1f} s later")

    def move(self):
        """Power goes from one shard to the other, and while it does both leaders are killed, so that others have it on their hands."""
        cluster = self.cluster
        self.draw(self.of(1))
        began = time.monotonic()
        # From at once until the first part has changed.
        time.sleep(self.random.uniform(0, 15))
        leaders = [cluster.wait_for_leader(GRANT_S + 20, shard)[0] for shard in range(cluster.shards)]
        for index in leaders:
            cluster.coordinators[index].send(signal.SIGKILL)
        started = time.monotonic()
        for index in leaders:
            cluster.coordinators[index].end(signal.SIGKILL)
        for shard in range(cluster.shards):
            cluster.wait_for_leader(GRANT_S + 20, shard)
        took = time.monotonic() - started
        for index in leaders:
            cluster.start_coordinator(index)
        self.report.check(f"both shards have another leader {took:.1f} s after both were killed", took <= GRANT_S + 5)
        self.wait_for_power(1)
        self.kept("power moved between shards, and both leaders were killed meanwhile")
        self.report.figure(f"the power is in the other shard {time.monotonic() - began:.1f} s after it is wanted there")

    def part(self):
        """A shard that doesn't reach the API server for longer than its Lease and its grants last gives nothing, and nobody has what it had."""
        cluster = self.cluster
        cluster.backstage.tell("hold 2 3")
        floor = len(self.of(1)) * (MINIMUM_W + 1) * WATT
        _, seconds = wait("nodes of a shard that is cut off go to their minimums", lambda: self.in_force(1) <= floor, GRANT_S + 30)
        given = self.parts()
        self.report.check(
            f"P17: what a shard has that nobody hears isn't given to the other one: {given} mW",
            sum(max(part) for part in given) <= self.limit // 1000)
        cluster.backstage.tell("free")
        back = self.wait_for_power(1)
        self.kept("a shard was cut off from the API server")
        self.report.figure(f"at the minimums {seconds:.1f} s after the cut, and where they were {back:.1f} s after its end")

    def lower(self):
        """The limit of the whole falls while the parent can't see it: the other shard goes down by itself."""
        cluster = self.cluster
        cluster.backstage.tell("hold 0 1")
        self.limit = self.limit * 3 // 5 // WATT * WATT
        self.report.check("there is more in force than the whole is about to have", self.sum() > self.limit)
        cluster.change_budget("site", limitMilliwatts=self.limit // 1000)
        most = PATIENCE_S + 5 + 2 * GRANT_S
        _, seconds = wait("a lower budget is kept", lambda: self.sum() <= self.limit, most + 20)
        self.report.check(f"a budget that fell, with the parent cut off, is kept {seconds:.1f} s later", seconds <= most)
        cluster.sampler.tell(f"budget {self.limit}")
        cluster.figures()
        cluster.backstage.tell("free")
        cluster.wait_for_leader(40)
        floor = len(self.nodes) * (MINIMUM_W + 1) * WATT
        wait("what there is beside the minimums is given again", lambda: self.sum() > floor, 60)
        self.kept("the budget was lower, and the parent was back")


ACTS = ["move", "part", "lower", "end"]
