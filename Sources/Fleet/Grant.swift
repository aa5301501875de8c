internal import JSON
public import PowercapProtocol

/// What a coordinator answers to a report.
public struct Grant: Equatable, Sendable {
    /// Grows with each coordinator that takes over.
    public var epoch: UInt64
    /// Of the report that it answers.
    package var nonce: UInt64
    /// The most that may be in force, all packages together. nil: nothing is granted yet; what the node has holds until its own end, and the
    /// next report is to carry this epoch.
    public var limit: Microwatts?
    /// The node's guaranteed minimum, which is to be its rest as far as the limit allows. At most `limit`; zero where that is nil.
    public var minimum: Microwatts
    /// How long it holds, from the moment when the report was sent, by the node's own clock.
    package var ttl_ms: UInt64
    /// When the node should ask again, from the answer's receipt.
    package var askAgain_ms: UInt64
    /// The budgets that cover the node, for its status.
    public var budgets: [GrantedBudget]

    public init(
        epoch: UInt64, nonce: UInt64, limit: Microwatts?, minimum: Microwatts, ttl_ms: UInt64, askAgain_ms: UInt64,
        budgets: [GrantedBudget] = []
    ) {
        (self.epoch, self.nonce, self.limit, self.minimum) = (epoch, nonce, limit, minimum)
        (self.ttl_ms, self.askAgain_ms, self.budgets) = (ttl_ms, askAgain_ms, budgets)
    }

    /// How long a grant may hold, in ms.
    package static let ttlRange_ms: ClosedRange<UInt64> = 10_000...120_000

    /// Reads the body of an answer.
    /// - Throws: which member isn't as it has to be, or that the version is another.
    public init(_ bytes: [UInt8]) throws(FleetProblem) {
        let reader = try MessageReader(bytes)
        epoch = try reader.integer("epoch")
        nonce = try reader.integer("nonce")
        limit = try reader.read { top throws(JSONField.Problem) in
            try top.optional("limitMicrowatts") { field throws(JSONField.Problem) in try field.power() }
        }
        minimum = try reader.power("minimumMicrowatts")
        ttl_ms = try reader.integer("ttlMilliseconds")
        askAgain_ms = try reader.integer("askAgainMilliseconds")
        budgets = try reader.read { top throws(JSONField.Problem) in
            var budgets: [GrantedBudget] = []
            for element in try top.member("budgets").elements() { budgets.append(try GrantedBudget(element)) }
            return budgets
        }
        guard Self.ttlRange_ms.contains(ttl_ms) else { throw .malformed("ttlMilliseconds is out of range") }
        guard minimum <= limit ?? .zero else { throw .malformed("minimumMicrowatts is above limitMicrowatts") }
    }

    /// The body of an answer.
    public var bytes: [UInt8] {
        var members: [JSON.Member] = [
            .init("version", .number(FleetProblem.spoken)), .init("epoch", .number(epoch)), .init("nonce", .number(nonce)),
        ]
        if let limit { members.append(.init("limitMicrowatts", .number(limit))) }
        members += [
            .init("minimumMicrowatts", .number(minimum)), .init("ttlMilliseconds", .number(ttl_ms)),
            .init("askAgainMilliseconds", .number(askAgain_ms)), .init("budgets", .list(budgets.map(\.json))),
        ]
        return JSON.object(members).bytes
    }
}

/// A budget that covers a node, as the node is told.
public struct GrantedBudget: Equatable, Sendable {
    /// The PowerBudget's name.
    public var name: String
    /// What all of its nodes may have together.
    public var limit: Microwatts
    /// What they are counted at, with the contingency and the reserve.
    public var counted: Microwatts
    /// How many it covers.
    public var nodes: UInt64
    /// How many of them aren't heard.
    public var silent: UInt64
    /// It is why the node hasn't more.
    public var isBinding: Bool

    public init(name: String, limit: Microwatts, counted: Microwatts, nodes: UInt64, silent: UInt64, isBinding: Bool) {
        (self.name, self.limit, self.counted) = (name, limit, counted)
        (self.nodes, self.silent, self.isBinding) = (nodes, silent, isBinding)
    }

    init(_ field: JSONField) throws(JSONField.Problem) {
        name = try field.member("name").text()
        limit = Microwatts(try field.member("limitMicrowatts").integer())
        counted = Microwatts(try field.member("countedMicrowatts").integer())
        nodes = try field.member("nodes").integer()
        silent = try field.member("silent").integer()
        isBinding = try field.member("binding").flag()
    }

    var json: JSON {
        .object([
            .init("name", .text(name)), .init("limitMicrowatts", .number(limit)), .init("countedMicrowatts", .number(counted)),
            .init("nodes", .number(nodes)), .init("silent", .number(silent)), .init("binding", .flag(isBinding)),
        ])
    }
}
