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
        # package-0 kind=package reference_uw=205000000 floor_uw=10000000 ceiling_uw=250000000 step_uw=125000 original_uw=205000000
        # package-1-die-2 kind=package reference_uw=165000000 floor_uw=10000000 ceiling_uw=165000000 step_uw=125000 fixed_uw=165000000
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
                .line(2, .noDevice("# package-0 reference_uw=0 floor_uw=1 ceiling_uw=2"))
            ),
            (
                "# powercap-controller record, format 1\n# package-0 reference_uw=1 floor_uw=3 ceiling_uw=2\n",
                .line(2, .noDevice("# package-0 reference_uw=1 floor_uw=3 ceiling_uw=2"))
            ),
            (
                "# powercap-controller record, format 1\n# dram reference_uw=1 floor_uw=1 ceiling_uw=2\n",
                .line(2, .noDevice("# dram reference_uw=1 floor_uw=1 ceiling_uw=2"))
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
                .line(7, .otherDevices)
            ),
        ] as [(String, RecordingProblem)])
    func refused(_ text: String, _ problem: RecordingProblem) {
        #expect(throws: problem) { try parse(text) }
    }

    /// A machine of several kinds, with a meter of the whole of it.
    private static let mixed = [
        devices[0],
        Device(
            name: DeviceName("amdgpu:0000:03:00.0"), kind: .gpu, zone: "amdgpu:0000:03:00.0", constraint: "limit",
            reference: .watts(300), step: .watts(1),
            longTerm: Device.LimitRange(index: 0, floor: .watts(50), ceiling: .watts(300), original: .watts(300)), shortTerm: nil),
        Device(
            name: DeviceName("redfish:bmc/a, \"b\" 100%"), kind: .gpu, zone: "redfish:bmc/a, \"b\" 100%", constraint: "limit",
            reference: .watts(9_000), step: Microwatts(1),
            longTerm: Device.LimitRange(index: 0, floor: .zero, ceiling: .watts(9_000), original: nil), shortTerm: nil),
        Device(
            name: DeviceName("amd_hsmp_hwmon:AMDI0097:00"), zone: "amd_hsmp_hwmon:AMDI0097:00", constraint: "limit",
            reference: .watts(360), step: Microwatts(1_000),
            longTerm: Device.LimitRange(index: 0, floor: .watts(10), ceiling: .watts(360), original: nil), shortTerm: nil),
    ]

    @Test("devices of every kind and the server's meter read back as they were written, whatever a device is called")
    func kinds() throws {
        let text = RecordingFile.head(Self.mixed, hasMeter: true)
        let head = String(decoding: text, as: UTF8.self)
        #expect(
            head.contains(
                "# amdgpu:0000:03:00.0 kind=gpu reference_uw=300000000 floor_uw=50000000 ceiling_uw=300000000 step_uw=1000000"))
        #expect(head.contains(",redfish:bmc/a%2C%20%22b%22%20100%25_power_uw,"))
        #expect(head.hasSuffix(",amd_hsmp_hwmon:AMDI0097:00_limit_uw,server_power_uw\n"))
        var recording = Recording(Self.mixed, hasMeter: true)
        var lines: [UInt8] = []
        for (time_ms, server) in [(Int64(1_000), Microwatts?.none), (3_000, .watts(5_000)), (5_000, .mostOfDevice)] {
            let sample = Recording.Sample(
                time_ms: time_ms,
                devices: [reading(1, nil), reading(2, 3), reading(8_999_000_000, 9_000_000_000), reading(nil, nil)],
                server: server)
            _ = recording.add(sample)
            lines += RecordingFile.line(sample, hasMeter: true)
        }
        #expect(String(decoding: lines.prefix(49), as: UTF8.self) == "1970-01-01T00:00:01.000Z,1,,2,3,8999000000,900000")
        #expect(try RecordingFile.parse(text + lines) == RecordingFile.Content(recording: recording))
    }

    @Test("a recording of before other devices were recorded is read, and one of now behind it is of the same packages")
    func former() throws {
        let former = """
            # powercap-controller record, format 1
            # package-0 reference_uw=205000000 floor_uw=10000000 ceiling_uw=250000000 original_uw=205000000
            # package-1-die-2 reference_uw=165000000 floor_uw=10000000 ceiling_uw=165000000 fixed_uw=165000000
            time,package-0_power_uw,package-0_limit_uw,package-1-die-2_power_uw,package-1-die-2_limit_uw
            2026-06-21T12:00:02.000Z,1,2,3,4

            """
        let content = try parse(former + Self.head + "2026-06-21T12:00:04.000Z,5,6,7,8\n")
        #expect(content.recording.devices == Self.devices)
        #expect(content.recording.samples.count == 2)
    }

    @Test(
        "P11: a device that can't be used is refused, with the line",
        arguments: [
            "amdgpu:0 reference_uw=1 floor_uw=1 ceiling_uw=2", "power_meter:0 kind=server reference_uw=1 floor_uw=1 ceiling_uw=2",
            "amdgpu:0 kind=fan reference_uw=1 floor_uw=1 ceiling_uw=2",
            "amdgpu:0 kind=gpu reference_uw=1 floor_uw=1 ceiling_uw=2 step_uw=0",
            "amdgpu:0 kind=gpu reference_uw=1 floor_uw=1 ceiling_uw=1000000000001",
            "amdgpu%2 kind=gpu reference_uw=1 floor_uw=1 ceiling_uw=2",
            "amdgpu%FF kind=gpu reference_uw=1 floor_uw=1 ceiling_uw=2",
            "package-0 kind=package reference_uw=1 floor_uw=1 ceiling_uw=4095875001",
            "amdgpu:0 kind=gpu floor_uw=1 ceiling_uw=2",
        ])
    func unusable(_ device: String) {
        #expect(throws: RecordingProblem.line(2, .noDevice("# \(device)"))) {
            try parse("# powercap-controller record, format 1\n# \(device)\n")
        }
    }

    @Test("P11: a device that is described twice is refused, and so is a sample without the server's field")
    func twice() {
        let device = "# amdgpu:0 kind=gpu reference_uw=1 floor_uw=1 ceiling_uw=2\n"
        #expect(throws: RecordingProblem.line(3, .sameDevice("amdgpu:0"))) {
            try parse("# powercap-controller record, format 1\n" + device + device)
        }
        let head =
            "# powercap-controller record, format 1\n" + device + "time,amdgpu:0_power_uw,amdgpu:0_limit_uw,server_power_uw\n"
        #expect(throws: RecordingProblem.line(4, .fields(3, expected: 4))) { try parse(head + "2026-06-21T12:00:02.000Z,1,2\n") }
        #expect(throws: RecordingProblem.line(4, .noPower("1000000000001"))) {
            try parse(head + "2026-06-21T12:00:02.000Z,1,2,1000000000001\n")
        }
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
