internal import JSON
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

enum OrderFlags {
    static let time = CommandFlag(
        "--for", .orderTime, default: Order.usualTime,
        "How long it holds, also over a restart of the controller; not over a reboot. `ever` is until it is taken back.")
    static let reason = CommandFlag(
        "--reason", .orderReason, default: nil, "Why, for others: `status`, the log and the Node show it.")
}

extension ValueKind where Value == Milliseconds? {
    /// nil is without an end.
    fileprivate static let orderTime: ValueKind = {
        let time = OrderRequest.time
        let words = ValueWords(
            noun: time.words.noun, placeholder: "TIME|\(OrderRequest.ever)",
            valid: "\(time.words.valid), or \(OrderRequest.ever)",
            smallest: time.words.smallest, lowest: time.words.lowest, highest: time.words.highest)
        return ValueKind(
            words: words,
            parse: { text throws(ValueProblem) in text == OrderRequest.ever ? nil : try time.parse(text) },
            show: { $0?.setting ?? OrderRequest.ever })
    }()
}

extension ValueKind where Value == String? {
    fileprivate static let orderReason = ValueKind(
        words: ValueWords(noun: "a reason", placeholder: "TEXT", valid: "at most \(Order.longestReason) bytes of text"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { throw .empty }
            if text.utf8.count > Order.longestReason { throw .tooHigh }
            return text
        },
        show: { $0 ?? "none" })
}

/// `powercap-controller set`, `unset`, `pause` and `resume`: the exit status. 1 also where the order stands and what it asks for isn't in force.
func orderCommand(_ invocation: Invocation, settings: Settings) throws(UsageError) -> Int32 {
    let kind: Order.Kind = invocation.command == .set || invocation.command == .unset ? .limit : .pause
    let isGiven = invocation.command == .set || invocation.command == .pause
    let order = isGiven ? try orderDocument(invocation) : nil
    do throws(ControlClient.Problem) {
        let client = try ControlClient(settings.configuration)
        let target = "/override/\(kind.rawValue)"
        let outcome = if let order { try client.put(target, order) } else { try client.delete(target) }
        let status = printing { output in
            output.append(sentence: outcome.orderWords(kind, isGiven: isGiven))
            output.append(sentence: outcome["explanation"]?["answer"]?.text ?? "-")
            if let unsaved = outcome["unsaved"]?.text {
                complain("it isn't saved, and a restart of the controller undoes it: \(unsaved)")
            }
        }
        return max(status, outcome.isInForce ? 0 : 1)
    } catch {
        complain(error.sentence)
        return 1
    }
}

/// As the controller takes it. What is wrong with it is said here, in the words of every other option.
private func orderDocument(_ invocation: Invocation) throws(UsageError) -> JSON {
    var members: [JSON.Member] = []
    if invocation.command == .set {
        let text = invocation.argument ?? ""
        do throws(ValueProblem) { _ = try OrderRequest.power.parse(text) } catch {
            throw .value(Given(name: "POWER", text: text), error, OrderRequest.power.words)
        }
        members.append(JSON.Member("limit", .text(text)))
    }
    let time = try OrderFlags.time.value(in: invocation)
    members.append(JSON.Member("for", .text(time?.setting ?? OrderRequest.ever)))
    if let reason = try OrderFlags.reason.value(in: invocation) { members.append(JSON.Member("reason", .text(reason))) }
    return .object(members)
}

extension JSON {
    fileprivate func orderWords(_ kind: Order.Kind, isGiven: Bool) -> String {
        guard isGiven, let order = self["order"] else {
            return kind == .limit ? "The order of a limit is taken back." : "The order of a pause is taken back."
        }
        let until = order["until"]?.text.map { "until \($0)" } ?? "until it is taken back"
        switch kind {
        case .limit: return "Ordered: at most \(order["limit_uw"]?.power?.words ?? "-"), \(until). `unset` takes it back."
        case .pause: return "Ordered: the limits stay as they are, \(until). `resume` takes it back."
        }
    }
}
