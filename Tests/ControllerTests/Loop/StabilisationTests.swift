import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

/// A source that moves by watts every second: the solar curve in the morning, with a peak of 32 kW over eight packages. The
/// time zone is one in which it is between 07:00 and 09:00 now.
@Suite(.waiting)
struct StabilisationTests {
    private static let devices = (0..<8).map { ScriptedPackage(number: $0, original: 4_000, maxPower: 4_000, shortTerm: nil) }

    private static func environment(_ changes: [String: String]) -> [String: String] {
        let hour = (Clock.wall.seconds / 3_600) % 24
        // Etc/GMT-3 is three hours east of Greenwich.
        let east = (7 - hour + 36) % 24 - 12
        let zone = east == 0 ? "UTC" : "Etc/GMT\(east > 0 ? "-" : "+")\(abs(east))"
        return ["SOURCE": "solar", "MAX_SOURCE": "32kW", "ALPHA": "1", "TIMEZONE": zone].merging(changes) { $1 }
    }

    @Test("every STABILISATION_TIME there is a decision: limits follow the source, and are at most what it gives")
    func follows() throws {
        let mock = try Mock(Self.devices)
        let controller = try RunningController(
            mock.socket, Self.environment(["STABILISATION_TIME": "1s", "SAMPLE_INTERVAL": "1h"]))
        for _ in 0..<3 { try mock.next("Apply") }
        #expect(try controller.stop() == 0)
        var limits: [String: UInt64] = [:]
        var sources: [UInt64] = []
        for line in controller.log where line.message == "limit changed" {
            let source = try #require(UInt64(line["source_uw"]!))
            if sources.last != source {
                #expect(limits.values.reduce(0, +) <= sources.last ?? 0)
                sources.append(source)
            }
            limits[line["device"]!] = UInt64(line["in_force_uw"]!)
        }
        #expect(limits.count == 8)
        #expect(sources.count >= 3)
        #expect(sources == sources.sorted())
    }

    @Test("within STABILISATION_TIME the limits stay, and a limit that drifted is set to what it was")
    func stays() throws {
        let mock = try Mock(Self.devices)
        let controller = try RunningController(mock.socket, Self.environment(["STABILISATION_TIME": "1h"]))
        let first = try mock.nextApply().limits
        for _ in 0..<3 { try mock.next("ReadSample") }
        #expect(try mock.batches().count == 1)
        try mock.tell("set intel-rapl:3 long_term 1W")
        let again = try mock.nextApply()
        #expect(again.limits == ["intel-rapl:3/long_term": first["intel-rapl:3/long_term"]])
        #expect(try controller.stop() == 0)
    }
}
