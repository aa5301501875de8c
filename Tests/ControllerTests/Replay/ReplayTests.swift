import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// What a configuration would have made of samples.
struct ReplayTests {
    private static let device = Device(
        name: DeviceName(package: 0), zone: "package-0", reference: .watts(200),
        longTerm: Device.LimitRange(index: 0, floor: .watts(10), ceiling: .watts(200), original: .watts(200)), shortTerm: nil)

    /// A sample each second of one package: what it drew in the second before, and its limit.
    private func recording(_ samples: [(power: UInt64?, limit: UInt64?)]) -> Recording {
        var recording = Recording([Self.device])
        for (index, sample) in samples.enumerated() {
            let reading = Recording.Reading(power: sample.power.map { .watts($0) }, limit: sample.limit.map { .watts($0) })
            _ = recording.add(Recording.Sample(time_ms: Int64(index) * 1_000, devices: [reading]))
        }
        return recording
    }

    private func outcome(_ recording: Recording, _ environment: [String: String]) throws -> Replay.Outcome {
        let settings = try Settings(flags: [:], environment: { environment[$0] })
        return Replay(configuration: settings.configuration, data: nil).outcome(of: recording)
    }

    /// In W·s.
    private func joules(_ energy: UInt128) -> UInt64 { UInt64(energy / 1_000_000_000) }

    @Test("what a package drew below its limit it would have drawn, as far as the configuration lets it")
    func belowLimit() throws {
        let recording = recording([(nil, 150), (100, 150), (60, 150), (100, 150)])
        let free = try outcome(recording, ["SOURCE": "static", "MAX_SOURCE": "180W"])
        #expect((joules(free.least), joules(free.most), joules(free.drawn)) == (260, 260, 260))
        #expect((free.limited_ms, free.perhapsLimited_ms, free.changes) == (0, 0, 0))
        let tight = try outcome(recording, ["SOURCE": "static", "MAX_SOURCE": "80W"])
        #expect((joules(tight.least), joules(tight.most), joules(tight.allowed)) == (220, 220, 240))
        #expect((tight.limited_ms, tight.perhapsLimited_ms) == (2_000, 0))
    }

    @Test("a package at its limit hid what it wanted: it would have drawn between what it drew and all that it is given")
    func atLimit() throws {
        let recording = recording([(nil, 100), (100, 100), (98, 100), (97, 100)])
        let more = try outcome(recording, ["SOURCE": "static", "MAX_SOURCE": "300W"])
        #expect((joules(more.least), joules(more.most)) == (295, 200 + 200 + 97))
        #expect((more.limited_ms, more.perhapsLimited_ms) == (0, 2_000))
        let less = try outcome(recording, ["SOURCE": "static", "MAX_SOURCE": "50W"])
        #expect((joules(less.least), joules(less.most)) == (150, 150))
        #expect((less.limited_ms, less.perhapsLimited_ms) == (3_000, 0))
    }

    @Test("where the recorded limit changed in between it is the lower one that hides")
    func changedLimit() throws {
        let recording = recording([(nil, 200), (100, 100), (100, 200)])
        let more = try outcome(recording, ["SOURCE": "static", "MAX_SOURCE": "150W"])
        #expect(joules(more.most) == 300)
    }

    @Test("what isn't known is left out and counted")
    func unknown() throws {
        let recording = recording([(nil, 100), (nil, 100), (50, nil), (60, 100)])
        let configured = try outcome(recording, ["SOURCE": "static", "MAX_SOURCE": "300W"])
        #expect((joules(configured.least), configured.counted_ms, configured.unknown_ms) == (110, 2_000, 1_000))
        // Of the recording itself the limits have to be known, too.
        let recorded = Replay.recorded(recording)
        #expect((joules(recorded.least), recorded.counted_ms, recorded.unknown_ms, recorded.span_ms) == (50, 1_000, 2_000, 3_000))
    }

    @Test("the recording's own limits are counted as they were")
    func recorded() {
        let recorded = Replay.recorded(recording([(nil, 100), (100, 50), (50, 50), (20, 80), (20, 80)]))
        #expect((joules(recorded.least), joules(recorded.allowed)) == (190, 280))
        #expect((recorded.changes, recorded.limited_ms) == (2, 2_000))
    }

