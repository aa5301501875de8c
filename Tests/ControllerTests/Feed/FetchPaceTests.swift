import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

struct FetchPaceTests {
    private static let hour_ns: UInt64 = 3_600_000_000_000
    private static let day_ns = 24 * hour_ns

    private enum Outcome: CaseIterable { case good, soon, lasting, asked }

    /// When a service would be asked for a week, if that were what came of it.
    private func times(_ refresh: Milliseconds, days: UInt64 = 7, _ outcome: (Int) -> Outcome) -> [UInt64] {
        var pace = FetchPace(refresh: refresh)
        pace.start(1)
        var times: [UInt64] = []
        while pace.due_ns < days * Self.day_ns {
            let now_ns = pace.due_ns
            pace.begin(now_ns)
            #expect(pace.due_ns == .max)
            times.append(now_ns)
            switch outcome(times.count - 1) {
            case .good: pace.succeed(now_ns + 1_000_000)
            case .soon: pace.fail(now_ns + 1_000_000, isLasting: false)
            case .lasting: pace.fail(now_ns + 1_000_000, isLasting: true)
            case .asked: pace.fail(now_ns + 1_000_000, isLasting: false, retryAfter_s: 7_200)
            }
        }
        return times
    }

    /// The most within any span of 24 refreshes.
    private func most(_ times: [UInt64], _ refresh: Milliseconds) -> Int {
        times.map { start in times.count { $0 >= start && $0 < start + 24 * refresh.nanoseconds } }.max() ?? 0
    }

    @Test("what answers is asked once in a refresh, a little later each time")
    func good() {
        let times = times(.hour) { _ in .good }
        let pauses = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect(pauses.allSatisfy { (Self.hour_ns...Self.hour_ns / 16 * 17 + 1_000_000).contains($0) })
        #expect(Set(pauses).count > 100)
    }

    @Test(
        "whatever comes of it, it is never asked more than 24 times in 24 refreshes, and never given up",
        arguments: [Milliseconds.seconds(60), .hour, .seconds(10_800)])
    func budget(_ refresh: Milliseconds) {
        for seed in 0..<20 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let favourite = Outcome.allCases.randomElement(using: &generator)!
            let times = times(refresh, days: refresh == .hour ? 7 : 1) { _ in
                Bool.random(using: &generator) ? favourite : Outcome.allCases.randomElement(using: &generator)!
            }
            #expect(most(times, refresh) <= 24, "seed \(seed)")
            #expect(
                zip(times, times.dropFirst()).allSatisfy { $1 - $0 <= Self.day_ns + 24 * refresh.nanoseconds }, "seed \(seed)")
        }
        #expect(most(times(refresh, days: 3) { _ in .soon }, refresh) == 24)
    }

    @Test(
        "what fails for a moment is asked again within a minute, then ever less often; what was answered in between begins anew")
    func soon() {
        let times = times(.hour, days: 1) { $0 < 4 ? .soon : .good }
        let pauses_s = zip(times, times.dropFirst()).map { ($1 - $0) / 1_000_000_000 }
        for (pause, range) in zip(pauses_s, [30...60, 60...120, 120...240, 240...480] as [ClosedRange<UInt64>]) {
            #expect(range.contains(pause))
        }
        // What was used up is saved over the rest of the day, a bit at a time.
        #expect(pauses_s[4] >= 3_600 && pauses_s[4] < 5_400)
    }

    @Test("what somebody has to change first waits for the next refresh, and a server that asks for time has it, up to a day")
    func lasting() {
        let times = times(.hour) { _ in .lasting }
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= Self.hour_ns })
        let asked = self.times(.hour) { _ in .asked }
        #expect(zip(asked, asked.dropFirst()).allSatisfy { $1 - $0 >= 2 * Self.hour_ns })
        var pace = FetchPace(refresh: .hour)
        pace.begin(0)
        pace.fail(0, isLasting: false, retryAfter_s: .max)
        #expect(pace.due_ns <= Self.day_ns)
        pace.fail(0, isLasting: false, retryAfter_s: .min)
        #expect(pace.due_ns <= Self.hour_ns)
    }
}
