import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// P12 as the helper sees it.
@Suite(.waiting)
struct DriftTests {
    private static let warning = "another party changed a limit"

    @Test(
        "P12: a limit that another party changed is told and set again after the next sample",
        arguments: ["long_term", "short_term"])
    func reasserted(_ constraint: String) throws {
        let mock = try Mock(devices: 2)
        let controller = try RunningController(mock.socket)
        try mock.next("Apply")
        try mock.tell("set intel-rapl:1 \(constraint) 150W")
        try mock.next("ReadSample")
        #expect(try mock.nextApply().limits == ["intel-rapl:1/\(constraint)": .watts(50)])
        #expect(mock.requests(after: "done set intel-rapl:1 \(constraint) 150W") == ["ReadSample", "Apply"])
        let warning = try controller.next(Self.warning)
        #expect(warning.level == "warning")
        #expect(warning["device"] == "package-1")
        #expect(warning["constraint"] == constraint)
        #expect(warning["from_uw"] == "50000000")
        #expect(warning["found_uw"] == "150000000")
        #expect(warning["action"] == "reassert")
        try mock.next("ReadSample")
        try mock.next("ReadSample")
        #expect(try mock.batches().count == 2)
        #expect(controller.count(Self.warning) == 1)
        #expect(try controller.stop() == 0)
    }

    @Test("P12: with ON_DRIFT=leave another party's limit stays, and the others divide what it leaves, each time it moves")
    func left() throws {
        let mock = try Mock(devices: 2)
        let controller = try RunningController(mock.socket, ["ON_DRIFT": "leave", "STABILISATION_TIME": "1h"])
        try mock.next("Apply")
        for (power, rest) in [(70, 30), (60, 40)] as [(UInt64, UInt64)] {
            try mock.tell("set intel-rapl:0 long_term \(power)W")
            let batch = try mock.nextApply()
            #expect(batch.limits == ["intel-rapl:1/long_term": .watts(rest), "intel-rapl:1/short_term": .watts(rest)])
            #expect(mock.requests(after: "done set intel-rapl:0 long_term \(power)W") == ["ReadSample", "Apply"])
            let warning = try controller.next(Self.warning)
            #expect(warning["action"] == "leave")
            #expect(warning["found_uw"] == "\(power)000000")
        }
        #expect(try controller.stop() == 0)
        #expect(try mock.limits()["intel-rapl:0/long_term"] == .watts(60), "what another party set isn't restored over")
    }

    @Test("P8: when a limit that firmware has locked moves, the others divide what it leaves now")
    func lockedMoves() throws {
        let mock = try Mock([ScriptedPackage(number: 0, original: 70, isLocked: true), ScriptedPackage(number: 1)])
        let controller = try RunningController(mock.socket)
        try mock.next("Apply")
        try mock.tell("set intel-rapl:0 long_term 85W")
        #expect(try mock.nextApply().limits["intel-rapl:1/long_term"] == .watts(15))
        let warning = try controller.next(Self.warning)
        #expect(warning["device"] == "package-0")
        #expect(warning["action"] == "leave", "it can't be set again")
        #expect(try controller.stop() == 0)
    }

    @Test("P8: when a limit that was refused moves, the others divide what it leaves now")
    func refusedMoves() throws {
        let mock = try Mock(
            [ScriptedPackage(number: 0, original: 70), ScriptedPackage(number: 1)], "fail intel-rapl:0 long_term refused 5\n")
        let controller = try RunningController(mock.socket)
        try mock.next("Apply")
        #expect(try mock.nextApply().limits["intel-rapl:1/long_term"] == .watts(30))
        try mock.tell("set intel-rapl:0 long_term 85W")
        #expect(try mock.nextApply().limits["intel-rapl:1/long_term"] == .watts(15))
        #expect(try controller.stop() == 0)
    }

    @Test("a register that rounds more coarsely than the controller is no drift")
    func rounding() throws {
        let mock = try Mock(
            "zone intel-rapl:0 package-0\nconstraint intel-rapl:0 long_term 200W step=500mW\n"
                + "constraint intel-rapl:0 short_term 240W index=1 step=500mW\n")
        let controller = try RunningController(mock.socket, ["MAX_SOURCE": "100375mW"])
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == Microwatts(100_375_000))
        let changed = try controller.next("limit changed", of: "package-0", "long_term")
        #expect(changed["asked_uw"] == "100375000")
        #expect(changed["in_force_uw"] == "100000000")
        for _ in 0..<2 { try mock.next("ReadSample") }
        #expect(try controller.stop() == 0)
        #expect(try mock.batches().count == 1)
        #expect(controller.count(Self.warning) == 0)
    }

    @Test("a limit that can't be read is told once and is no drift; what it is afterwards is compared again")
    func unreadable() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket)
        try mock.next("Apply")
        try mock.tell("unreadable intel-rapl:0 long_term 61")
        let warning = try controller.next("limit can't be read: whether another party changes it isn't known until it can")
        #expect(warning.level == "warning")
        #expect(warning["device"] == "package-0")
        #expect(warning["constraint"] == "long_term")
        #expect(warning["errno"] == "ENODATA")
        for _ in 0..<2 { try mock.next("ReadSample") }
        try mock.tell("unreadable intel-rapl:0 long_term 0")
        try controller.next("limit can be read again")
        #expect(controller.count(warning.message) == 1)
        #expect(controller.count(Self.warning) == 0)
        try mock.tell("unreadable intel-rapl:0 long_term 61")
        try controller.next(warning.message)
        try mock.tell("set intel-rapl:0 long_term 150W")
        try mock.tell("unreadable intel-rapl:0 long_term 0")
        #expect(try mock.nextApply().limits == ["intel-rapl:0/long_term": .watts(100)])
        #expect(try controller.next(Self.warning)["from_uw"] == "100000000")
        #expect(try controller.stop() == 0)
    }

    @Test("what can't be read is unknown in the log, not 0")
    func unknown() throws {
        let mock = try Mock(
            "zone intel-rapl:0 package-0\nconstraint intel-rapl:0 long_term 200W\nunreadable intel-rapl:0 long_term 61\n")
        let controller = try RunningController(mock.socket, ["LOG_LEVEL": "debug"])
        #expect(try controller.next("device")["in_force_uw"] == "unknown")
        let refusal = try controller.next("limit refused: the device keeps what it has, the others share the rest")
        #expect(refusal["in_force_uw"] == "unknown")
        #expect(refusal["why"] == "the limit can't be read, so it isn't changed (ENODATA)")
        #expect(try controller.next("sample")["power_uw"] == "unknown")
        #expect(try controller.stop() == 0)
    }

    @Test("with SHORT_TERM=untouched a short-term limit is anybody's")
    func untouched() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["SHORT_TERM": "untouched"])
        try mock.next("Apply")
        try mock.tell("set intel-rapl:0 short_term 150W")
        for _ in 0..<2 { try mock.next("ReadSample") }
        #expect(try controller.stop() == 0)
        #expect(try mock.batches().count == 1)
        #expect(controller.count(Self.warning) == 0)
        #expect(try mock.limits()["intel-rapl:0/short_term"] == .watts(150))
    }
}