    @Test("decisions are as far apart as STABILISATION_TIME says, and go by the recorded times")
    func cadence() throws {
        // The demonstration's curve moves all the time: each decision changes the limit.
        let samples = (0..<61).map { _ in (power: UInt64?(20), limit: UInt64?(200)) }
        var recording = Recording([Self.device])
        for (index, sample) in samples.enumerated() {
            _ = recording.add(
                Recording.Sample(
                    time_ms: 1_782_043_220_000 + Int64(index) * 1_000,
                    devices: [Recording.Reading(power: .watts(sample.power!), limit: .watts(sample.limit!))]))
        }
        let demo = ["SOURCE": "demo", "MAX_SOURCE": "200W", "RAPL_MIN_POWER": "1W", "KUBERNETES": "off"]
        let often = try outcome(recording, demo.merging(["STABILISATION_TIME": "1s"]) { $1 })
        let seldom = try outcome(recording, demo.merging(["STABILISATION_TIME": "17s"]) { $1 })
        #expect(seldom.changes == 3)
        #expect(often.changes > 10)
    }

    @Test("a long recording of many packages doesn't overflow")
    func large() throws {
        let devices = (0..<64).map { number in
            Device(
                name: DeviceName(package: number), zone: "package-\(number)", reference: .watts(4_000),
                longTerm: Device.LimitRange(index: 0, floor: .watts(1), ceiling: .registerMaximum, original: nil), shortTerm: nil
            )
        }
        var recording = Recording(devices)
        for year in 0..<3 {
            _ = recording.add(
                Recording.Sample(
                    time_ms: Int64(year) * 31_536_000_000,
                    devices: devices.map { _ in Recording.Reading(power: .registerMaximum, limit: .registerMaximum) }))
        }
        let outcome = try outcome(recording, ["SOURCE": "static", "MAX_SOURCE": "1000kW"])
        #expect(outcome.least == UInt128(Microwatts.registerMaximum.rawValue) * 64 * 2 * 31_536_000_000)
    }
}

/// SPLIT=demand in a replay.
struct SharedReplayTests {
    private static let devices = (0..<2).map { number in
        Device(
            name: DeviceName(package: number), zone: "package-\(number)", reference: .watts(200),
            longTerm: Device.LimitRange(index: 0, floor: .watts(10), ceiling: .watts(200), original: .watts(200)), shortTerm: nil
        )
    }

    /// One package that idles and one that draws all of its 100 W, for ten minutes.
    private func recording(every_ms: Int64) -> Recording {
        var recording = Recording(Self.devices)
        for time_ms in stride(from: Int64(1_782_043_200_000), through: 1_782_043_800_000, by: Int(every_ms)) {
            _ = recording.add(
                Recording.Sample(
                    time_ms: time_ms,
                    devices: [30, 100].map { Recording.Reading(power: .watts($0), limit: .watts(100)) }))
        }
        return recording
    }

    private func replay(_ split: String) throws -> Replay {
        let environment = ["SOURCE": "static", "MAX_SOURCE": "200W", "SPLIT": split]
        return Replay(configuration: try Settings(flags: [:], environment: { environment[$0] }).configuration, data: nil)
    }

    @Test("what an idle package doesn't need goes to the one whose limit is in its way, within the same budget")
    func shared() throws {
        let recording = recording(every_ms: 2_000)
        let (proportional, byDemand) = (try replay("proportional"), try replay("demand"))
        let (fixed, shared) = (proportional.outcome(of: recording), byDemand.outcome(of: recording))
        #expect(byDemand.caveats(of: recording) == [])
        #expect(fixed.most == UInt128(130_000_000) * 600_000)
        // Idle's 30 W and its room are left to it; all but the first steps are shared.
        #expect(shared.most > fixed.most + UInt128(60_000_000) * 580_000)
        #expect(shared.allowed <= UInt128(200_000_000) * 600_000)
        #expect(shared.allowed > UInt128(199_000_000) * 600_000)
        #expect(shared.changes <= 6)
    }

    @Test("samples too far apart say nothing of demand: the limit is divided in proportion, and that is said")
    func farApart() throws {
        let recording = recording(every_ms: 10_000)
        let replay = try replay("demand")
        #expect(replay.caveats(of: recording).map { $0.contains("the samples are 10 s apart") } == [true])
        #expect(replay.outcome(of: recording).changes == 0)
    }
}
