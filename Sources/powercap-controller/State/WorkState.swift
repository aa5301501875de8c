internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// What is known of the node's work, and where from. Only where SPLIT or STRATEGY goes by it.
struct WorkState: Equatable, Sendable {
    /// What each package wants, by the zone's id; a package of which that isn't known is missing.
    var demands: [String: Demand] = [:]
    /// The packages of which it isn't known, so that the limit is divided in proportion, as zones call them.
    var unknown: [String] = []
    /// Whether there is work; nil where it can't be told, which is taken for work.
    var hasWork: Bool?
    /// The node has had none for IDLE_AFTER.
    var isIdle = false
    /// Busy time of all processors, as a number of processors; nil where it isn't known.
    var busy: Double?
    /// Of these, what pods of best effort take.
    var bestEffort: Double?
    /// Hints that can't be had, each a sentence: what, and why.
    var missing: [String] = []
    /// Power is on its way between packages, and the node's limit stays the same: the sum of what is in force will be, too.
    var isMoving = false
}

extension Demand {
    /// How much, and why, for people.
    var words: String {
        switch basis {
        case .atLimit: "it draws all that it may, so it wants its ceiling, \(power.roughly)"
        case .slowed: "near its limit its processors run below their maximum, so it wants its ceiling, \(power.roughly)"
        case .drawn where lately > power:
            "it wants \(power.roughly) by what it draws, and wanted \(lately.roughly) a moment ago"
        case .drawn: "it wants \(power.roughly) by what it draws"
        case .suspended: "it sleeps, and has its floor until it wakes"
        case .unknown: "what it draws can't be read, so it has its part"
        }
    }
}

extension NodeState {
    /// What of the node's work decides on its limits, in sentences; none where nothing does.
    var workSentences: [String] {
        guard let work else { return [] }
        let policy = settings.configuration.policy
        var sentences: [String] = []
        if policy.split == .demand {
            if work.unknown.isEmpty {
                for entry in entries {
                    guard let demand = work.demands[entry.device.zone] else { continue }
                    sentences.append("\(entry.device.name.text): \(demand.words).")
                }
            } else {
                sentences.append(
                    "The limit is divided in proportion, because it isn't known what \(work.unknown.joined(separator: ", ")) "
                        + "\(work.unknown.count == 1 ? "draws" : "draw").")
            }
            if work.isMoving { sentences.append("Power is on its way from one device to another.") }
        }
        if policy.strategy == .idleDown {
            switch work.hasWork {
            case true: sentences.append("The node has work.")
            case false where work.isIdle: sentences.append("The node has had no work for \(policy.idleAfter.words) and more.")
            case false: sentences.append("The node has no work, but for less than \(policy.idleAfter.words).")
            case nil: sentences.append("Whether the node has work can't be told, which is taken for work.")
            }
        }
        return sentences + work.missing.map { "\($0)." }
    }
}
