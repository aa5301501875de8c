internal import Policy
internal import PowercapProtocol
internal import Text

/// The node condition `PowerCapped`.
struct Condition: Equatable, Sendable {
    enum Status: String, Sendable { case yes = "True", no = "False", unknown = "Unknown" }

    let status: Status
    /// In CamelCase.
    let reason: String
    let message: String

    static let type = "PowerCapped"
    /// In bytes: the admission policy refuses more than 1024 characters.
    static let longestMessage = 1_000
}

extension Condition {
    /// What an administrator has to know first.
    private init(
        _ devices: [(name: String, standing: Standing)], _ decision: Decision?, _ wishes: Wishes, _ source: SourceTrouble?
    ) {
        let overrides = wishes.together
        /// The packages of which this is so, with what differs between them; nil where there are none.
        func those(_ detail: (Standing) -> String?) -> String? {
            let named = devices.compactMap { device in detail(device.standing).map { device.name + $0 } }
            return named.isEmpty ? nil : named.joined(separator: ", ")
        }
        let ungoverned = those { if case .ungoverned(let why) = $0 { " (\(why))" } else { nil } }
        let locked = those { $0 == .locked ? "" : nil }
        if devices.isEmpty {
            self.init(status: .no, reason: "NothingToLimit", message: "Nothing that is governed on this node has a power limit")
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
        } else if devices.allSatisfy({ $0.standing == .locked }) {
            self.init(status: .no, reason: "ZoneLocked", message: "Every limit is locked by firmware")
        } else if devices.allSatisfy({ $0.standing.isOutOfReach }) {
            let names = [locked.map { "\($0) (locked by firmware)" }, ungoverned].compactMap { $0 }.joined(separator: ", ")
            self.init(
                status: .no, reason: "NotGoverned", message: "Nothing is governed: \(names)".shortened(to: Self.longestMessage)
            )
        } else if decision == nil {
            self.init(status: .unknown, reason: "Starting", message: "No limit was set yet")
        } else if overrides.paused {
            self.init(status: .yes, reason: "Paused", message: "Limits stay as they are while the node is paused")
        } else if overrides.limit == nil, let source, source.isStale {
            self.init(status: .yes, reason: "SourceStale", message: source.words.shortened(to: Self.longestMessage))
        } else if decision?.floorsExceedBudget == true {
            self.init(
                status: .yes, reason: overrides.limit == nil ? "FloorsExceedSource" : "FloorsExceedOverride",
                message: "The floors take more than \(wishes.budgetWords)")
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
        } else if overrides.limit == nil, let source {
            self.init(status: .yes, reason: "SourceOutdated", message: source.words.shortened(to: Self.longestMessage))
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

extension Condition {
    static let noControl = Condition(
        status: .unknown, reason: "NoControl", message: "The controller has no control over the limits: see its log")

    /// Where limits are in force as they should be, overrides that can't be followed, or end, are what comes next: in force isn't what
    /// somebody asked for, or not for ever.
    init(
        _ devices: [(name: String, standing: Standing)], _ decision: Decision?, of wishes: Wishes, source: SourceTrouble? = nil,
        missing: [Governable] = []
    ) {
        let condition = Condition(devices, decision, wishes, source).lacking(missing)
        guard condition.status == .yes, !wishes.rejected.isEmpty || !wishes.notes.isEmpty else {
            self = condition
            return
        }
        let first = wishes.rejected.first?.sentence ?? condition.message
        self.init(
            status: .yes, reason: wishes.rejected.isEmpty ? condition.reason : "OverrideRejected",
            message: ([first] + wishes.notes).joined(separator: "; ").shortened(to: Self.longestMessage))
    }
}

extension Condition {
    /// What is named and isn't here comes after everything that is wrong with what is.
    fileprivate func lacking(_ missing: [Governable]) -> Condition {
        guard !missing.isEmpty, reason == "LimitInForce" || reason == "NothingToLimit" else { return self }
        let isAll = message == "Limits are in force"
        return Condition(
            status: status, reason: isAll ? "GovernedMissing" : reason,
            message: "\(message); \(missing.missingClause)".shortened(to: Self.longestMessage))
    }
}

extension NodeState {
    /// What an administrator has to know first.
    var condition: Condition {
        guard let limits else { return .noControl }
        return Condition(
            entries.map { ($0.device.name.text, limits.standing($0)) }, decision?.decision, of: wishes, source: trouble,
            missing: limits.missing)
    }

    private var trouble: SourceTrouble? {
        if let lack = sourceLack {
            return SourceTrouble(isStale: true, words: [lack, sourceProblem].compactMap { $0 }.joined(separator: ": "))
        }
        return sourceProblem.map {
            SourceTrouble(
                isStale: false,
                words: (source.grant == nil
                    ? "What the source said before is followed: " : "What was granted holds until its end: ") + $0)
        }
    }
}

/// What is wrong with the source.
struct SourceTrouble {
    /// It isn't followed.
    let isStale: Bool
    let words: String
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
