internal import JSON
public import PowercapProtocol

/// What a node says when it asks for a grant.
public struct Report: Equatable, Sendable {
    /// The Node's name.
    public var node: String
    /// Which boot of it.
    package var boot: BootID
    /// Grows with each report of a boot, also over restarts of the controller: an answer is taken only to the newest.
    package var nonce: UInt64
    /// The highest epoch of an answer that the node has seen lately, 0 where none: shows a coordinator that the report was sent after an
    /// answer of its own.
    package var epoch: UInt64
    /// All packages together: the most that is in force, or may be by a write under way.
    package var inForce: Microwatts
    /// What the node goes to by itself: its helper's fallback, or the most that it may be by a change under way.
    package var rest: Microwatts
    /// The least that may be set.
    package var floor: Microwatts
    /// The most that may be set, which is what a node has when it boots, too.
    package var ceiling: Microwatts
    /// What the node's work could use.
    package var demand: Microwatts
    /// It is at its rest as soon as it boots, before anything runs on it.
    package var bootsAtRest: Bool

    public init(
        node: String, boot: BootID, nonce: UInt64, epoch: UInt64, inForce: Microwatts, rest: Microwatts, floor: Microwatts,
        ceiling: Microwatts, demand: Microwatts, bootsAtRest: Bool
    ) {
        (self.node, self.boot, self.nonce, self.epoch, self.inForce) = (node, boot, nonce, epoch, inForce)
        (self.rest, self.floor, self.ceiling, self.demand, self.bootsAtRest) = (rest, floor, ceiling, demand, bootsAtRest)
    }

    /// Reads the body of a request.
    /// - Throws: which member isn't as it has to be, or that the version is another.
    public init(_ bytes: [UInt8]) throws(FleetProblem) {
        let reader = try MessageReader(bytes)
        node = try reader.text("node")
        guard Self.isName(node) else { throw .malformed("node is not the name of a Node") }
        let text = try reader.text("boot")
        guard let boot = BootID(text) else { throw .malformed("boot is not a boot's UUID") }
        self.boot = boot
        nonce = try reader.integer("nonce")
        epoch = try reader.integer("epoch")
        inForce = try reader.power("inForceMicrowatts")
        rest = try reader.power("restMicrowatts")
        floor = try reader.power("floorMicrowatts")
        ceiling = try reader.power("ceilingMicrowatts")
        demand = try reader.power("demandMicrowatts")
        bootsAtRest = try reader.flag("bootsAtRest")
        guard floor <= ceiling else { throw .malformed("floorMicrowatts is above ceilingMicrowatts") }
    }

    /// The body of a request.
    public var bytes: [UInt8] {
        JSON.object([
            .init("version", .number(FleetProblem.spoken)), .init("node", .text(node)), .init("boot", .text(boot.text)),
            .init("nonce", .number(nonce)), .init("epoch", .number(epoch)), .init("inForceMicrowatts", .number(inForce)),
            .init("restMicrowatts", .number(rest)), .init("floorMicrowatts", .number(floor)),
            .init("ceilingMicrowatts", .number(ceiling)), .init("demandMicrowatts", .number(demand)),
            .init("bootsAtRest", .flag(bootsAtRest)),
        ]).bytes
    }

    /// A DNS subdomain, as names of Nodes are (RFC 1123).
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                    UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
