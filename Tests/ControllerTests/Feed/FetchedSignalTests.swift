import Policy
import Signals
import TestSupport
import Testing

@testable import powercap_controller

struct FetchedSignalTests {
    private func points(_ pairs: [(Int64, Double?)], end: Int64) -> Signal {
        .points(pairs.map { Signal.Point(seconds: $0.0, value: $0.1) }, end: end)
    }

    private func joined(
        _ signals: [Signal], at given: Int64 = 1_000, after before: FetchedSignal = FetchedSignal(), good: Int64 = 100_000
    ) -> FetchedSignal {
        FetchedSignal(signals.map { (signal: $0, given: given) }, after: before, good: good)
    }

    private func expect(
        _ signal: FetchedSignal, _ pairs: [(Int64, Double?)], end: Int64, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(signal.points == pairs.map { SignalPoint(seconds: $0.0, value: $0.1) }, sourceLocation: location)
        #expect(signal.end == end, sourceLocation: location)
    }

    @Test("today's and tomorrow's answers are one signal, with a gap where neither says anything")
    func days() {
        let (today, tomorrow) = (points([(0, 1), (50, 2)], end: 100), points([(100, 3)], end: 200))
        expect(joined([today, tomorrow]), [(0, 1), (50, 2), (100, 3)], end: 200)
        expect(joined([tomorrow, today]), [(0, 1), (50, 2), (100, 3)], end: 200)
        expect(joined([today, points([(150, 3)], end: 200)]), [(0, 1), (50, 2), (100, nil), (150, 3)], end: 200)
        expect(joined([today, points([], end: 0)]), [(0, 1), (50, 2)], end: 100)
    }

    @Test("where two answers have a value of one time the first counts, unless it is none")
    func twice() {
        expect(
            joined([points([(0, 1), (50, nil)], end: 100), points([(0, 7), (50, 2)], end: 100)]), [(0, 1), (50, 2)], end: 100)
    }

    @Test("what begins later than now goes on from what was said before")
    func before() {
        let first = joined([points([(0, 1), (1_000, 2), (2_000, 9)], end: 3_000)])
        expect(
            joined([points([(2_000, 3)], end: 4_000)], after: first), [(0, 1), (1_000, 2), (2_000, 3)], end: 4_000)
        expect(
            joined([points([(5_000, 3)], end: 6_000)], after: first), [(0, 1), (1_000, 2), (2_000, 9), (3_000, nil), (5_000, 3)],
            end: 6_000)
    }

    @Test("P16: what was said before is gone by until it would have been too old, and no longer, whatever new answers put off")
    func tooOld() {
        let first = joined([points([(0, 1), (1_000, 2), (2_000, 9)], end: 3_000)], good: 1_500)
        let second = joined([points([(9_000, 3)], end: 9_500)], after: first)
        expect(second, [(0, 1), (1_000, 2), (1_500, nil), (9_000, 3)], end: 9_500)
        expect(
            joined([points([(9_900, 3)], end: 10_000)], after: second.cut(at: 1_600)),
            [(0, 1), (1_000, 2), (1_500, nil), (9_900, 3)], end: 10_000)
    }

    @Test("a value of now holds until the next, and after one that is none it is known what the last was")
    func now() {
        let first = joined([.now(80)], at: 1_000)
        #expect(first.points == [SignalPoint(seconds: 1_000, value: 80)] && first.end > 1_000 + 86_400)
        let second = joined([.now(nil)], at: 2_000, after: first)
        #expect(second.points == [SignalPoint(seconds: 1_000, value: 80), SignalPoint(seconds: 2_000, value: nil)])
        let third = joined([points([], end: 0)], at: 3_000, after: first)
        #expect(third.points == [SignalPoint(seconds: 1_000, value: 80), SignalPoint(seconds: 3_000, value: nil)])
    }

    @Test("of what is over a day is kept, with what held when it began, and never more than so much")
    func kept() {
        var signal = FetchedSignal()
        for time in stride(from: Int64(0), through: 200_000, by: 600) {
            signal = joined([.now(Double(time))], at: time, after: signal, good: .max)
        }
        #expect(signal.points.count == 146)
        for time in stride(from: Int64(200_010), through: 240_000, by: 10) {
            signal = joined([.now(Double(time))], at: time, after: signal, good: .max)
        }
        #expect(signal.points.count <= 2_001)
        #expect(signal.points.last == SignalPoint(seconds: 240_000, value: 240_000))
    }

    @Test("whatever is joined, each point is later than the one before, and the end isn't before the last")
    func anything() {
        var generator = SeededGenerator(seed: 37)
        var before = FetchedSignal()
        for round in 0..<2_000 {
            let signals: [Signal] = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                if Int.random(in: 0..<5, using: &generator) == 0 { return .now(Bool.random(using: &generator) ? 5 : nil) }
                let times = Set(
                    (0..<Int.random(in: 0...5, using: &generator)).map { _ in Int64.random(in: 0...50, using: &generator) })
                let sorted = times.sorted()
                return points(
                    sorted.map { ($0, Bool.random(using: &generator) ? 1 : nil) },
                    end: (sorted.last ?? 0) + Int64.random(in: 0...9, using: &generator))
            }
            let signal = joined(signals, at: Int64(round % 50), after: before, good: Int64.random(in: 0...80, using: &generator))
            #expect(zip(signal.points, signal.points.dropFirst()).allSatisfy { $0.seconds < $1.seconds })
            #expect(!signal.points.isEmpty && signal.end >= signal.points.last!.seconds)
            before = signal
        }
    }
}
