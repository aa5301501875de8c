import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// A package of 200 W and a GPU of 300 W in a server, in a replay.
struct KindsReplayTests {
    private static func device(_ name: String, _ kind: DeviceKind, _ most: UInt64) -> Device {
        Device(
            name: DeviceName(name), kind: kind, zone: name, constraint: "limit", reference: .watts(most), step: .watts(1),
            longTerm: Device.LimitRange(index: 0, floor: .watts(10), ceiling: .watts(most), original: .watts(most)),
            shortTerm: nil)
    }

    private static let devices = [device("package-0", .package, 200), device("amdgpu:0", .gpu, 300)]

    /// What is drawn and what the meter says, in watts, for so long; nobody is limited in it.
    private func recording(
        _ drawn: [UInt64?] = [100, 250], server: UInt64? = nil, seconds: Int64 = 600, every_s: Int64 = 2,
        limits: [UInt64] = [200, 300]
    ) -> Recording {
        var recording = Recording(Self.devices, hasMeter: server != nil)
        for time_s in stride(from: 0, through: seconds, by: Int(every_s)) {
            _ = recording.add(
                Recording.Sample(
                    time_ms: 1_782_043_200_000 + time_s * 1_000,
                    devices: zip(drawn, limits).map { Recording.Reading(power: $0.map { .watts($0) }, limit: .watts($1)) },
                    server: server.map { .watts($0) }))
        }
        return recording
    }

    private func replay(_ watts: UInt64, _ more: [String: String] = [:]) throws -> Replay {
        let environment = ["SOURCE": "static", "MAX_SOURCE": "\(watts)W", "GOVERN": "intel-rapl,gpu"].merging(more) { $1 }
        return Replay(configuration: try Settings(flags: [:], environment: { environment[$0] }).configuration, data: nil)
    }

    /// In watts, of ten minutes.
    private func mean(_ energy: UInt128, seconds: UInt128 = 600) -> UInt64 { UInt64(energy / 1_000_000_000 / seconds) }

    @Test("a limit is divided over packages and GPUs by their weights, as `run` divides it")
    func weights() throws {
        let recording = recording([200, 300])
        // 2/5 and 3/5 of 250 W; with weights 1/4 and 3/4.
        #expect(mean(try replay(250).outcome(of: recording).allowed) == 250)
        let weighed = try replay(250, ["WEIGHTS": "gpu:2"])
        let (even, double) = (try replay(250).outcome(of: recording), weighed.outcome(of: recording))
        #expect(even.limited_ms == 1_200_000 && double.limited_ms == 1_200_000)
        let policy = weighed.configuration.policy
        let parts = decide(devices: Self.devices, policy: policy, reading: SourceReading(.watts(250))).devices.map(\.longTerm)
        #expect(parts == [.watts(62), .watts(187)])
        // A package that draws little shows whose the limit was.
        let idle = self.recording([10, 300])
        #expect(mean(try replay(250).outcome(of: idle).least) == 160)
        #expect(mean(weighed.outcome(of: idle).least) == 197)
    }

    @Test("P8: whatever is recorded, what is governed is never allowed more than the limit together")
    func together() throws {
        for seed in UInt64(0)..<40 {
            var random = SeededGenerator(seed: seed)
            var recording = Recording(Self.devices, hasMeter: true)
            for index in 0..<100 {
                let devices = Self.devices.map { device in
                    Recording.Reading(
                        power: Int.random(in: 0..<8, using: &random) == 0 ? nil : .watts(.random(in: 0...300, using: &random)),
                        limit: Int.random(in: 0..<8, using: &random) == 0 ? nil : .watts(.random(in: 10...300, using: &random)))
                }
                _ = recording.add(
                    Recording.Sample(
                        time_ms: Int64(index) * .random(in: 1_500...3_000, using: &random), devices: devices,
                        server: Bool.random(using: &random) ? .watts(.random(in: 0...900, using: &random)) : nil))
            }
            let split = Bool.random(using: &random) ? "demand" : "proportional"
            let scope = Bool.random(using: &random) ? "server" : "devices"
            let limit = UInt64.random(in: 20...500, using: &random)
            let outcome = try replay(limit, ["SPLIT": split, "BUDGET_OF": scope]).outcome(of: recording)
            #expect(outcome.allowed <= UInt128(limit * 1_000_000) * UInt128(outcome.span_ms), "seed \(seed)")
        }
    }

