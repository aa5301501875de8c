public import PowercapProtocol

/// What the devices may have together where the node's limit is the whole server's (BUDGET_OF=server): the limit less what the rest of the
/// server takes, which is known only from its meter. A closed loop, down at once and up slowly (docs/sharing.md, decision 50).
///
/// It knows no clock but what it is told. The meter's reading is that of a while ago: what the devices have gone down by meanwhile is taken off
/// it, so that nothing is cut twice, and nothing rises before the last change can be seen. What it remembers stays between the devices' floors
/// and ceilings: a server that can't be held by its devices winds nothing up.
public struct ServerLoop: Equatable, Sendable {
    /// What the devices may have together; nil before the first time that somebody asked.
    public private(set) var budget: Microwatts?
    /// What the meter said last; nil where it never has, or is silent for longer than `fresh_ms`.
    public private(set) var meter: Microwatts?
    /// The largest rest that was ever seen; nil where none was.
    public private(set) var mostRest: Microwatts?
    /// Of the last `settle_ms`, the newest last.
    private var points: [Point] = []
    /// When the meter last said something; nil where it never has.
    private var heard_ms: Int64?
    /// What the rest was when the meter last said something.
    private var lastRest: Microwatts?
    /// When somebody first asked.
    private var begun_ms: Int64?
    private var inForce = Microwatts.zero
    /// The last sample had a reading.
    private var isHeard = false
    private var changed_ms: Int64?

    private struct Point: Equatable { let at_ms: Int64, meter: Microwatts, drawn: Microwatts }

    /// After this a change is to be seen in the meter's reading, whatever it averages over: and so long nothing rises after a change.
    static let settle_ms: Int64 = 10_000
    /// A reading is at most so old.
    static let lag_ms: Int64 = 3_000
    /// Devices that draw less than this of what they may, in percent, have no use for more.
    static let heldBack_percent: UInt64 = 90
    /// A meter that has said nothing for so long is silent: nothing rises.
    static let fresh_ms: Int64 = 10_000
    /// After so much silence the rest is taken for the largest that was seen.
    static let trust_ms: Int64 = 60_000
    /// So far below the limit the loop aims, in percent of it: meters are a percent or two off, and noisy.
    static let margin_percent: UInt64 = 1

    public init() {}

    /// Takes a sample.
    /// - Parameters:
    ///   - meter: the whole server's power; nil where it couldn't be read.
    ///   - drawn: by the devices together; of one that isn't measured what is in force, which is more.
    ///   - inForce: the devices' limits together.
    public mutating func note(meter: Microwatts?, drawn: Microwatts, inForce: Microwatts, at now_ms: Int64) {
        self.inForce = inForce
        points.removeAll { $0.at_ms <= now_ms - ServerLoop.settle_ms }
        isHeard = meter != nil
        guard let meter else {
            if now_ms - (heard_ms ?? now_ms) > ServerLoop.fresh_ms { self.meter = nil }
            return
        }
        (self.meter, heard_ms) = (meter, now_ms)
        points.append(Point(at_ms: now_ms, meter: meter, drawn: drawn))
        lastRest = rest
        mostRest = max(mostRest ?? .zero, lastRest ?? .zero)
    }

    /// What the server takes beside its devices, on average over the last seconds; nil where that isn't known.
    public var rest: Microwatts? {
        points.isEmpty ? nil : mean(\.meter) - mean(\.drawn)
    }

    private func mean(_ value: KeyPath<Point, Microwatts>) -> Microwatts {
        Microwatts(points.reduce(0) { $0 + $1[keyPath: value].rawValue } / UInt64(max(points.count, 1)))
    }

    /// How far the rest may be off because the meter's readings are older than the devices'.
    private var doubt: Microwatts {
        let drawn = points.map(\.drawn)
        let spread = (drawn.max() ?? .zero) - (drawn.min() ?? .zero)
        return Microwatts(spread.rawValue * UInt64(ServerLoop.lag_ms) / UInt64(ServerLoop.settle_ms))
    }

    /// What the devices may have now.
    /// - Parameters:
    ///   - limit: of the whole server.
    ///   - floor: the least that the devices can have together.
    ///   - ceiling: the most.
    mutating func divide(_ limit: Microwatts, floor: Microwatts, ceiling: Microwatts, at now_ms: Int64) -> Microwatts {
        let aim = limit - Microwatts(limit.rawValue * ServerLoop.margin_percent / 100)
        let (before, begun_ms) = (budget ?? inForce, self.begun_ms ?? now_ms)
        self.begun_ms = begun_ms
        let next =
            if let heard_ms, now_ms - heard_ms <= ServerLoop.fresh_ms, let meter {
                measured(meter, limit, aim, before, now_ms)
            } else {
                blind(aim, before, now_ms - (heard_ms ?? begun_ms))
            }
        let held = min(max(next, floor), ceiling)
        budget = held
        return held
    }

    private mutating func measured(
        _ meter: Microwatts, _ limit: Microwatts, _ aim: Microwatts, _ before: Microwatts, _ now_ms: Int64
    ) -> Microwatts {
        guard let drawn = points.last?.drawn, let rest else { return before }
        // What the devices go down by, or have gone down by since the reading, isn't in it yet.
        let recent = points.lazy.filter { $0.at_ms > now_ms - ServerLoop.lag_ms }.map(\.drawn).max() ?? drawn
        let expected = meter - (recent - min(before, drawn))
        if expected > limit {
            changed_ms = now_ms
            // From what they draw, not from what they may: a budget that nobody uses holds nothing back.
            return min(before, drawn) - (expected - aim)
        }
        let band = max(.watts(2), Microwatts(limit.rawValue / 100))
        let most = aim - (rest - doubt)
        if most + band < before { return most }
        let goal = aim - (rest + doubt)
        guard isHeard, isHeldBack(before), goal > before + band,
            now_ms - max(changed_ms ?? .min, begun_ms ?? now_ms) >= ServerLoop.settle_ms
        else { return before }
        changed_ms = now_ms
        return before + Microwatts((goal - before).rawValue / 2)
    }

    /// All the time that is remembered the devices drew nearly what they might: only then more is of use, and what the rest is is known well.
    private func isHeldBack(_ budget: Microwatts) -> Bool {
        points.allSatisfy { UInt128($0.drawn.rawValue) * 100 >= UInt128(budget.rawValue) * UInt128(ServerLoop.heldBack_percent) }
    }

    /// Without a reading nothing rises. A limit that falls is followed, by the rest that was seen last, and in the end by the largest. Of a
    /// server of which nothing was ever seen the devices have no more than its whole limit, and in the end their floors.
    private func blind(_ aim: Microwatts, _ before: Microwatts, _ silent_ms: Int64) -> Microwatts {
        if silent_ms > ServerLoop.trust_ms { return min(before, mostRest.map { aim - $0 } ?? .zero) }
        return min(before, aim - (lastRest ?? .zero))
    }
}
