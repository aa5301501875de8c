internal import Policy
internal import PowercapProtocol
internal import Text

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
    static func stopped(_ ending: Ending) -> NodeRecord {
        NodeRecord(
            state: .stopped,
            condition: Condition(
                status: .no, reason: "Stopped",
                message: "The controller has ended: \(ending.words)"))
    }

    /// - Parameter decision: nil before the first.
    init(_ limits: NodeLimits, _ decision: Decision?, _ overrides: Overrides, _ source: SourceName) {
        let entries = limits.present.map { limits.entries[$0] }
        // P4, P13: what is published as in force was read back, is enforced, and is the lowest of every register that limits the
        // package. One limit that isn't known makes the sum unknown.
        let sum = entries.isEmpty || decision == nil ? nil : InForce.sum(entries.map { limits.inForce($0) })
        self.init(
            state: overrides.paused ? .paused : .managed, effectiveLimit: sum,
            reference: entries.isEmpty ? nil : decision?.reference,
            source: source.rawValue, reason: decision?.reason.rawValue,
            condition: Condition(entries.map { ($0.package.name.text, limits.standing($0)) }, decision, overrides))
    }
}

extension NodeRecord.Condition {
    /// What an administrator has to know first.
    fileprivate init(_ packages: [(name: String, standing: Standing)], _ decision: Decision?, _ overrides: Overrides) {
        /// The packages of which this is so, with what differs between them; nil where there are none.
        func those(_ detail: (Standing) -> String?) -> String? {
            let named = packages.compactMap { package in detail(package.standing).map { package.name + $0 } }
            return named.isEmpty ? nil : named.joined(separator: ", ")
        }
        let ungoverned = those { if case .ungoverned(let why) = $0 { " (\(why))" } else { nil } }
        let locked = those { $0 == .locked ? "" : nil }
        if packages.isEmpty {
            self.init(status: .no, reason: "NothingToLimit", message: "No package of this node has a power limit")
        } else if let names = those({ $0 == .disabled ? "" : nil }) {
            self.init(status: .no, reason: "ZoneDisabled", message: "Limits are set but not enforced: \(names)")
        } else if let names = those({
            if case .unreadable(let type, _) = $0 { type == InForce.governed ? "" : " (\(type))" } else { nil }
        }) {
            self.init(status: .unknown, reason: "LimitUnreadable", message: "The limit can't be read: \(names)")
        } else if let names = those({ if case .refused = $0 { "" } else { nil } }) {
            self.init(status: .no, reason: "LimitRefused", message: "The limit was refused: \(names)")
        } else if let names = those({ $0 == .left ? "" : nil }) {
            self.init(status: .no, reason: "LimitLeft", message: "Another party's limit is left: \(names)")
        } else if packages.allSatisfy({ $0.standing == .locked }) {
            self.init(status: .no, reason: "ZoneLocked", message: "Every package's limit is locked by firmware")
        } else if packages.allSatisfy({ $0.standing.isOutOfReach }) {
            let names = [locked.map { "\($0) (locked by firmware)" }, ungoverned].compactMap { $0 }.joined(separator: ", ")
            self.init(
                status: .no, reason: "NotGoverned", message: "No package is governed: \(names)".shortened(to: Self.longestMessage)
            )
        } else if decision == nil {
            self.init(status: .unknown, reason: "Starting", message: "No limit was set yet")
        } else if overrides.paused {
            self.init(status: .yes, reason: "Paused", message: "Limits stay as they are while the node is paused")
        } else if decision?.floorsExceedBudget == true {
            self.init(
                status: .yes, reason: overrides.limit == nil ? "FloorsExceedSource" : "FloorsExceedOverride",
                message: "The floors take more than \(overrides.budgetWords)")
        } else if let names = those({
            if case .heldLower(let register) = $0 {
                " at \(register.limit?.words ?? "less") by \(register.controlType)"
            } else {
                nil
            }
        }) {
            self.init(
                status: .yes, reason: "HeldLower",
                message: "Another register holds less than what is set: \(names)".shortened(to: Self.longestMessage))
        } else if let ungoverned {
            self.init(
                status: .yes, reason: "LimitInForce",
                message: "Limits are in force, but not governed: \(ungoverned)".shortened(to: Self.longestMessage))
        } else if let locked {
            self.init(status: .yes, reason: "LimitInForce", message: "Limits are in force, but locked by firmware: \(locked)")
        } else {
            self.init(status: .yes, reason: "LimitInForce", message: "Limits are in force")
        }
    }
}

extension Standing {
    /// No limit can be set.
    fileprivate var isOutOfReach: Bool {
        switch self {
        case .locked, .ungoverned: true
        default: false
        }
    }
}

extension NodeRecord {
    /// The same where overrides are there that can't be followed, or end: limits are in force, though not those that somebody asked for, or
    /// not for ever.
    func besides(_ rejected: [NodeOverride.Rejected], _ notes: [String] = []) -> NodeRecord {
        guard condition.status == .yes, !rejected.isEmpty || !notes.isEmpty else { return self }
        let first = rejected.first?.sentence ?? condition.message
        var record = self
        record.condition = Condition(
            status: .yes, reason: rejected.isEmpty ? condition.reason : "OverrideRejected",
            message: ([first] + notes).joined(separator: "; ").shortened(to: Condition.longestMessage))
        return record
    }
}