    @Test("by demand a GPU has what a package leaves, and one that sleeps has its floor")
    func demand() throws {
        let hungry = try replay(260, ["SPLIT": "demand"]).outcome(of: recording([40, 300], limits: [200, 300]))
        #expect(mean(hungry.most) > 240)
        let asleep = try replay(200, ["SPLIT": "demand"]).outcome(of: recording([200, 0]))
        #expect(mean(asleep.most) > 185)
    }

    @Test("BUDGET_OF=server: the devices have what the recorded rest of the server leaves, and the server stays within its limit")
    func server() throws {
        // The rest takes 150 W.
        let recording = recording([200, 300], server: 650)
        let replay = try replay(500, ["BUDGET_OF": "server"])
        #expect(replay.caveats(of: recording) == [])
        let outcome = replay.outcome(of: recording)
        let server = try #require(outcome.server)
        #expect(mean(server.rest) == 150)
        #expect((480...500).contains(mean(server.most)), "\(mean(server.most)) W")
        #expect((330...355).contains(mean(outcome.allowed)), "\(mean(outcome.allowed)) W")
        let above_ms = try #require(server.above_ms)
        #expect(above_ms <= 10_000, "the first reading comes with the second sample")
        // The devices' limit alone doesn't hold the server.
        let devices = try self.replay(500, ["BUDGET_OF": "devices"]).outcome(of: recording)
        #expect(try mean(#require(devices.server).most) == 650)
        #expect(devices.server?.above_ms == nil)
        #expect(Replay.recorded(recording).server.map { mean($0.most) } == 650)
    }

    @Test("a rest that grows is made room for within the samples after it")
    func growingRest() throws {
        var recording = Recording(Self.devices, hasMeter: true)
        for index in 0..<300 {
            let rest: UInt64 = index < 150 ? 100 : 250
            _ = recording.add(
                Recording.Sample(
                    time_ms: Int64(index) * 2_000,
                    devices: [200, 300].map { Recording.Reading(power: .watts($0), limit: .watts($0)) },
                    server: .watts(500 + rest)))
        }
        let server = try #require(try replay(500, ["BUDGET_OF": "server"]).outcome(of: recording).server)
        let above_ms = try #require(server.above_ms)
        #expect(above_ms > 0 && above_ms <= 20_000, "\(above_ms) ms")
    }

    @Test("without a meter the devices have their floors in the end, as in `run`, and that is said")
    func noMeter() throws {
        let recording = recording([200, 300])
        let replay = try replay(500, ["BUDGET_OF": "server"])
        #expect(replay.caveats(of: recording).map { $0.contains("none was recorded") } == [true])
        let outcome = replay.outcome(of: recording)
        #expect(outcome.server == nil)
        // A minute of 500 W, nine of 20 W.
        #expect((65...75).contains(mean(outcome.allowed)), "\(mean(outcome.allowed)) W")
    }

    @Test("what GOVERN doesn't name draws what it drew, has no part of the limit, and that is said")
    func ungoverned() throws {
        let recording = recording([200, 300], server: 650)
        let packages = try replay(150, ["GOVERN": "intel-rapl"])
        #expect(packages.caveats(of: recording).map { $0.contains("GOVERN names no GPUs") } == [true])
        let outcome = packages.outcome(of: recording)
        #expect(mean(outcome.least) == 150 + 300)
        // Of the server's 500 W the GPU's 300 are a part of the rest, which is 450 W: 50 W less 1 % are left for the package.
        let server = try replay(500, ["GOVERN": "intel-rapl", "BUDGET_OF": "server"]).outcome(of: recording)
        #expect((45...55).contains(mean(server.allowed) - 300), "\(mean(server.allowed)) W")
        let both = Recording([Self.devices[0]])
        #expect(try replay(150).caveats(of: both).map { $0.contains("GOVERN names GPUs, and none was recorded") } == [true])
    }

    @Test("what isn't known of a GPU is left out, and doesn't end the program, however long it lasts")
    func gaps() throws {
        var recording = Recording(Self.devices, hasMeter: true)
        for (time_ms, power) in [(0, nil), (2_000, 1_000_000), (4_000, 1_000_000), (250_000_000_000_000, 1_000_000)]
            as [(Int64, UInt64?)]
        {
            _ = recording.add(
                Recording.Sample(
                    time_ms: time_ms,
                    devices: Self.devices.map { _ in Recording.Reading(power: power.map { .watts($0) }, limit: nil) },
                    server: power.map { .watts($0) }))
        }
        for more in [["SPLIT": "demand"], ["BUDGET_OF": "server"], ["SPLIT": "demand", "BUDGET_OF": "server"]] {
            #expect(try replay(100, more).outcome(of: recording).counted_ms > 0)
        }
    }
}
