internal import Policy
internal import PowercapProtocol

extension NodeRecord {
    /// What stands on the Node while the controller runs.
    /// - Parameter last: what was published before. While power is on its way between packages its limit stays, because it will be the
    ///   same again: each move would be two requests (P10). What else becomes of the limits meanwhile shows in the condition, and is told
    ///   with what is in force (P4).
    init(_ state: NodeState, after last: NodeRecord? = nil) {
        let isKnown = state.limits != nil
        let condition = state.condition
        let isMoving = state.work?.isMoving == true && last?.condition == condition
        self.init(
            state: state.phase, effectiveLimit: isMoving ? last?.effectiveLimit ?? state.inForce : state.inForce,
            reference: state.entries.isEmpty ? nil : state.decision?.decision.reference, source: state.source.name.rawValue,
            reason: isKnown ? state.decision?.decision.reason.rawValue : nil, orders: state.ordersWords,
            condition: condition)
    }

    /// The controller has ended.
    static func stopped(_ ending: Ending) -> NodeRecord {
        NodeRecord(
            state: .stopped,
            condition: Condition(status: .no, reason: "Stopped", message: "The controller has ended: \(ending.words)"))
    }
}
