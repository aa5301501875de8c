internal import Policy
internal import PowercapProtocol

extension NodeRecord {
    /// What stands on the Node while the controller runs.
    init(_ state: NodeState) {
        let isKnown = state.limits != nil
        self.init(
            state: state.phase, effectiveLimit: state.inForce,
            reference: state.entries.isEmpty ? nil : state.decision?.decision.reference, source: state.source.name.rawValue,
            reason: isKnown ? state.decision?.decision.reason.rawValue : nil, orders: state.ordersWords,
            condition: state.condition)
    }

    /// The controller has ended.
    static func stopped(_ ending: Ending) -> NodeRecord {
        NodeRecord(
            state: .stopped,
            condition: Condition(status: .no, reason: "Stopped", message: "The controller has ended: \(ending.words)"))
    }
}
