internal import JSON
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// An order as it comes in: `{"limit":"120W","for":"1h","reason":"maintenance"}`, with the units of the options.
struct OrderRequest: Equatable {
    let limit: Microwatts?
    /// nil is without an end.
    let time: Milliseconds?
    let reason: String

    /// Why it isn't followed, and HTTP's status for that.
    struct Refusal: Error, Equatable {
        let status: UInt32
        let sentence: String
    }

    init(_ kind: Order.Kind, _ body: [UInt8]) throws(Refusal) {
        guard let document = try? JSON(body.isEmpty ? Array("{}".utf8) : body, .all, within: .answer),
            let members = document.members
        else { throw Refusal(status: 400, sentence: "the body is no object of JSON") }
        let known = kind == .limit ? ["limit", "for", "reason"] : ["for", "reason"]
        if let stranger = members.first(where: { !known.contains($0.name) }) {
            throw Refusal(
                status: 400, sentence: "\(quoted(stranger.name)) is not known: give \(known.joined(separator: ", "))")
        }
        limit = try kind == .limit ? OrderRequest.read("limit", document, OrderRequest.power) : nil
        if kind == .limit, limit == nil { throw Refusal(status: 400, sentence: "limit is missing: give a power, as 120W") }
        switch document["for"]?.text {
        case OrderRequest.ever: time = nil
        default: time = try OrderRequest.read("for", document, OrderRequest.time) ?? Order.usualTime
        }
        if document["reason"] != nil, document["reason"]?.text == nil {
            throw Refusal(status: 400, sentence: "reason is no text")
        }
        reason = document["reason"]?.text ?? ""
        if reason.utf8.count > Order.longestReason {
            throw Refusal(status: 400, sentence: "reason is too long: give at most \(Order.longestReason) bytes")
        }
    }

    /// In place of a time: until it is taken back.
    static let ever = "ever"
    static let power = ValueKind<Microwatts>.power(.watts(1) ... .watts(1_000_000))
    static let time = ValueKind<Milliseconds>.time(.second...Order.longestTime)

    /// A number of JSON stands for the smallest unit, as in the environment.
    private static func read<Value>(_ name: String, _ document: JSON, _ kind: ValueKind<Value>) throws(Refusal) -> Value? {
        guard let member = document[name] else { return nil }
        let text: String
        switch member {
        case .text(let given): text = given
        case .number(let given): text = given
        default: throw Refusal(status: 400, sentence: "\(name) is neither a text nor a number: give \(kind.words.valid)")
        }
        do throws(ValueProblem) { return try kind.parse(text) } catch {
            throw Refusal(
                status: 400, sentence: UsageError.value(Given(name: name, text: text), error, kind.words).sentence)
        }
    }

    /// The order, where this node can follow it.
    func order(by uid: UInt32, _ state: NodeState) throws(Refusal) -> Order {
        guard state.limits != nil, let decision = state.decision?.decision else {
            throw Refusal(
                status: 503,
                sentence: "there is no control over the limits, so no order can be followed: "
                    + (state.helper.problem ?? "no limit was set yet"))
        }
        let wish: Order.Wish
        if let limit {
            if limit < decision.floor {
                throw Refusal(
                    status: 400,
                    sentence:
                        "\(limit.words) is below the floor of this node, \(decision.floor.words): give at least that, or lower "
                        + "RAPL_MIN_POWER or RAPL_LIMIT")
            }
            if limit > decision.ceiling {
                throw Refusal(
                    status: 400,
                    sentence: "\(limit.words) is above the ceiling of this node, \(decision.ceiling.words): give at most that")
            }
            wish = .limit(limit)
        } else {
            wish = .pause
        }
        return Order(
            wish: wish, uid: uid, reason: reason, since: state.now.seconds, start_ns: state.boot_ns,
            end_ns: time.map { state.boot_ns + $0.nanoseconds })
    }
}
