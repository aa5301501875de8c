"""What happens in a storm over two shards: P17 over the sum of both."""
import signal
import time

from acts import MINIMUM_W, WATT, Storm
from cluster import GRANT_S, wait

SHARDS = "/apis/powercap.dev/v1alpha1/powerbudgetshards"
# For so long a parent may be gone before a shard goes down to its minimums (docs/fleet.md).
PATIENCE_S = 30


class ShardStorm(Storm):
    def of(self, shard):
        return [node for node in self.nodes if node.shard == shard]

    def sums(self):
        return [sum(node.limit for node in self.of(shard)) / WATT for shard in range(self.cluster.shards)]

    def parts(self):
        """What each shard may give, and what it keeps to."""
        found = [self.cluster.ask("GET", f"{SHARDS}/site-{shard}") for shard in range(self.cluster.shards)]
        return [(part["spec"]["limitMilliwatts"], part.get("status", {}).get("acknowledgedMilliwatts")) for part in found]

    def in_each(self, work):
        """Of each shard, the coordinator that leads."""
        for shard in range(self.cluster.shards):
            index, _ = self.cluster.wait_for_leader(GRANT_S + 20, shard)
            work(index)

    def begin(self):
        super().begin()
        counts = [len(self.of(shard)) for shard in range(self.cluster.shards)]
        self.report.check(f"nodes are in both shards: {counts}", min(counts) >= 3)

    def move(self):
        """Power goes from one shard to the other, and while it does both leaders are killed, so that others have it on their hands."""
        cluster = self.cluster
        self.draw(self.of(0))
        _, first = wait("power goes to shard 0", lambda: self.sums()[0] > 1.4 * self.sums()[1], 90)
        self.draw(self.of(1))
        # From at once until the first part has changed.
        time.sleep(self.random.uniform(0, 20))
        killed = []

        def kill(index):
            cluster.coordinators[index].end(signal.SIGKILL)
            killed.append(index)
        self.in_each(kill)
        started = time.monotonic()
        for shard in range(cluster.shards):
            cluster.wait_for_leader(GRANT_S + 20, shard)
        took = time.monotonic() - started
        for index in killed:
            cluster.start_coordinator(index)
        _, second = wait("power goes to shard 1", lambda: self.sums()[1] > 1.4 * self.sums()[0], 90)
        self.report.check(f"both shards have another leader {took:.1f} s after both were killed", took <= GRANT_S + 5)
        self.kept("power moved between shards, and both leaders were killed meanwhile")
        self.report.figure(f"to shard 0 in {first:.1f} s, to shard 1 with the leaders gone meanwhile in {second:.1f} s")

    def part(self):
        """A shard that doesn't reach the API server, for longer than its Lease and its grants last, gives nothing; nor does anybody have what it had."""
        cluster = self.cluster
        cluster.backstage.tell("hold 2 3")
        self.draw(self.of(0))
        floor = len(self.of(1)) * (MINIMUM_W + 1)
        _, seconds = wait("nodes of a shard that is cut off go to their minimums", lambda: self.sums()[1] <= floor, GRANT_S + 30)
        given = self.parts()
        self.report.check(
            f"P17: what a shard had that nobody hears isn't given to the other one: {given} mW", sum(max(part) for part in given) <= self.limit // 1000)
        cluster.backstage.tell("free")
        cluster.wait_for_leader(40, 1)
        _, back = wait("they have more again", lambda: self.sums()[1] > 1.2 * floor, 40)
        self.kept("a shard was cut off from the API server")
        self.report.figure(f"at the minimums {seconds:.1f} s after the cut, above them {back:.1f} s after its end")

    def lower(self):
        """The limit of the whole falls while the parent can't see it: the other shard goes down by itself."""
        cluster, before = self.cluster, self.limit
        cluster.backstage.tell("hold 0 1")
        self.limit = before * 3 // 4 // WATT * WATT
        cluster.change_budget("site", limitMilliwatts=self.limit // 1000)
        most = PATIENCE_S + 5 + 2 * GRANT_S
        _, seconds = wait("a lower budget is kept", lambda: self.sum() <= self.limit, most + 20)
        self.report.check(f"a budget that fell, with the parent cut off, is kept {seconds:.1f} s later", seconds <= most)
        cluster.sampler.tell(f"budget {self.limit}")
        cluster.figures()
        cluster.backstage.tell("free")
        self.draw(self.nodes[::2])
        for shard in range(cluster.shards):
            cluster.wait_for_leader(40, shard)
        wait("what the lower budget has is given", lambda: self.sum() > 2 * len(self.nodes) * MINIMUM_W * WATT, 90)
        self.kept("the budget was lower, and the parent was back")


ACTS = ["move", "part", "lower", "end"]
