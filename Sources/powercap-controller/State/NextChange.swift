internal import Policy
internal import PowercapProtocol

/// The next time at which the node's limit becomes another, as far as is known today: by the source, or because an order or an override ends.
struct NextChange: Equatable, Sendable {
    /// In seconds since 1970.
    let at: Int64
    /// Where that is the whole server's (BUDGET_OF=server), its limit: what its devices then have depends on the rest.
    let nodeLimit: Microwatts
    let reason: Reason
}

extension NodeState {
    /// nil where nothing that is known changes it within a day, and without control. Looked for in two steps, because a decision a second
    /// makes 86,400 a day, and somebody waits for the answer: what changes for less than ten minutes may be passed over.
    var nextChange: NextChange? {
        var seen = now.seconds
        for line in outlook(atLeast: 600) {
            if changes(line) { return outlook(after: seen).first(where: changes).map(NextChange.init) ?? NextChange(line) }
            // A way that begins without a change is looked at from before it.
            if line.decision.shape?.goal == decision?.decision.shape?.goal { seen = line.at }
        }
        return nil
    }

    private func outlook(atLeast least_s: Int64 = 1, after begun: Int64 = .min) -> AnySequence<Outlook.Line> {
        Outlook(from: self, atLeast: least_s, after: begun).map { AnySequence($0) } ?? AnySequence(EmptyCollection())
    }

    private func changes(_ line: Outlook.Line) -> Bool { line.decision.wholeLimit != decision?.decision.wholeLimit }
}

extension NextChange {
    fileprivate init(_ line: Outlook.Line) {
        self.init(at: line.at, nodeLimit: line.decision.wholeLimit, reason: line.decision.server?.reason ?? line.decision.reason)
    }
}

extension Decision {
    /// Of the whole server where the node's limit is that, and else of the devices together.
    fileprivate var wholeLimit: Microwatts { server?.limit ?? nodeLimit }
}
