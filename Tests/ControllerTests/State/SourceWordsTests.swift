import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

extension ProcessTimeZone {
    /// What every view says of a source that says nothing of the moment, or of whose file nothing newer can be had.
    struct SourceWordsTests {
        init() { Clock.setTimeZone("UTC") }

        private static let now: Int64 = 1_781_697_600
        private static let problem = "does not exist: give a file that is there, or put it there"

        /// At noon, with a series of two points an hour apart.
        /// - Parameters:
        ///   - first: the first point's time, in seconds from now on.
        ///   - outdated: since when nothing newer can be had, in seconds from now on.
        private func state(
            _ onStale: String = "floor", first: Int64 = -7_200, last: UInt64? = 100, outdated: Int64? = nil,
            wishes: Wishes = Wishes()
        ) -> NodeState {
            let points = [
                Series.Point(seconds: Self.now + first, power: .watts(80)),
                Series.Point(seconds: Self.now + first + 3_600, power: last.map { .watts($0) }),
            ]
            var data = SourceData(.series(Series(points)))
            if let outdated {
                data.outdated = SourceData.Outdated(
                    since: Moment(seconds: Self.now + outdated), stale: Moment(seconds: Self.now + outdated + 3_600))
            }
            let environment = [
                "SOURCE": "series", "SERIES_FILE": "/etc/powercap/series.csv", "MAX_SOURCE": "200W", "ON_STALE": onStale,
                "STABILISATION_TIME": "1d",
            ]
            guard let policy = try? Settings(flags: [:], environment: { environment[$0] }).configuration.policy else {
                fatalError("no configuration")
            }
            var limits = TestNode().limits
            let reading = powerSource(for: policy, wishes.together, data: data).reading(at: Moment(seconds: Self.now))
            let decision = decide(devices: limits.devices, policy: policy, reading: reading, overrides: wishes.together)
            for change in limits.changes(for: decision) {
                limits.note(change, AppliedItem(effective: change.to, effectiveWindow_us: 0))
            }
            let file = SourceFileState(path: "/etc/powercap/series.csv", problem: outdated == nil ? nil : Self.problem)
            return .test(limits, decision, wishes: wishes, environment: environment, data: data, file: file)
        }

        @Test(
            "why there is nothing, and what holds instead, is one sentence",
            arguments: [
                ("floor", -7_200, 100, "The source's last value is over: the last value, 100 W, holds until it is 1 h old"),
                ("floor", -10_800, 100, "The source's last value is over: the floor holds"),
                ("hold", -10_800, 100, "The source's last value is over: the last value, 100 W, holds"),
                ("90W", -10_800, 100, "The source's last value is over: 90 W holds (ON_STALE)"),
                (
                    "110W", -10_800, 100,
                    "The source's last value is over: the last value, 100 W, holds, which is less than ON_STALE"
                ),
                ("hold", 60, 100, "The source's first value is still to come: the floor holds"),
                ("floor", -5_400, nil, "The source, series, has no value for now: the floor holds"),
            ] as [(String, Int64, UInt64?, String)])
        func lack(_ onStale: String, _ first: Int64, _ last: UInt64?, _ words: String) {
            let state = state(onStale, first: first, last: last)
            #expect(state.sourceLack == words)
            #expect(state.condition == Condition(status: .yes, reason: "SourceStale", message: words))
            #expect(state.explanation.because.contains("\(words)."))
            #expect(state.supervisorStatus.hasSuffix(words))
        }

        @Test("a source that is followed has no words, and a file that is gone is said beside what is followed")
        func followed() {
            let fine = state(first: -1_800)
            #expect(fine.sourceLack == nil && fine.sourceProblem == nil)
            #expect(fine.condition.reason == "LimitInForce")
            let gone = state(first: -1_800, outdated: -60)
            let words = "/etc/powercap/series.csv \(Self.problem) since 11:59:00"
            #expect(gone.sourceLack == nil)
            #expect(gone.condition.reason == "SourceOutdated")
            #expect(gone.condition.message == "What the source said before is followed: \(words)")
            #expect(gone.explanation.because.contains("Of the source, what it said before is followed: \(words)."))
            let stale = state(first: -5_400, outdated: -3_600)
            #expect(
                stale.condition.message
                    == "The source's file could not be read for 1 h: the floor holds: /etc/powercap/series.csv "
                    + "\(Self.problem) since 11:00:00")
        }

        @Test("where an override stands in for the source, its troubles are not the condition's")
        func overridden() {
            let wishes = Wishes(node: Overrides(limit: .watts(60)))
            #expect(state(first: -10_800, wishes: wishes).condition.reason == "LimitInForce")
            #expect(state(first: -1_800, outdated: -60, wishes: wishes).condition.reason == "LimitInForce")
        }

        @Test("the next step of the data is the next change, though the next decision is a day away")
        func nextChange() {
            let step = state(first: -1_800).nextChange
            #expect(step == NextChange(at: Self.now + 1_800, nodeLimit: .watts(100), reason: .source))
            let end = state("hold", first: -5_400, outdated: -60).nextChange
            #expect(end == nil, "what holds is what was given last")
            let stale = state(first: -5_400, outdated: -60).nextChange
            #expect(stale?.at == Self.now + 3_540)
            #expect(stale?.reason == .floor)
        }
    }
}
