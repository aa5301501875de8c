import Testing

@testable import Fleet

struct ShardingTests {
    /// From an implementation in another language, of what docs/fleet.md says.
    @Test(
        "a node's shard follows from its name and the number of shards, as is written down",
        arguments: [
            ("node-1", 2, 0), ("node-2", 2, 0), ("node-1", 4, 0), ("node-17", 64, 44), ("", 5, 2), ("n", 1, 0),
        ])
    func shards(_ name: String, _ count: Int, _ shard: Int) { #expect(Sharding(count).shard(of: name) == shard) }

    @Test("names that count up are spread evenly", arguments: [2, 3, 4, 16, 64])
    func spread(_ count: Int) {
        var nodes = Array(repeating: 0, count: count)
        for number in 0..<6_400 { nodes[Sharding(count).shard(of: "rack-\(number / 40)-node-\(number)")] += 1 }
        let fair = 6_400 / count
        #expect(nodes.allSatisfy { $0 > fair / 2 && $0 < fair * 3 / 2 })
    }
}
