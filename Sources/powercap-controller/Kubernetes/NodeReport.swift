internal import PowercapProtocol

extension NodeRecord {
    /// There is no control over the limits.
    static func uncontrolled(_ source: SourceName) -> NodeRecord {
        NodeRecord(
            state: .uncontrolled, source: source.rawValue,
            condition: Condition(
                status: .unknown, reason: "NoControl",
                message: "The controller has no control over the limits: see its log"))
    }

    /// The controller has ended.
    static func stopped(_ action: ExitAction) -> NodeRecord {
        let message =
            action == .restore
            ? "The controller has ended, and the original limits are back"
            : "The controller has ended, and the limits stay as they were"
        return NodeRecord(state: .stopped, condition: Condition(status: .no, reason: "Stopped", message: message))
    }

    /// - Parameter decision: nil before the first.
    init(_ limits: NodeLimits, _ decision: Decision?, _ overrides: Overrides, _ source: SourceName) {
        let entries = limits.present.map { limits.entries[$0] }
        var sum: Microwatts? = entries.isEmpty || decision == nil ? nil : .zero
        // P4: what is published as in force was read back, and is enforced. One limit that isn't makes the sum unknown.
        for entry in entries {
            let isInForce = entry.longTerm.readErrno == 0 && entry.isEnabled != false
            sum = (isInForce ? entry.longTerm.inForce : nil).flatMap { limit in sum.map { $0 + limit } }
        }
        self.init(
            state: overrides.paused ? .paused : .managed, effectiveLimit: sum,
            reference: entries.isEmpty ? nil : decision?.reference,
            source: source.rawValue, reason: decision?.reason.rawValue,
            condition: Condition(entries, decision, overrides))
    }
}

extension NodeLimits.Entry {
    fileprivate var isLocked: Bool { package.fixed != nil || longTerm.refusal == .locked }
    /// For another reason than that it is locked.
    fileprivate var isRefused: Bool { [longTerm.refusal, shortTerm?.refusal].contains { $0 != nil && $0 != .locked } }
}

extension NodeRecord.Condition {
    /// What an administrator has to know first.
    fileprivate init(_ entries: [NodeLimits.Entry], _ decision: Decision?, _ overrides: Overrides) {
        func names(_ isAffected: (NodeLimits.Entry) -> Bool) -> String? {
            let names = entries.filter(isAffected).map(\.package.name.text)
            return names.isEmpty ? nil : names.joined(separator: ", ")
        }
        if entries.isEmpty {
            self.init(status: .no, reason: "NothingToLimit", message: "No package of this node has a power limit")
        } else if let names = names({ $0.isEnabled == false }) {
            self.init(status: .no, reason: "ZoneDisabled", message: "Limits are set but not enforced: \(names)")
        } else if let names = names({ $0.longTerm.readErrno != 0 }) {
            self.init(status: .unknown, reason: "LimitUnreadable", message: "The limit can't be read: \(names)")
        } else if let names = names({ $0.isRefused }) {
            self.init(status: .no, reason: "LimitRefused", message: "The limit was refused: \(names)")
        } else if let names = names({ $0.longTerm.isLeft || $0.shortTerm?.isLeft == true }) {
            self.init(status: .no, reason: "LimitLeft", message: "Another party's limit is left: \(names)")
        } else if entries.allSatisfy(\.isLocked) {
            self.init(status: .no, reason: "ZoneLocked", message: "Every package's limit is locked by firmware")
        } else if decision == nil {
            self.init(status: .unknown, reason: "Starting", message: "No limit was set yet")
        } else if overrides.paused {
            self.init(status: .yes, reason: "Paused", message: "Limits stay as they are while the node is paused")
        } else if decision?.floorsExceedBudget == true, overrides.limit != nil {
            self.init(
                status: .yes, reason: "FloorsExceedOverride", message: "The floors take more than \(overrides.budgetWords)")
        } else if decision?.floorsExceedBudget == true {
            self.init(status: .yes, reason: "FloorsExceedSource", message: "The floors take more than \(overrides.budgetWords)")
        } else if let names = names(\.isLocked) {
            self.init(status: .yes, reason: "LimitInForce", message: "Limits are in force, but locked by firmware: \(names)")
        } else {
            self.init(status: .yes, reason: "LimitInForce", message: "Limits are in force")
        }
    }
}

extension NodeRecord {
    /// The same where overrides are there that can't be followed: limits are in force, though not those that somebody asked for.
    func besides(_ rejected: [NodeOverride.Rejected]) -> NodeRecord {
        guard let first = rejected.first, condition.status == .yes else { return self }
        var record = self
        record.condition = Condition(
            status: .yes, reason: "OverrideRejected", message: first.sentence.shortened(to: Condition.longestMessage))
        return record
    }
}
