internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// What the node does, why, and what comes next, in sentences for whoever reads it at night: the answer first.
struct Explanation: Equatable, Sendable {
    let answer: String
    let because: [String]
    let next: [String]
}

extension NodeState {
    var explanation: Explanation { explanation(nextChange) }

    /// - Parameter change: where it is known already.
    func explanation(_ change: NextChange?) -> Explanation {
        Explanation(answer: answer, because: because, next: next(change))
    }

    private var answer: String {
        let condition = condition
        switch phase {
        case .uncontrolled:
            return "There is no control over the limits" + (helper.problem.map { ": \($0)." } ?? " yet.")
        case .paused: return "The limits stay as they are" + (inForce.map { ": \($0.words) together." } ?? ".")
        case .managed, .stopped:
            guard let inForce else { return "What is in force isn't known. \(condition.message)." }
            return "The node is limited to \(inForce.words), which was read back from the hardware."
        }
    }

    private var because: [String] {
        var sentences: [String] = []
        let policy = settings.configuration.policy
        if let decision {
            sentences.append(sentence(on: decision, policy))
        }
        sentences.append(sourceSentence)
        sentences += grantSentences
        if let liveSentence { sentences.append(liveSentence) }
        sentences += workSentences
        if let lack = sourceLack { sentences.append("\(lack).") }
        if let problem = sourceProblem {
            sentences.append(
                source.grant == nil
                    ? "Of the source, what it said before is followed: \(problem)." : "Nothing new is granted: \(problem).")
        }
        sentences += wishes.orders.standing.map(sentence)
        if let problem = wishes.ordersProblem {
            sentences.append("The saved orders \(problem). The floor holds until `unset`, or a new `set`.")
        }
        sentences += nodeSentences
        sentences +=
            wishes.rejected.map { "\($0.sentence.capitalisedFirst)." } + wishes.notes.map { "Of the Node's overrides: \($0)." }
        if let fallback {
            sentences.append(
                "When the controller is lost, the limit becomes \(fallback.roughly) (\(source.grant == nil ? "FALLBACK_LIMIT" : "its rest"))."
            )
        }
        sentences += devices.compactMap(sentence) + deviceSentences
        if condition.status != .yes { sentences.append("PowerCapped is \(condition.status.rawValue): \(condition.message).") }
        return sentences
    }

    private func sentence(on decided: Decided, _ policy: PowerPolicy) -> String {
        let decision = decided.decision
        let at = Instant(decided.at).words(seenFrom: now)
        let limit = decision.nodeLimit.roughly
        switch decision.reason {
        case .source: return "Decided at \(at): \(limit), as the source gives it."
        case .stale: return "Decided at \(at): \(limit), because the source says nothing of the moment."
        case .shaped: return "Decided at \(at): \(limit)\(decision.shape.map(shapeWords) ?? "")."
        case .override:
            let whose =
                switch wishes.limitHolder {
                case .operator: "an operator's order on this node"
                case .node, nil: "the Node's annotation powercap.dev/limit"
                case .unreadable: "saved orders that can't be read"
                }
            return "Decided at \(at): \(limit), by \(whose)."
        case .floor:
            return "Decided at \(at): \(limit), the floor, which is more than \(wishes.budgetWords)."
        case .ceiling:
            return "Decided at \(at): \(limit), the ceiling: the devices take no more (\(decision.ceiling.words))."
        case .idle:
            return "Decided at \(at): \(limit), the floor, because the node has no work (STRATEGY=idle-down)."
        case .server:
            return "Decided at \(at): the devices have \(limit), which is what the rest of the server leaves\(serverWords)."
        case .demand: return "Decided at \(at): \(limit), divided by what the devices want."
        case .fixed: return "Decided at \(at): \(limit), which nothing here can change."
        case .paused: return "Decided at \(at): nothing is changed while the node is paused."
        }
    }

    private var sourceSentence: String {
        let words =
            "The source, \(source.name.rawValue), gave \(source.reading.power.roughly) at \(Instant(source.read).words(seenFrom: now))"
        let isEach = settings.configuration.policy.pmaxFunction != .sum
        let signal = sourceSignal.map { ", for a signal of \($0)" } ?? ""
        return words + (isEach ? " to each package" : "") + signal + "."
    }

    private func sentence(_ order: Order) -> String {
        let what =
            switch order.wish {
            case .limit(let limit): "at most \(limit.words)"
            case .pause: "a pause"
            }
        let until = end(of: order).map { "until \(Instant($0).words(seenFrom: now))" } ?? "without an end"
        let reason = order.reason.isEmpty ? "" : ", because: \(order.reasonWords)"
        return "uid \(order.uid) ordered \(what) at \(Instant(order.since).words(seenFrom: now)), \(until)\(reason)."
    }

    /// What the Node's annotations ask for, and what an operator's lower limit makes of it.
    private var nodeSentences: [String] {
        var sentences: [String] = []
        if let limit = wishes.node.limit {
            let words =
                limit == .zero
                ? "The Node's powercap.dev/limit can't be read: the floor holds"
                : "The Node's powercap.dev/limit is \(limit.words)"
            let isLower = wishes.limitHolder == .operator && limit != wishes.orders.overrides.limit
            sentences.append(words + (isLower ? ": the operator's is lower, and counts." : "."))
            if wishes.limitHolder == .node, let own = wishes.orders.overrides.limit, own != limit {
                sentences.append("It is lower than the operator's, \(own.words), and counts.")
            }
        }
        if wishes.node.paused { sentences.append("The Node's powercap.dev/paused is true.") }
        if let peak = wishes.node.maxSource { sentences.append("The Node's powercap.dev/max-source is \(peak.words).") }
        if let floor = wishes.node.minPower { sentences.append("The Node's powercap.dev/min-power is \(floor.words).") }
        return sentences
    }

    /// nil where a package has what it was asked for.
    private func sentence(_ device: DeviceState) -> String? {
        if device.standing == .asAsked { return nil }
        let asked = device.asked.map { "\($0.words) was asked for" } ?? "nothing was asked for"
        let inForce = device.inForce.map { "\($0.words) is in force" } ?? "what is in force isn't known"
        return "\(device.name): \(asked), \(inForce): \(device.standing.words)."
    }

    private func next(_ change: NextChange?) -> [String] {
        guard limits != nil, let nextDecision_ns else { return ["Control is tried for again and again, at least every 10 s."] }
        let left = Milliseconds((max(nextDecision_ns, monotonic_ns) - monotonic_ns) / 1_000_000)
        var sentences = ["The next decision is in \(left.roughly)."]
        if let grantNext {
            sentences.append(grantNext)
        } else if let change {
            sentences.append(
                "As far as is known, the \(decision?.decision.server == nil ? "" : "server's ")limit is \(change.nodeLimit.roughly) from \(Instant(change.at).words(seenFrom: now)) on "
                    + "(\(change.reason.rawValue)).")
        } else {
            sentences.append("Nothing that is known today changes the limit within 24 h.")
        }
        return sentences
    }
}

extension String {
    var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }
}

extension Explanation {
    /// A sentence a line.
    var text: String { ([answer] + because + next).joined(separator: "\n") }
}
