internal import Policy
internal import PowercapProtocol

/// The next time at which the node's limit becomes another, as far as is known today: by the source, or because an order or an override ends.
struct NextChange: Equatable, Sendable {
    /// In seconds since 1970.
    let at: Int64
    let nodeLimit: Microwatts
    let reason: Reason
}

extension NodeState {
    /// nil where nothing that is known changes it within a day, and without control.
    ///
    /// Looks at each decision that `run` is going to make: of a day at one decision a minute, a millisecond of CPU time.
    var nextChange: NextChange? {
        guard var outlook = Outlook(from: self) else { return nil }
        while let line = outlook.next() {
            if line.decision.nodeLimit != decision?.decision.nodeLimit {
                return NextChange(at: line.at, nodeLimit: line.decision.nodeLimit, reason: line.decision.reason)
            }
        }
        return nil
    }
}
