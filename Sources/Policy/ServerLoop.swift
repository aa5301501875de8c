public import PowercapProtocol

/// What the devices may have together where the node's limit is the whole server's (BUDGET_OF=server): the limit less what the rest of the
/// server takes, which is known only from its meter. A closed loop, down at once and up slowly (docs/sharing.md, decision 50).
///
/// It knows no clock but what it is told. The meter's reading is that of a while ago, so a cut isn't repeated until it can be seen in the
/// reading, and nothing rises before the last change can be seen. What it remembers stays between the devices' floors and ceilings: a server
/// that can't be held by its devices winds nothing up.
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
    private var cut: Cut?
    private var changed_ms: Int64 = .min

    private struct Point: Equatable { let at_ms: Int64, meter: Microwatts, drawn: Microwatts }

    /// A cut that the meter doesn't show yet, or not all of it.
    private struct Cut: Equatable { let by: Microwatts, from: Microwatts, at_ms: Int64 }

    /// After this a change is to be seen in the meter's reading, whatever it averages over: and so long nothing rises after a change.
    static let settle_ms: Int64 = 10_000
    /// A reading is at most so old.
    static let lag_ms: Int64 = 3_000
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
    public mutating func divide(_ limit: Microwatts, floor: Microwatts, ceiling: Microwatts, at now_ms: Int64) -> Microwatts {
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
        let expected = meter - awaited(meter, now_ms)
        if expected > limit, let drawn = points.last?.drawn {
            let excess = expected - aim
            cut = Cut(by: excess + awaited(meter, now_ms), from: meter, at_ms: now_ms)
            changed_ms = now_ms
            // Below what they draw, and not below what they might: a budget that nobody uses holds nothing.
            return min(before, drawn) - excess
        }
        guard let rest else { return before }
        let most = aim - (rest - doubt)
        if most + band(limit) < before { return most }
        let goal = aim - (rest + doubt)
        guard goal > before + band(limit), now_ms - max(changed_ms, begun_ms ?? now_ms) >= ServerLoop.settle_ms else { return before }
        changed_ms = now_ms
        return before + Microwatts((goal - before).rawValue / 2)
    }

    /// Without a reading nothing rises. A limit that falls is followed, by the rest that was seen last, and in the end by the largest: a
    /// server of which nothing was ever seen has its devices' floors then.
    private func blind(_ aim: Microwatts, _ before: Microwatts, _ silent_ms: Int64) -> Microwatts {
        if silent_ms > ServerLoop.trust_ms { return min(before, mostRest.map { aim - $0 } ?? .zero) }
        return lastRest.map { min(before, aim - $0) } ?? before
    }

    /// What of the last cut the meter doesn't show yet.
    private func awaited(_ meter: Microwatts, _ now_ms: Int64) -> Microwatts {
        guard let cut, now_ms - cut.at_ms < ServerLoop.settle_ms else { return .zero }
        return cut.by - (cut.from - meter)
    }

    /// Smaller changes aren't worth a write.
    private func band(_ limit: Microwatts) -> Microwatts { max(.watts(2), Microwatts(limit.rawValue / 100)) }
}
