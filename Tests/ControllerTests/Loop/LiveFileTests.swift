import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// `run` with a live value beside its source.
@Suite(.waiting)
struct LiveFileTests {
    private static let long = "intel-rapl:0/long_term"
    private let directory: TemporaryDirectory
    private let path: String
    private let control: String

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/power"
        control = "\(directory.path)/control.sock"
    }

    private func put(_ text: String, age_s: Double = 0) throws {
        let other = "\(directory.path)/.new"
        try text.write(toFile: other, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.modificationDate: Date().addingTimeInterval(-age_s)], ofItemAtPath: other)
        try rename(other, to: path)
    }

    private func run(_ mock: Mock, _ environment: [String: String] = [:]) throws -> RunningController {
        let own = [
            "SOURCE": "static", "MAX_SOURCE": "160W", "STABILISATION_TIME": "1h", "LIVE_FILE": path, "LIVE_FOR": "1h",
            "CONTROL_SOCKET": control,
        ]
        return try RunningController(mock.socket, own.merging(environment) { $1 })
    }

    private func expect(_ watts: UInt64, _ mock: Mock, _ location: SourceLocation = #_sourceLocation) throws {
        #expect(try mock.nextApply().limits[Self.long] == .watts(watts), sourceLocation: location)
    }

    private func explained() throws -> String {
        try Executable.run(["explain", "--control-socket", control]).output
            .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
    }

    @Test("the live value is followed when it is written, and explain says by which of the two the node goes")
    func followed() throws {
        let mock = try Mock(devices: 1)
        let controller = try run(mock)
        try expect(160, mock)
        #expect(try explained().contains("That is the source's own, and no live value: \(path) does not exist"))
        try put("80W\n")
        try expect(80, mock)
        #expect(try explained().contains("That is the live value of \(path), written at "))
        try put("120.5 W")
        #expect(try mock.nextApply().limits[Self.long] == Microwatts(120_500_000))
        #expect(try controller.stop() == 0)
    }

    @Test("P16: a value that is older than LIVE_FOR, garbled, or above MAX_SOURCE isn't followed")
    func refused() throws {
        try put("80W", age_s: 7_200)
        let mock = try Mock(devices: 1)
        let controller = try run(mock)
        try expect(160, mock)
        #expect(try explained().contains("\(path) was last written at "))
        try put("a lot")
        let told = try controller.next("the live value can't be read: the source is gone by when it is over")
        #expect(told["why"]?.contains("value=\"a lot\" is not a power") == true)
        try put("161W")
        let above = try controller.next("the live value can't be read: the source is gone by when it is over")
        #expect(above["why"]?.contains("is above MAX_SOURCE, 160 W") == true)
        try put("90W")
        try controller.next("the live value can be read again")
        try expect(90, mock)
        #expect(try controller.stop() == 0)
    }

    @Test("when a live value is over the source is followed again")
    func over() throws {
        try put("80W")
        let mock = try Mock(devices: 1)
        let controller = try run(mock, ["LIVE_FOR": "5s"])
        try expect(80, mock)
        try expect(160, mock)
        #expect(try explained().contains("which is longer ago than LIVE_FOR"))
        #expect(try controller.stop() == 0)
    }

    @Test("of a document the value is where LIVE_VALUE says, and null is none")
    func document() throws {
        try put(#"{"Body":{"Data":{"Site":{"P_PV":94.25}}}}"#)
        let mock = try Mock(devices: 1)
        let controller = try run(mock, ["LIVE_VALUE": "$.Body.Data.Site.P_PV"])
        #expect(try mock.nextApply().limits[Self.long] == Microwatts(94_250_000))
        try put(#"{"Body":{"Data":{"Site":{"P_PV":null}}}}"#)
        try expect(160, mock)
        #expect(try controller.stop() == 0)
    }

    @Test(
        "P11: a live value that nothing could come of is refused",
        arguments: [
            (["LIVE_VALUE": "$.x"], "LIVE_VALUE=\"$.x\" has no effect, as neither LIVE_FILE nor LIVE_URL is set"),
            (
                ["LIVE_FILE": "/live", "SOURCE": "schedule", "SCHEDULE_FILE": "/file", "SIGNAL_MAP": "share"],
                "LIVE_FILE and SIGNAL_MAP contradict each other"
            ),
        ])
    func mistakes(_ environment: [String: String], _ words: String) {
        let error = #expect(throws: UsageError.self) { try Settings(flags: [:], environment: { environment[$0] }) }
        #expect(error?.sentence.contains(words) == true, "\(error?.sentence ?? "none")")
    }
}
