import Foundation
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// `run` with limits that take their time.
@Suite(.waiting)
struct ShapedRunTests {
    private static let long = "intel-rapl:0/long_term"
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/source.csv"
    }

    private func put(_ text: String) throws { try text.write(toFile: path, atomically: false, encoding: .utf8) }

    /// With an hour between decisions: what happens at once happens for another reason.
    private func run(_ mock: Mock, _ environment: [String: String]) throws -> RunningController {
        let own = ["STABILISATION_TIME": "1h", "TIMEZONE": "UTC", "CONTROL_SOCKET": "\(directory.path)/control.sock"]
        return try RunningController(mock.socket, own.merging(environment) { $1 })
    }

    private func applied(_ mock: Mock) throws -> Microwatts { try #require(try mock.nextApply().limits[Self.long]) }

    @Test(
        "a limit on its way is written again and again until it is there; its beginning and its end are told, and explain says why"
    )
    func ramp() throws {
        try put("00:00-24:00,80W\n")
        let mock = try Mock(devices: 1)
        let controller = try run(mock, ["SOURCE": "schedule", "SCHEDULE_FILE": path, "MAX_SOURCE": "200W", "RAMP_UP": "10W/s"])
        #expect(try applied(mock) == .watts(80))
        try put("00:00-24:00,160W\n")
        let begun = try controller.next("the limit is on its way")
        #expect(begun["from_uw"] == "80000000" && begun["to_uw"] == "160000000" && begun["why"] == "RAMP_UP")
        let explained = try Executable.run(["explain", "--control-socket", "\(directory.path)/control.sock"]).output
            .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
        #expect(explained.contains("on its way up to 160 W by 10 W each second (RAMP_UP), there at "), "\(explained)")
        var limits = [Microwatts.watts(80)]
        while limits.last != .watts(160) { limits.append(try applied(mock)) }
        // A slow machine may leave some out, and none is there in two.
        #expect(limits.count > 3 && limits == limits.sorted() && Set(limits).count == limits.count, "\(limits)")
        while try controller.next("limit changed", of: "package-0", "long_term")["in_force_uw"] != "160000000" {}
        let told = controller.log.filter {
            $0.message == "limit changed" && $0.level == "info" && $0["constraint"] == "long_term"
        }
        #expect(told.map { $0["in_force_uw"] } == ["80000000", "160000000"])
        #expect(controller.count("the limit is on its way") == 1)
        // A fall is at once.
        try put("00:00-24:00,60W\n")
        #expect(try applied(mock) == .watts(60))
        #expect(try controller.stop() == 0)
    }

    @Test("a fall that the file foretells is written before it happens")
    func lookAhead() throws {
        let fall = Int64(Date().timeIntervalSince1970) + 8
        try put("\(Timestamps.text(fall - 3_600)),160W\n\(Timestamps.text(fall)),60W\n\(Timestamps.text(fall + 3_600)),60W\n")
        let mock = try Mock(devices: 1)
        let controller = try run(
            mock, ["SOURCE": "series", "SERIES_FILE": path, "MAX_SOURCE": "200W", "LOOK_AHEAD": "5s"])
        #expect(try applied(mock) == .watts(160))
        #expect(try applied(mock) == .watts(60))
        #expect(Int64(Date().timeIntervalSince1970) < fall)
        #expect(try controller.stop() == 0)
    }
}
