import Foundation
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// The mock itself: tests are worth what it is worth.
@Suite(.waiting)
struct MockHelperTests {
    @Test(
        "a mistake in a script ends the mock with status 2 and the line's number",
        arguments: [
            ("nonsense", "nonsense is not a statement; MockHelper --help lists them"),
            ("zone intel-rapl:9", "the zone's name is missing: zone ID NAME"),
            ("zone intel-rapl:0 package-0", "there is a zone of this id"),
            ("zone intel-rapl:9 package-9 parent=intel-rapl:7", "there is no zone intel-rapl:7"),
            ("zone intel-rapl:9 package-9 watts=9", "watts=9 is not understood; here go parent, type"),
            ("constraint intel-rapl:9 long_term 9W", "there is no zone intel-rapl:9"),
            ("constraint intel-rapl:0 long_term 9W", "the zone has a constraint of this name or index"),
            ("constraint intel-rapl:0 other 9", "the zone has a constraint of this name or index"),
            ("set intel-rapl:0 long_term 9X", "the limit is a power such as 45W or 45000000, not 9X: set ID CONSTRAINT POWER"),
            ("set intel-rapl:0 peak_power 9W", "the zone has no constraint peak_power"),
            ("before Apply 0 silence", "the next request is number 1: before REQUEST"),
            ("before Apply -1 silence", "the number is a number from 0 to 18446744073709551615, not -1"),
            ("before Applied 1 silence", "Applied is not the name of a request"),
            ("before Apply 1 shout", "shout is not a fault"),
            ("before Apply 1 silence now", "now is one word too many"),
            ("before Apply 1 error badLuck", "badLuck is not the name of an error"),
            ("before Apply 1 refuse-version", "only a Hello is refused"),
            ("order intel-rapl:0 intel-rapl:0", "every zone has to be named once"),
            ("lease 2000 1000", "the minimum is 1 to the maximum, not 2000"),
            ("fail intel-rapl:0 long_term loudly", "what happens is refused or ignored or no, not loudly"),
        ])
    func badScript(_ line: String, _ sentence: String) throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/script"
        try "# a mistake on line 5\n\(ScriptedPackage().lines)\(line)\n".write(toFile: path, atomically: true, encoding: .utf8)
        let child = try Child("MockHelper", ["\(directory.path)/socket", path], reading: .errors)
        #expect(try child.exitStatus() == 2)
        #expect(child.lines.count == 1)
        #expect(child.lines.first?.hasPrefix("MockHelper: \(path):5: \(sentence)") == true, "\(child.lines)")
    }

    @Test("it keeps what the protocol promises of limits: whole steps, floors, ceilings, batches, originals, tokens")
    func keepsPromises() throws {
        let mock = try Mock([ScriptedPackage(number: 0, original: 150, maxPower: 200, floor: 5)])
        let client = try HelperClient(connecting: mock.socket)
        let control = try client.acquire(lease_ms: 1, previousToken: 7)
        #expect(control == Control(token: 1, lease_ms: 1_000, resumed: false))
        func apply(_ limits: [(UInt8, UInt64)], token: UInt64 = 1) -> Result<[Microwatts], HelperError> {
            let items = limits.map { ApplyItem(zone: 0, constraint: $0.0, limit: Microwatts($0.1)) }
            do throws(HelperError) { return .success(try client.apply(items, token: token).map(\.effective)) } catch {
                return .failure(error)
            }
        }
        func failure(_ code: ErrorCode, item: UInt16?) -> Result<[Microwatts], HelperError> {
            .failure(.failed(Failure(code, item: item)))
        }
        #expect(apply([(0, 72_500_001)]) == .success([Microwatts(72_500_000)]))
        #expect(apply([(0, 60_000_000), (1, 4_999_999)]) == failure(.belowFloor, item: 1))
        #expect(apply([(0, 200_000_001)]) == failure(.aboveCeiling, item: 0))
        #expect(apply([(0, 60_000_000), (0, 60_000_000)]) == failure(.duplicateItem, item: 1))
        #expect(apply([(2, 60_000_000)]) == failure(.unknownConstraint, item: 0))
        #expect(apply([(0, 60_000_000)], token: 2) == failure(.notInControl, item: nil))
        try mock.tell("fail intel-rapl:0 short_term refused 5")
        #expect(
            apply([(0, 60_000_000), (1, 60_000_000)]) == .failure(.failed(Failure(.writeFailed, errno: 5, item: 1))))
        #expect(try mock.limits()["intel-rapl:0/long_term"] == Microwatts(72_500_000), "a batch is applied whole or not at all")
        let constraint = try client.zones().zones[0].constraints[0]
        #expect(constraint.original == .watts(150))
        #expect(constraint.requested == Microwatts(72_500_001))
        #expect(constraint.flags == [.originalKnown, .hasTimeWindow, .changed])
        #expect(try client.release(1, .restore) == Released(restored: 1))
        #expect(try mock.limits()["intel-rapl:0/long_term"] == .watts(150))
    }

    @Test("a second client is kept out until the first one's lease or connection is over")
    func oneController() throws {
        let mock = try Mock(devices: 1)
        var first: HelperClient? = try HelperClient(connecting: mock.socket)
        let second = try HelperClient(connecting: mock.socket)
        #expect(try first?.acquire(lease_ms: 30_000, previousToken: 0).token == 1)
        #expect(throws: HelperError.failed(Failure(.controlHeld))) { try second.acquire(lease_ms: 30_000, previousToken: 0) }
        first = nil
        try mock.next("closed")
        #expect(try second.acquire(lease_ms: 30_000, previousToken: 0) == Control(token: 2, lease_ms: 30_000, resumed: false))
    }

    @Test("--help explains every statement")
    func help() throws {
        let child = try Child("MockHelper", ["--help"], reading: .output)
        #expect(try child.exitStatus() == 0)
        for statement in ["zone", "constraint", "before", "set", "gone", "enabled", "expire", "restart", "show"] {
            #expect(child.lines.contains { $0.hasPrefix("  \(statement)") })
        }
    }
}
