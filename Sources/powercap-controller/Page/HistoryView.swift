internal import Policy
internal import PowercapProtocol

/// The last 24 hours of a history as somebody looks at them now: in so many intervals, at times of the wall clock as it is now.
struct HistoryView {
    private let history: History
    /// The last one has just begun.
    private let slots: Range<Int>
    /// The first slot of each interval, and the one after the last.
    private let starts: [Int]
    /// Ends with the slot that has just begun.
    let time: TimeAxis
    /// In a plot's units: where intervals begin, and where the last one ends.
    let edges: [Int]
    /// An interval's length in seconds; the first and the last may be shorter.
    private let interval_s: Int
    private let hasControl: Bool

    /// - Parameters:
    ///   - most: so many intervals, about.
    ///   - hours: between two ticks of the axis.
    init(_ history: History, seenFrom state: NodeState, of most: Int, hours: Int32 = 3) {
        (self.history, hasControl) = (history, state.limits != nil)
        let (slot, count, width_s) = (history.slot(at: state.boot_ns), history.count, Int(history.width_s))
        let slots = slot - count + 1..<slot + 1
        self.slots = slots
        // Intervals begin at multiples, so that a plot moves and keeps its form while time goes on.
        let together = max(1, (count + most - 1) / most)
        interval_s = together * width_s
        starts = [slots.lowerBound] + slots.dropFirst().filter { $0 % together == 0 } + [slots.upperBound]
        edges = starts.map { ($0 - slots.lowerBound) * Plot.width / count }
        let end = state.now.seconds + Int64(slots.upperBound * width_s) - Int64(state.boot_ns / 1_000_000_000)
        time = TimeAxis(startSeconds: end - Int64(count * width_s), endSeconds: end, hours: hours)
    }

    /// What a value of the plot is of: `8 min`.
    var intervalWords: String { Milliseconds.seconds(UInt64(interval_s)).words }

    // MARK: Of intervals

    /// Of what stood last in each.
    func last(_ column: History.NodeColumn) -> [Microwatts?] { each { last(in: $0) { history[column, $0] } } }
    func last(_ column: History.PackageColumn, _ device: Int) -> [Microwatts?] {
        each { last(in: $0) { history[column, device, $0] } }
    }

    /// Of what was measured in each, as far as it is known.
    func average(_ column: History.NodeColumn) -> [Microwatts?] { each { average(of: $0) { history[column, $0] } } }
    func average(_ column: History.PackageColumn, _ device: Int) -> [Microwatts?] {
        each { average(of: $0) { history[column, device, $0] } }
    }

    private func each(_ value: (Range<Int>) -> Microwatts?) -> [Microwatts?] {
        zip(starts, starts.dropFirst()).map { value($0..<$1) }
    }

    private func last(in slots: Range<Int>, _ value: (Int) -> Microwatts?) -> Microwatts? {
        slots.last { history.isKept($0) }.flatMap(value)
    }

    private func average(of slots: Range<Int>, _ value: (Int) -> Microwatts?) -> Microwatts? {
        var (sum, count) = (UInt64(0), UInt64(0))
        for slot in slots { if let power = value(slot) { (sum, count) = (sum + power.rawValue, count + 1) } }
        return count == 0 ? nil : Microwatts(sum / count)
    }

    // MARK: Of hours

    /// From a full hour on the wall to the next.
    struct Hour {
        let from: TimeAxis.Tick
        let source: Microwatts?
        let limit: Microwatts?
        let inForce: Microwatts?
        let drawn: Microwatts?
    }

    /// Those of which something is kept.
    var hours: [Hour] {
        let ticks = TimeAxis(startSeconds: time.startSeconds, endSeconds: time.endSeconds, hours: 1).ticks
        let ends = ticks.dropFirst().map(\.seconds) + [time.endSeconds]
        return zip(ticks, ends).compactMap { tick, end in
            let slots = slot(at: tick.seconds)..<slot(at: end)
            guard slots.contains(where: history.isKept) else { return nil }
            return Hour(
                from: tick, source: average(of: slots) { history[.source, $0] }, limit: last(in: slots) { history[.limit, $0] },
                inForce: last(in: slots) { history[.inForce, $0] }, drawn: average(of: slots) { history[.drawn, $0] })
        }
    }

    /// The first that begins then, or after.
    private func slot(at seconds: Int64) -> Int {
        let width_s = Int64(history.width_s)
        return slots.lowerBound + Int((seconds - time.startSeconds + width_s - 1) / width_s)
    }

    // MARK: Gaps

    /// Since when something is kept, and how long there was no control since.
    var gapSentences: [String] {
        guard let first = slots.first(where: history.isKept) else { return ["Nothing is kept of them."] }
        var sentences: [String] = []
        if first > slots.lowerBound { sentences.append("Nothing is kept of before \(clock(first)).") }
        var gaps: [Range<Int>] = []
        for slot in first..<slots.upperBound where !history.isKept(slot) {
            let begin = gaps.last?.upperBound == slot ? gaps.removeLast().lowerBound : slot
            gaps.append(begin..<slot + 1)
        }
        // The slot that has just begun may not have its first sample yet.
        if hasControl, let last = gaps.last, last.upperBound == slots.upperBound { gaps.removeLast() }
        let words = gaps.suffix(3).map { gap in
            gap.upperBound == slots.upperBound
                ? "since \(clock(gap.lowerBound))" : "from \(clock(gap.lowerBound)) to \(clock(gap.upperBound))"
        }
        if gaps.count > words.count {
            sentences.append("No control \(gaps.count) times, the last time \(words.last!).")
        } else if !words.isEmpty {
            sentences.append("No control \(words.joined(separator: ", and ")).")
        }
        return sentences
    }

    private func clock(_ slot: Int) -> String {
        let seconds = time.startSeconds + Int64(slot - slots.lowerBound) * Int64(history.width_s)
        return TimeAxis.Tick(seconds: seconds, local: .at(seconds)).clock
    }
}
