/// Which of several shards a node belongs to, each of which has coordinators of its own. Nodes and coordinators find the same out of
/// the node's name and the number of shards alone.
public struct Sharding: Equatable, Sendable {
    /// How many shards there are, within `range`.
    public let count: Int

    /// So many reports a coordinator takes, and the API server so many coordinators.
    public static let range = 1...64

    /// - Parameter count: within `range`.
    public init(_ count: Int) {
        precondition(Self.range ~= count)
        self.count = count
    }

    /// From 0 on: FNV-1a of 64 bits over the name's bytes, modulo 65,521 and then modulo the number of shards. The prime mixes all bits of
    /// the hash into the few that are left; without it two shards would go by the lowest bit of each letter.
    public func shard(of node: String) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in node.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int(hash % 65_521 % UInt64(count))
    }
}
