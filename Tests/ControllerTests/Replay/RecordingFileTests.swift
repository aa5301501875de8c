import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

struct RecordingFileTests {
    private static let devices = [
        Device(
            name: DeviceName(package: 0), zone: "package-0", reference: .watts(205),
            longTerm: Device.LimitRange(index: 0, floor: .watts(10), ceiling: .watts(250), original: .watts(205)), shortTerm: nil
        ),
        Device(
            name: DeviceName(package: 1, die: 2), zone: "package-1-die-2", reference: .watts(165),
            longTerm: Device.LimitRange(index: 0, floor: .watts(10), ceiling: .watts(165), original: nil), shortTerm: nil,
            fixed: .watts(165)),
    ]
    private static let head = """
        # powercap-controller record, format 1
        # package-0 reference_uw=205000000 floor_uw=10000000 ceiling_uw=250000000 original_uw=205000000
        # package-1-die-2 reference_uw=165000000 floor_uw=10000000 ceiling_uw=165000000 fixed_uw=165000000
        time,package-0_power_uw,package-0_limit_uw,package-1-die-2_power_uw,package-1-die-2_limit_uw

        """

    private func parse(_ text: String) throws(RecordingProblem) -> RecordingFile.Content {
        try RecordingFile.parse(Array(text.utf8))
    }

    private func reading(_ power: UInt64?, _ limit: UInt64?) -> Recording.Reading {
        Recording.Reading(power: power.map { Microwatts($0) }, limit: limit.map { Microwatts($0) })
    }

    @Test("what is written reads back as the same, whatever the samples are")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<50 {
            var recording = Recording(Self.devices)
            var time_ms = Int64.random(in: 0..<4_000_000_000_000, using: &random)
            var text = RecordingFile.head(Self.devices)
            for _ in 0..<Int.random(in: 2..<20, using: &random) {
                time_ms += Int64.random(in: 1..<5_000, using: &random)
                let sample = Recording.Sample(
                    time_ms: time_ms,
                    devices: Self.devices.map { _ in
                        reading(
                            Bool.random(using: &random) ? .random(in: 0...4_095_875_000, using: &random) : nil,
                            Bool.random(using: &random) ? .random(in: 0...4_095_875_000, using: &random) : nil)
                    })
                let isTaken = recording.add(sample)
                #expect(isTaken)
                text += RecordingFile.line(sample)
            }
            #expect(try RecordingFile.parse(text) == RecordingFile.Content(recording: recording))
        }
    }

    @Test("the text is what docs/formats.md says")
    func text() throws {
        #expect(String(decoding: RecordingFile.head(Self.devices), as: UTF8.self) == Self.head)
        let sample = Recording.Sample(
            time_ms: 1_782_043_202_013, devices: [reading(83_100_000, 120_000_000), reading(nil, 165_000_000)])
        #expect(
            String(decoding: RecordingFile.line(sample), as: UTF8.self)
                == "2026-06-21T12:00:02.013Z,83100000,120000000,,165000000\n")
    }

    @Test(
        "a last line that was cut off, and samples that aren't later, are passed over and counted; CRLF and empty lines don't matter"
    )
    func tolerated() throws {
        let lines = [
            "2026-06-21T12:00:02.000Z,1,2,3,4", "2026-06-21T12:00:01.000Z,1,2,3,4", "", "2026-06-21T12:00:04.000Z,5,6,,8",
        ]
        let content = try parse(Self.head + lines.joined(separator: "\r\n") + "\r\n2026-06-21T12:00:06.000Z,5,")
        #expect(content.notLater == 1)
        #expect(content.isCutOff)
        #expect(content.recording.samples.map(\.time_ms) == [1_782_043_202_000, 1_782_043_204_000])
        #expect(content.recording.samples[1].devices == [reading(5, 6), reading(nil, 8)])
    }

    @Test("recordings of the same packages one behind the other are one")
    func appended() throws {
        let content = try parse(
            Self.head + "2026-06-21T12:00:02.000Z,1,2,3,4\n" + Self.head + "2026-06-21T12:00:04.000Z,5,6,7,8\n")
        #expect(content.recording.samples.count == 2)
    }

    @Test(
        "P11: what is no recording is refused, with the line",
        arguments: [
            ("", .noRecording),
            ("time,package-0_power_uw\n", .noRecording),
            ("# powercap-controller record, format 2\n", .unknownFormat("2")),
            ("# powercap-controller record, format x\n", .unknownFormat("x")),
            ("# powercap-controller record, format 1\ntime\n", .line(2, .noNames(""))),
            (
                "# powercap-controller record, format 1\n# package-0 reference_uw=0 floor_uw=1 ceiling_uw=2\n",
                .line(2, .noPackage("# package-0 reference_uw=0 floor_uw=1 ceiling_uw=2"))
            ),
            (
                "# powercap-controller record, format 1\n# package-0 reference_uw=1 floor_uw=3 ceiling_uw=2\n",
                .line(2, .noPackage("# package-0 reference_uw=1 floor_uw=3 ceiling_uw=2"))
            ),
            (
                "# powercap-controller record, format 1\n# dram reference_uw=1 floor_uw=1 ceiling_uw=2\n",
                .line(2, .noPackage("# dram reference_uw=1 floor_uw=1 ceiling_uw=2"))
            ),
            (head, .tooFew),
            (head + "2026-06-21T12:00:02.000Z,1,2,3,4\n", .tooFew),
            (head + "2026-06-21T12:00:02.000Z,1,2,3\n", .line(5, .fields(4, expected: 5))),
            (head + "yesterday,1,2,3,4\n", .line(5, .noTime("yesterday"))),
            (head + "2026-06-21T12:00:02.000Z,1,2,3,4\n2026-06-21T12:00:04.000Z,1,-2,3,4\n", .line(6, .noPower("-2"))),
            (head + "2026-06-21T12:00:02.000Z,1,2,3,4095875001\n", .line(5, .noPower("4095875001"))),
            (head + "2026-06-21T12:00:02.000Z,1,2,3,NaN\n", .line(5, .noPower("NaN"))),
            (
                head + "# powercap-controller record, format 1\n# package-0 reference_uw=1 floor_uw=1 ceiling_uw=2\n"
                    + "time,package-0_power_uw,package-0_limit_uw\n",
                .line(7, .otherPackages)
            ),
        ] as [(String, RecordingProblem)])
    func refused(_ text: String, _ problem: RecordingProblem) {
        #expect(throws: problem) { try parse(text) }
    }

    @Test("P11: no bytes whatever end the program")
    func garbage() {
        var random = SeededGenerator(seed: 5)
        let valid = Array((Self.head + "2026-06-21T12:00:02.000Z,1,2,3,4\n2026-06-21T12:00:04.000Z,1,2,3,4\n").utf8)
        for _ in 0..<2_000 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1..<6, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = try? RecordingFile.parse(bytes)
        }
    }
}
