import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// What is said must be so: by the programs as they run.
@Suite(.waiting)
struct TruthTests {
    /// A package whose `intel-rapl-mmio` holds 45 W.
    private static func mmio(first isFirst: Bool = false) -> String {
        let msr = "zone intel-rapl:0 package-0\nconstraint intel-rapl:0 long_term 175W max=55W\n"
        let mmio = "zone intel-rapl-mmio:0 package-0 type=intel-rapl-mmio\nconstraint intel-rapl-mmio:0 long_term 45W max=55W\n"
        return isFirst ? mmio + msr : msr + mmio
    }

    private func run(_ command: String..., socket: String, environment: [String: String] = [:]) throws -> Executable.Outcome {
        try Executable.run(command + ["--helper-socket", socket], environment: environment)
    }

    @Test(
        "P13: where intel-rapl-mmio holds less, log, status and check say so, in whatever order they are found",
        arguments: [false, true])
    func lowerRegister(_ isFirst: Bool) throws {
        let mock = try Mock(Self.mmio(first: isFirst))
        let controller = try RunningController(mock.socket, ["MAX_SOURCE": "110W"])
        #expect(try controller.next("limit changed")["in_force_uw"] == "45000000")
        let lower = try controller.next("another register holds the device at less: the lowest is in force")
        #expect(lower["held_by"] == "intel-rapl-mmio")
        #expect(lower["in_force_uw"] == "45000000")
        let status = try run("status", socket: mock.socket)
        #expect(status.output.contains("long_term                  175.000    110.000    110.000     45.000\n"))
        #expect(status.output.contains("    intel-rapl-mmio holds it at 45 W\n"))
        let check = try run("check", socket: mock.socket)
        #expect(check.status == 0)
        #expect(check.errorLine == "powercap-controller: package-0: intel-rapl-mmio holds it at 45 W")
        // P12: what the other register does is seen, and not touched.
        try mock.tell("unreadable intel-rapl-mmio:0 long_term 61")
        let unknown = try run("status", socket: mock.socket)
        #expect(unknown.output.contains("the limit of intel-rapl-mmio can't be read (ENODATA), and might be the"))
        try mock.tell("unreadable intel-rapl-mmio:0 long_term 0")
        try mock.tell("set intel-rapl-mmio:0 long_term 200W")
        try controller.next("no other register holds the device at less any more")
        #expect(controller.count(lower.message) == 1)
        #expect(try controller.stop() == 0)
        #expect(try mock.limits()["intel-rapl-mmio:0/long_term"] == .watts(200))
    }

