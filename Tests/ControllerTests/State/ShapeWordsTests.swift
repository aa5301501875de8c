import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

extension ProcessTimeZone {
    /// What is said of limits that aren't where the source is.
    struct ShapeWordsTests {
        init() { Clock.setTimeZone("UTC") }

        private static let now: Int64 = 1_781_697_600

        /// Two packages of 200 W at noon: before, and now with what the source gives now.
        private func state(
            _ environment: [String: String], before: UInt64, ago_s: Int64 = 60, _ watts: UInt64? = nil, data: SourceData? = nil
        ) -> NodeState {
            let environment = ["SOURCE": "static", "MAX_SOURCE": "\(watts ?? 300)W", "STABILISATION_TIME": "1d"].merging(
                environment
            ) { $1 }
            guard let policy = try? Settings(flags: [:], environment: { environment[$0] }).configuration.policy else {
                fatalError("no configuration")
            }
            var limits = TestNode().limits
            let first = decide(
                devices: limits.devices, policy: policy, reading: SourceReading(.watts(before)),
                at_ms: 1_000_000 - ago_s * 1_000)
            let reading = powerSource(for: policy, data: data).reading(
                at: Moment(seconds: Self.now), for: limits.devices, policy
            ) { Moment(seconds: $0) }
            let decision = decide(devices: limits.devices, policy: policy, reading: reading, last: first, at_ms: 1_000_000)
            for change in limits.changes(for: decision) {
                limits.note(change, AppliedItem(effective: change.to, effectiveWindow_us: 0))
            }
            return .test(limits, decision, environment: environment, data: data)
        }

        @Test(
            "the sentence says which option holds the limit, and until when",
            arguments: [
                (
                    ["RAMP_UP": "2W/s"], 80, 200,
                    "80 W, on its way up to 200 W by 2 W each second (RAMP_UP), there at 12:01:00."
                ),
                (
                    ["RAMP_DOWN": "2W/s"], 200, 80,
                    "200 W, on its way down to 80 W by 2 W each second (RAMP_DOWN), there at 12:01:00: until then it is more than the "
                        + "source gives."
                ),
                (["DEAD_BAND": "10W"], 80, 89, "80 W, because a rise to 89 W is less than 10 W (DEAD_BAND)."),
                (["DEAD_BAND": "10W"], 80, 90, "90 W, as the source gives it."),
            ] as [([String: String], UInt64, UInt64, String)])
        func sentences(_ environment: [String: String], _ before: UInt64, _ watts: UInt64, _ words: String) {
            let state = state(environment, before: before, watts)
            #expect(state.explanation.because.first == "Decided at 11:59:00: \(words)")
        }

        @Test("a rise that waits, and a fall that is known, are said with their time")
        func times() {
            let fallen = Series([
                Series.Point(seconds: Self.now - 3_600, power: .watts(160)),
                Series.Point(seconds: Self.now + 10, power: .watts(60)),
            ])
            let ahead = state(
                [
                    "SOURCE": "series", "SERIES_FILE": "/file", "MAX_SOURCE": "200W", "LOOK_AHEAD": "0", "RAMP_DOWN": "5W/s",
                ], before: 160, data: SourceData(.series(fallen)))
            #expect(
                ahead.explanation.because.first == "Decided at 11:59:00: 160 W, as the source gives it.",
                "on its way from this moment on")
            #expect(ahead.decision?.decision.shape?.goal == .watts(60))
            let there = state(
                ["SOURCE": "series", "SERIES_FILE": "/file", "MAX_SOURCE": "200W", "LOOK_AHEAD": "30s"], before: 160,
                data: SourceData(.series(fallen)))
            #expect(
                there.explanation.because.first
                    == "Decided at 11:59:00: 60 W, because that is what the source is known to fall to (LOOK_AHEAD).")
        }

        @Test("the next change of a limit on its way is its next step, and of one that is held the end of that")
        func nextChange() {
            let way = state(["RAMP_UP": "2W/s"], before: 80, 200).nextChange
            #expect(way == NextChange(at: Self.now + 1, nodeLimit: .watts(82), reason: .shaped))
            #expect(state(["DEAD_BAND": "10W"], before: 80, 89).nextChange == nil)
            let fall = Series([
                Series.Point(seconds: Self.now - 3_600, power: .watts(160)),
                Series.Point(seconds: Self.now + 7_200, power: .watts(60)),
            ])
            let ahead = state(
                [
                    "SOURCE": "series", "SERIES_FILE": "/file", "MAX_SOURCE": "200W", "LOOK_AHEAD": "20s", "RAMP_DOWN": "5W/s",
                ], before: 160, data: SourceData(.series(fall))
            ).nextChange
            #expect(ahead == NextChange(at: Self.now + 7_161, nodeLimit: .watts(155), reason: .shaped))
        }

        @Test("a signal is said beside the power that it became")
        func signal() {
            let series = Series(
                signals: [SignalPoint(seconds: Self.now - 60, value: 245.5), SignalPoint(seconds: Self.now + 60, value: 300)],
                through: .line(.init(signal: 100, power: .watts(200)), .init(signal: 400, power: .watts(80))), peak: .watts(200),
                dayOf: { _ in 0 })
            let state = state(
                [
                    "SOURCE": "series", "SERIES_FILE": "/file", "MAX_SOURCE": "200W", "SIGNAL_MAP": "100:200W,400:80W",
                ], before: 160, data: SourceData(.series(series!)))
            #expect(
                state.explanation.because[1] == "The source, series, gave 141.8 W at 11:59:00, for a signal of 245.5.")
        }
    }
}
