import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// `run` with a source that goes by a file, which somebody changes meanwhile.
@Suite(.waiting)
struct FollowedFileTests {
    private static let long = "intel-rapl:0/long_term"
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/week.csv"
        try put("00:00-24:00,80W\n")
    }

    private func put(_ text: String) throws { try text.write(toFile: path, atomically: false, encoding: .utf8) }

    /// With an hour between decisions: what happens at once happens for the file's sake.
    private func run(_ mock: Mock, _ environment: [String: String] = [:]) throws -> RunningController {
        let own = ["SOURCE": "schedule", "SCHEDULE_FILE": path, "STABILISATION_TIME": "1h", "TIMEZONE": "UTC"]
        return try RunningController(mock.socket, own.merging(environment) { $1 })
    }

    private func expect(_ watts: UInt64, _ mock: Mock, _ location: SourceLocation = #_sourceLocation) throws {
        #expect(try mock.nextApply().limits[Self.long] == .watts(watts), sourceLocation: location)
    }

    @Test("a file that is written anew, or replaced by another of its name, is followed at once")
    func replaced() throws {
        let mock = try Mock(devices: 1)
        let controller = try run(mock)
        try expect(80, mock)
        try put("00:00-24:00,60W\n")
        try expect(60, mock)
        let other = "\(directory.path)/.week.csv.new"
        try "00:00-24:00,70W\n".write(toFile: other, atomically: false, encoding: .utf8)
        try rename(other, to: path)
        try expect(70, mock)
        #expect(controller.count("the source's file can't be used: what it said before is") == 0)
        #expect(try controller.stop() == 0)
    }

    @Test("a ConfigMap's volume, whose directory is exchanged behind a link, is followed at once")
    func configMap() throws {
        let manager = FileManager.default
        let volume = "\(directory.path)/volume"
        for (version, watts) in [("..1", 80), ("..2", 60)] {
            try manager.createDirectory(atPath: "\(volume)/\(version)", withIntermediateDirectories: true)
            try "00:00-24:00,\(watts)W\n".write(toFile: "\(volume)/\(version)/week.csv", atomically: false, encoding: .utf8)
        }
        try manager.createSymbolicLink(atPath: "\(volume)/..data", withDestinationPath: "..1")
        try manager.createSymbolicLink(atPath: "\(volume)/week.csv", withDestinationPath: "..data/week.csv")
        let mock = try Mock(devices: 1)
        let controller = try run(mock, ["SCHEDULE_FILE": "\(volume)/week.csv"])
        try expect(80, mock)
        try manager.createSymbolicLink(atPath: "\(volume)/..data_tmp", withDestinationPath: "..2")
        try rename("\(volume)/..data_tmp", to: "\(volume)/..data")
        try expect(60, mock)
        #expect(try controller.stop() == 0)
    }

    @Test("P16: a garbled file changes no limit and is told once with its line; what it says when it is mended is followed")
    func garbled() throws {
        let mock = try Mock(devices: 1)
        let control = "\(directory.path)/control.sock"
        let controller = try run(mock, ["CONTROL_SOCKET": control])
        try expect(80, mock)
        try put("00:00-24:00,90W\n08:00-18:00,95W\n")
        let told = try controller.next("the source's file can't be used: what it said before is")
        #expect(told.level == "error")
        #expect(told["why"] == "has a mistake in line 2: it is at the same time as line 1: write periods that don't overlap")
        #expect(try mock.limits()[Self.long] == .watts(80))
        let explained = try Executable.run(["explain", "--control-socket", control]).output
            .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
        #expect(explained.contains("Of the source, what it said before is followed: \(path) has a mistake in line 2"))
        // The same mistake again.
        try put("00:00-24:00,99W\n08:00-18:00,95W\n")
        try put("00:00-24:00,50W\n")
        try controller.next("the source's file can be used again")
        try expect(50, mock)
        #expect(controller.count(told.message) == 1)
        #expect(!(try Executable.run(["explain", "--control-socket", control]).output.contains("Of the source")))
        #expect(try controller.stop() == 0)
    }

    @Test("P16: a file that is gone is followed until it is stale; then the floor holds, until it is back")
    func deleted() throws {
        let mock = try Mock(devices: 1)
        let control = "\(directory.path)/control.sock"
        let controller = try run(mock, ["STALE_AFTER": "2s", "CONTROL_SOCKET": control])
        try expect(80, mock)
        try FileManager.default.removeItem(atPath: path)
        let gone = try controller.next("the source's file can't be used: what it said before is")
        #expect(gone["why"] == "does not exist: give a file that is there, or put it there")
        #expect(try mock.limits()[Self.long] == .watts(80))
        try expect(10, mock)
        let stale = try controller.next("the source says nothing of the moment")
        #expect(stale["why"] == "The source's file could not be read for 2 s: the floor holds")
        let status = try Executable.run(["status", "-o", "json", "--control-socket", control]).output
        #expect(status.contains("\"reason\":\"SourceStale\"") && status.contains("\"lack\":\"outdated\""))
        try put("00:00-24:00,90W\n")
        try expect(90, mock)
        try controller.next("the source says something again")
        #expect(try controller.stop() == 0)
    }

    @Test(
        "P16: ON_STALE's power holds only where the last good value wasn't less",
        arguments: [("hold", 80), ("30W", 30), ("95W", 80)])
    func onStale(_ onStale: String, _ watts: UInt64) throws {
        let mock = try Mock(devices: 1)
        let controller = try run(mock, ["STALE_AFTER": "0", "ON_STALE": onStale])
        try expect(80, mock)
        try FileManager.default.removeItem(atPath: path)
        try controller.next("the source says nothing of the moment")
        if watts != 80 { try expect(watts, mock) }
        #expect(try mock.limits()[Self.long] == .watts(watts))
        #expect(try controller.stop() == 0)
    }

    @Test("a directory that goes away and comes back is followed again by the next decision")
    func directoryGone() throws {
        let mock = try Mock(devices: 1)
        let volume = "\(directory.path)/volume"
        let file = "\(volume)/week.csv"
        func fill(_ watts: Int) throws {
            try FileManager.default.createDirectory(atPath: volume, withIntermediateDirectories: false)
            try "00:00-24:00,\(watts)W\n".write(toFile: file, atomically: false, encoding: .utf8)
        }
        try fill(80)
        let controller = try run(mock, ["SCHEDULE_FILE": file, "STABILISATION_TIME": "1s"])
        try expect(80, mock)
        try rename(volume, to: "\(directory.path)/aside")
        try controller.next("the source's file can't be used: what it said before is")
        try fill(60)
        try expect(60, mock)
        #expect(try controller.stop() == 0)
    }

    @Test("P11: a file that isn't there, or isn't right, is refused at start with status 2, and nothing is written")
    func refused() throws {
        let mock = try Mock(devices: 1)
        for (file, sentence) in [
            ("\(path).none", "does not exist: give a file that is there, or put it there"),
            (
                directory.path,
                "is a directory without a file of today or of a day before: give a file, or put files into it whose names end in their "
                    + "day, such as epex_data_2026-06-16.csv"
            ),
        ] {
            let environment = ["SOURCE": "schedule", "SCHEDULE_FILE": file, "MAX_SOURCE": "100W", "KUBERNETES": "off"]
            for command in ["run", "validate", "plan"] {
                let flags =
                    command == "plan" ? ["--assume-packages=1"] : command == "run" ? ["--helper-socket", mock.socket] : []
                let outcome = try Executable.run([command] + flags, environment: environment)
                #expect(outcome.status == 2)
                #expect(outcome.errorLine == "powercap-controller: SCHEDULE_FILE=\"\(file)\" \(sentence)")
            }
        }
        #expect(mock.requests.isEmpty)
    }

    @Test("a series' steps decide at once, and when it is over its last value holds until it is stale")
    func series() throws {
        let mock = try Mock(devices: 1)
        let now = Int64(Date.now.timeIntervalSince1970)
        // Over 6 s after now, stale 2 s later.
        try put("\(Timestamps.text(now - 2)),80W\n\(Timestamps.text(now + 2)),70W\n")
        let controller = try run(mock, ["SOURCE": "series", "SERIES_FILE": path, "SCHEDULE_FILE": "", "STALE_AFTER": "2s"])
        try expect(80, mock)
        try expect(70, mock)
        let over = try controller.next("the source says nothing of the moment")
        #expect(over["why"] == "The source's last value is over: the last value, 70 W, holds until it is 2 s old")
        #expect(try mock.limits()[Self.long] == .watts(70))
        try expect(10, mock)
        #expect(Int64(Date.now.timeIntervalSince1970) >= now + 7)
        #expect(try controller.stop() == 0)
    }
}
