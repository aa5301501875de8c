// What has to outlive this coordinator. A node that isn't heard counts, for the next one, as its record says, so a rest is granted only
// when the record has it: the owner keeps what is handed out, says that it is kept, and then nodes are granted it.
extension Coordinator {
    /// Records to be kept, and what to call them when they are.
    public struct Pending: Equatable, Sendable {
        /// To be given to `recorded(upTo:)`.
        public let version: UInt64
        /// Each instead of what was kept of that node.
        public let records: [NodeRecord]
    }

    /// What isn't kept as it should be; nil where everything is. Records that are handed out again because it isn't known what became of them
    /// are to be kept in the order in which they are handed out.
    public mutating func pendingRecords() -> Pending? {
        var records: [NodeRecord] = []
        for index in nodes.indices {
            guard let record = nodes[index].record, record != nodes[index].kept else { continue }
            records.append(record)
            nodes[index].hand(record, version: version + 1)
        }
        guard !records.isEmpty else { return nil }
        version += 1
        return Pending(version: version, records: records)
    }

    /// All that was handed out up to this is kept.
    public mutating func recorded(upTo version: UInt64) {
        for index in nodes.indices { nodes[index].recorded(upTo: version) }
    }

    /// What is to be kept of the nodes of a budget, where they were heard or are known from an earlier record.
    public func records(of budget: String) -> [NodeRecord] {
        guard let index = budgets.firstIndex(where: { $0.terms.name == budget }) else { return [] }
        return budgets[index].members.compactMap { nodes[$0].handed?.record ?? nodes[$0].kept }
    }
}
