internal import Fleet
internal import JSON
internal import Kubernetes
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// A condition of a PowerBudget, as metav1.Condition has it.
struct BudgetCondition: Equatable, Sendable {
    let type: Kind
    let isTrue: Bool
    /// In CamelCase, for programs.
    let reason: String
    let message: String

    enum Kind: String, CaseIterable, Sendable {
        /// The object is followed as it stands there.
        case ready = "Ready"
        /// What is counted, kept for jumps and reserved is within the limit.
        case within = "WithinBudget"
        /// Something isn't as it should be, though the budget is kept.
        case degraded = "Degraded"
    }

    /// What is so of a budget.
    struct Facts: Equatable, Sendable {
        var problem: String?
        /// It goes on as it was when it last could be followed.
        var isHeld = false
        /// Why its source says nothing of the moment, or nothing newer.
        var lack: String?
        /// A coordinator has begun, and hasn't had the time to hear all nodes.
        var isBeginning = false
        /// Shards of which nobody knows what their nodes have.
        var missing: [Int] = []
        var overview: BudgetOverview?
    }

    static func all(_ facts: Facts) -> [BudgetCondition] { [ready(facts), within(facts), degraded(facts)].compactMap { $0 } }

    private static func ready(_ facts: Facts) -> BudgetCondition {
        guard let problem = facts.problem else {
            return BudgetCondition(type: .ready, isTrue: true, reason: "Accepted", message: "The budget is kept as it is set.")
        }
        let instead =
            facts.isHeld ? "What it said before holds" : "The nodes that it selects are granted no more than their minimums"
        return BudgetCondition(type: .ready, isTrue: false, reason: "Invalid", message: "\(problem). \(instead).")
    }

    /// nil where it isn't known yet.
    private static func within(_ facts: Facts) -> BudgetCondition? {
        guard let overview = facts.overview else { return nil }
        let whole = overview.counted + overview.contingency + overview.terms.reserve
        if overview.isWithin {
            return BudgetCondition(
                type: .within, isTrue: true, reason: "WithinLimit",
                message: "What nodes may have in force, with what is kept for jumps and the reserve, is within the limit.")
        }
        if facts.isBeginning { return nil }
        let (reason, why): (String, String) =
            if overview.minimumsExceed {
                (
                    "MinimumsExceedLimit",
                    "the minimums are \(overview.minimum.words), with what is kept for jumps, and nodes have them in any case: raise the limit, lower "
                        + "minimumMilliwatts, or select fewer nodes"
                )
            } else if overview.silent > overview.terms.contingencyNodes {
                ("NodesSilent", "\(overview.silent) nodes aren't heard, and count at what they may go to by themselves")
            } else {
                (
                    "Shrinking",
                    "the limit has fallen, and nodes go down to it: that takes up to \(overview.terms.ttl_ms / 1_000) s"
                )
            }
        return BudgetCondition(
            type: .within, isTrue: false, reason: reason,
            message:
                "\(whole.words) is counted, with what is kept for jumps and the reserve, of a limit of \(overview.terms.limit.words): \(why)."
        )
    }

    private static func degraded(_ facts: Facts) -> BudgetCondition? {
        if let lack = facts.lack {
            return BudgetCondition(type: .degraded, isTrue: true, reason: "SourceStale", message: "\(lack).")
        }
        if !facts.missing.isEmpty {
            let shards = facts.missing.map { "\($0)" }.joined(separator: ", ")
            return BudgetCondition(
                type: .degraded, isTrue: true, reason: "ShardsMissing",
                message:
                    "No coordinator of shard \(shards) has said what its nodes have: until one does no other shard is given more. Are its pods there?"
            )
        }
        guard let overview = facts.overview else { return nil }
        if let first = overview.aboveMaximum.first {
            let others = overview.aboveMaximum.count - 1
            return BudgetCondition(
                type: .degraded, isTrue: true, reason: "NodesAboveMaximum",
                message:
                    "The node \(first)\(others > 0 ? " and \(others) more" : "") can have more in force than maximumMilliwatts, at which "
                    + "it is counted: raise that, or the room kept for jumps is too small.")
        }
        let isSilent = overview.silent > overview.terms.contingencyNodes
        if isSilent, facts.isBeginning { return nil }
        if isSilent {
            return BudgetCondition(
                type: .degraded, isTrue: true, reason: "NodesSilent",
                message: "More nodes than contingencyNodes aren't heard: should they lose their limits there is no room for it.")
        }
        return BudgetCondition(
            type: .degraded, isTrue: false, reason: "AsExpected", message: "Nodes and source are as they should be.")
    }
}

extension BudgetCondition {
    /// As it is written beside what stands there: the time is that of the last change of the status.
    func json(generation: UInt64, before: JSON?, at wall: Clock.Wall) -> JSON {
        let isSame = before?["status"]?.text == statusWord
        let since = isSame ? before?["lastTransitionTime"]?.text : nil
        return [
            "type": .text(type.rawValue), "status": .text(statusWord), "reason": .text(reason), "message": .text(message),
            "observedGeneration": .whole(generation), "lastTransitionTime": .text(since ?? Timestamp.seconds(wall)),
        ]
    }

    private var statusWord: String { isTrue ? "True" : "False" }

    /// Whether what stands there says the same to a program.
    func isSaid(by json: JSON?, generation: UInt64) -> Bool {
        json?["status"]?.text == statusWord && json?["reason"]?.text == reason
            && json?["observedGeneration"]?.integer == generation
    }
}