    @Test("a package that is locked is never called disabled, and check fails where all are")
    func locked() throws {
        let mock = try Mock(
            [ScriptedPackage(number: 0), ScriptedPackage(number: 1)],
            "enabled intel-rapl:0 no\nenabled intel-rapl:1 no\nfail intel-rapl:0 long_term refused 61\n"
                + "fail intel-rapl:0 short_term refused 61\nfail intel-rapl:1 long_term refused 61\n"
                + "fail intel-rapl:1 short_term refused 61\n")
        let controller = try RunningController(mock.socket)
        for _ in 0..<2 {
            let refused = try controller.next("limit refused: the device keeps what it has, the others share the rest")
            #expect(refused["why"]?.hasPrefix("the register is locked") == true)
        }
        for _ in 0..<2 { try mock.next("ReadSample") }
        let check = try run("check", socket: mock.socket)
        #expect(check.status == 1)
        #expect(
            check.errorLine
                == "powercap-controller: no limit of this node is in force as asked: package-0: locked: its driver refuses every "
                + "limit, as firmware has set it; package-1: locked: its driver refuses every limit, as firmware has set it")
        let status = try run("status", socket: mock.socket).output
        #expect(status.contains("    locked: its driver refuses every limit, as firmware has set it\n"))
        #expect(!status.contains("disabled"))
        #expect(try controller.stop() == 0)
        #expect(!controller.log.contains { $0.message.contains("enforced") || $0.message.contains("floors") })
    }

    @Test("a zone that is disabled fails the check, and is said with what to do")
    func disabled() throws {
        let mock = try Mock(devices: 1, "enabled intel-rapl:0 no\n")
        let controller = try RunningController(mock.socket)
        try controller.next("zone disabled: its limits are not enforced until somebody writes 1 to its file `enabled`")
        let check = try run("check", socket: mock.socket)
        #expect(check.status == 1)
        #expect(
            check.errorLine
                == "powercap-controller: package-0 is disabled: its limits are set but not enforced until somebody writes 1 to "
                + "its file `enabled`")
        #expect(try controller.stop() == 0)
    }

    @Test("a ceiling below the helper's floor is said with both, in log, status, check and plan")
    func ceilingBelowFloor() throws {
        let mock = try Mock(
            "minimum 10W\nzone intel-rapl:0 package-0\nconstraint intel-rapl:0 long_term 6W max=6W obstacle=ceilingBelowFloor\n")
        let why = "its ceiling, 6 W, is below the helper's floor, 10 W (--min-power)"
        let controller = try RunningController(mock.socket, ["MAX_SOURCE": "20W"])
        let line = try controller.next("device not governed: it keeps what it has, the others share the rest")
        #expect(line.level == "warning")
        #expect(line["why"] == why)
        let status = try run("status", socket: mock.socket).output
        #expect(status.split(whereSeparator: \.isWhitespace).joined(separator: " ").contains("not governed: \(why)"))
        #expect(status.split(separator: "\n").allSatisfy { $0.count <= 80 })
        let check = try run("check", socket: mock.socket)
        #expect(check.status == 1)
        #expect(
            check.errorLine == "powercap-controller: no limit of this node is in force as asked: package-0: not governed: \(why)")
        let plan = try run("plan", "--max-source", "20W", socket: mock.socket)
        #expect(plan.status == 0)
        #expect(
            plan.errorLine
                == "powercap-controller: package-0 is not governed: \(why). It keeps what it has, and the others share the rest")
        #expect(try controller.stop() == 0)
        #expect(!controller.log.contains { $0.message.contains("locked") || $0.message.contains("floors") })
    }

    @Test(
        "a package that isn't governed is told with its own reason, in log, status and check",
        arguments: Obstacle.allCases.filter { !$0.takesLimits && ![.writesRefused, .zoneGone, .ceilingBelowFloor].contains($0) })
    func obstacles(_ obstacle: Obstacle) throws {
        let why = "\(obstacle.explanation)"
        let mock = try Mock(
            "zone intel-rapl:0 package-0\nconstraint intel-rapl:0 long_term 90W obstacle=\(obstacle.name)\n"
                + ScriptedPackage(number: 1).lines)
        let controller = try RunningController(mock.socket, ["MAX_SOURCE": "200W"])
        let line = try controller.next("device not governed: it keeps what it has, the others share the rest")
        #expect(line.level == "warning" && line["device"] == "package-0" && line["why"] == why)
        try controller.next("limit changed", of: "package-1", "long_term")
        let status = try run("status", socket: mock.socket).output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(status.contains("not governed: \(why)"))
        let check = try run("check", socket: mock.socket)
        #expect(check.status == 0 && check.errorLine == "powercap-controller: package-0: not governed: \(why)")
        #expect(try controller.stop() == 0)
        #expect(!controller.log.contains { $0.message.contains("locked") || $0.message.contains("disabled") })
    }

    @Test("a counter that can't be read is told in status with why, and one that isn't there isn't")
    func energy() throws {
        let mock = try Mock(
            "zone intel-rapl:0 package-0 energy_errno=13\nconstraint intel-rapl:0 long_term 90W\n"
                + "zone intel-rapl:1 package-1\nconstraint intel-rapl:1 long_term 90W\nzone intel-rapl:2 package-2 energy_errno=5\n"
        )
        let rows = try run("status", socket: mock.socket).output.split(separator: "\n").filter { $0.hasPrefix("package-") }
        #expect(
            rows.map { $0.split(separator: " ").map(String.init) } == [
                ["package-0", "EACCES"], ["package-1", "-"], ["package-2", "EIO"],
            ])
        let json = try Executable.run(["status", "-o", "json", "--helper-socket", mock.socket]).output
        for error in ["EACCES", "ENOENT", "EIO"] { #expect(json.contains("\"power_uw\":null,\"energy_error\":\"\(error)\"")) }
    }

    @Test("a helper's floor above RAPL_MIN_POWER is said once, and status shows it")
    func floors() throws {
        let mock = try Mock(devices: 1, "minimum 10W\n")
        let controller = try RunningController(mock.socket, ["RAPL_MIN_POWER": "5W"])
        let line = try controller.next("RAPL_MIN_POWER is below the helper's floor (--min-power), which counts")
        #expect(line["rapl_min_power_uw"] == "5000000" && line["min_power_uw"] == "10000000")
        try mock.tell("restart")
        try mock.next("Apply")
        let status = try run("status", socket: mock.socket, environment: ["RAPL_MIN_POWER": "5W"]).output
        #expect(status.contains("floor    10 W (the helper's --min-power), above RAPL_MIN_POWER, 5 W: it counts\n"))
        #expect(try controller.stop() == 0)
        #expect(controller.count(line.message) == 1)
    }

    @Test("zones that come back with a lower ceiling don't end a controller that ran: it is said, and their ceiling holds")
    func misfit() throws {
        let mock = try Mock(
            "zone intel-rapl:0 package-0\nconstraint intel-rapl:0 long_term 200W\n")
        let controller = try RunningController(mock.socket, ["RAPL_MIN_POWER": "50W"])
        try mock.next("Apply")
        try mock.tell("set intel-rapl:0 long_term 30W")
        try mock.tell("stop")
        try mock.tell("ceiling intel-rapl:0 long_term 30W")
        try mock.tell("listen")
        let line = try controller.next("the configuration doesn't fit the zones any more: their ceilings hold")
        #expect(line.level == "warning")
        #expect(line["why"] == "RAPL_MIN_POWER=\"50W\" is above the ceiling of package-0: give at most 30 W")
        try mock.next("Apply")
        #expect(try controller.stop() == 0)
        // A start ends by it.
        let fresh = try RunningController(mock.socket, ["RAPL_MIN_POWER": "50W"])
        #expect(try fresh.child.exitStatus() == 2)
    }

    @Test("drift at every sample is told once, not for ever; its end is told with how often it was")
    func driftForEver() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket)
        try controller.next("limit changed", of: "package-0", "short_term")
        for _ in 0..<4 {
            try mock.tell("set intel-rapl:0 long_term 150W")
            try mock.next("Apply")
        }
        try controller.next("another party changed a limit")
        let end = try controller.next("another party changes the limit no more")
        #expect(end["changes"] == "4")
        #expect(try controller.stop() == 0)
        #expect(controller.count("another party changed a limit") == 1)
        #expect(controller.count("limit changed") == 3, "the first two, and the first that was set again")
    }

    @Test("a helper that ends before it answers isn't said to refuse this user")
    func ending() throws {
        let mock = try Mock(devices: 1, "before Hello 1 disconnect\n")
        // The first attempt is closed, as by a helper that ends; the second is served.
        let status = try run("status", socket: mock.socket)
        #expect(status.status == 0 && status.errors.isEmpty)
        try mock.tell("before Hello 1 disconnect")
        let controller = try RunningController(mock.socket)
        try controller.next("in control")
        #expect(controller.count("no control over the limits") == 0)
        #expect(try controller.stop() == 0)
    }

    @Test("limits that are held for a controller that is gone are shown by status")
    func held() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["ON_EXIT": "hold"])
        try controller.next("limit changed", of: "package-0", "short_term")
        #expect(try controller.stop() == 0)
        let status = try run("status", socket: mock.socket).output
        #expect(status.contains("control  nobody\nheld     2 limits of a controller that is gone, until the helper stops\n"))
    }

    @Test("plan says why the helper's machine has no packages, and assumes none")
    func planWithoutPackages() throws {
        let measured = try Mock("zone intel-rapl:0 package-0 energy_uj=0\n")
        let plan = try run("plan", socket: measured.socket)
        #expect(plan.status == 1)
        #expect(plan.errorLine?.contains("the helper only measures package-0, without a long_term limit") == true)
        let refusing = try Mock(devices: 1, "serve nobody\n")
        let refused = try run("plan", socket: refusing.socket)
        #expect(refused.status == 1)
        #expect(refused.errorLine?.contains("are not on its list") == true)
    }
}
