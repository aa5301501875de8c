import Foundation
import JSON
import PowercapProtocol
import TestSupport
import Testing

@testable import JSON
@testable import Policy
@testable import powercap_controller

/// The running controller, asked and ordered over its own socket.
final class Desk {
    let directory: TemporaryDirectory
    var socket: String { "\(directory.path)/control.sock" }
    var environment: [String: String] { ["CONTROL_SOCKET": socket] }

    init() throws {
        directory = try TemporaryDirectory()
        // Other users of this machine have to get there.
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path)
    }

    func controller(_ mock: Mock, _ more: [String: String] = [:]) throws -> RunningController {
        let controller = try RunningController(mock.socket, environment.merging(more) { $1 })
        try controller.next("listening")
        return controller
    }

    func run(_ arguments: String...) throws -> Executable.Outcome {
        try Executable.run(arguments, environment: environment)
    }

    func status() throws -> JSON { try ask("GET", "/status").document }

    /// By curl, as docs/interface.md shows it, and as who is given.
    func ask(_ method: String, _ path: String, _ body: String? = nil, as user: [String] = []) throws -> (
        status: Int, document: JSON
    ) {
        let command =
            user + ["curl", "--silent", "--unix-socket", socket, "-X", method, "-w", "\n%{http_code}"]
            + (body.map { ["--data", $0] } ?? []) + ["http://localhost\(path)"]
        let lines = try Executable.outcome(of: command, environment: nil).output.split(separator: "\n")
        let code = try #require(lines.last.flatMap { Int($0) })
        let text = lines.dropLast().joined(separator: "\n")
        // What the server itself refuses is a sentence.
        return (code, (try? JSON(Array(text.utf8), within: .document)) ?? .null)
    }
}

@Suite(.waiting)
struct OperatorTests {
    private static let half: [String: Microwatts] = [
        "intel-rapl:0/long_term": .watts(40), "intel-rapl:0/short_term": .watts(40), "intel-rapl:1/long_term": .watts(40),
        "intel-rapl:1/short_term": .watts(40),
    ]

    @Test("an order is in force when its command ends, is shown everywhere, and ends by itself")
    func order() throws {
        let (mock, desk) = (try Mock(devices: 2), try Desk())
        let controller = try desk.controller(mock)
        let set = try desk.run("set", "80W", "--for", "3s", "--reason", "a try")
        #expect(set.status == 0)
        #expect(set.output.hasPrefix("Ordered: at most 80 W, until "))
        #expect(set.output.contains("\nThe node is limited to 80 W, which was read back from the hardware.\n"))
        #expect(try mock.limits() == Self.half)
        let order = try #require(try desk.status()["overrides"]?["operator"]?.elements?.first)
        #expect(
            order["limit_uw"]?.power == .watts(80) && order["reason"]?.text == "a try"
                && order["uid"]?.integer == UInt64(getuid()))
        #expect(try desk.run("explain").output.contains("ordered at most 80 W"))
        #expect(try controller.next("an operator gave an order")["limit_uw"] == "80000000")
        try controller.next("an operator's order has ended")
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(50))
        #expect(try desk.status()["overrides"]?["operator"]?.elements?.isEmpty == true)
        #expect(try controller.stop() == 0)
    }

    @Test(
        "an order outlives the controller, also a SIGKILL, holds from the first limit on, and is taken back",
        arguments: [SIGTERM, SIGKILL])
    func restart(_ signal: Int32) throws {
        let (mock, desk) = (try Mock(devices: 2), try Desk())
        let first = try desk.controller(mock)
        #expect(try desk.run("set", "80W").status == 0)
        first.child.kill(signal)
        _ = try first.child.exitStatus()
        let count = try mock.batches().count
        let second = try desk.controller(mock)
        #expect(second.count("an operator's order stands") == 1)
        #expect(try desk.status()["node"]?["in_force_uw"]?.power == .watts(80))
        // Never more in between.
        for batch in try mock.batches().dropFirst(count) {
            #expect(batch.limits.allSatisfy { $0.value <= .watts(40) })
        }
        #expect(try desk.run("unset").output.hasPrefix("The order of a limit is taken back.\nThe node is limited to 100 W"))
        let again = try desk.run("unset")
        #expect(again.status == 1)
        #expect(again.errorLine == "powercap-controller: no operator's limit stands: nothing was changed")
        #expect(try second.stop() == 0)
        let third = try desk.controller(mock)
        #expect(third.count("an operator's order stands") == 0)
        #expect(try third.stop() == 0)
    }

    @Test("P16: saved orders that can't be read are the floor until somebody says otherwise")
    func damaged() throws {
        let (mock, desk) = (try Mock(devices: 2), try Desk())
        try "nonsense".write(toFile: "\(desk.socket).orders", atomically: true, encoding: .utf8)
        let controller = try desk.controller(mock)
        #expect(try desk.status()["node"]?["in_force_uw"]?.power == .watts(20))
        #expect(try desk.run("explain").output.contains("The saved orders are damaged, or somebody else's."))
        // A pause says nothing of the limit that was saved, also after it, and after a restart.
        let pause = try desk.run("pause")
        #expect(pause.status == 0 && pause.errors.contains("isn't saved"))
        #expect(try desk.run("resume").status == 0)
        #expect(try desk.status()["node"]?["in_force_uw"]?.power == .watts(20))
        #expect(try controller.stop() == 0)
        let again = try desk.controller(mock)
        #expect(try desk.status()["node"]?["in_force_uw"]?.power == .watts(20))
        #expect(try desk.run("unset").status == 0)
        #expect(try desk.status()["node"]?["in_force_uw"]?.power == .watts(100))
        #expect(try again.stop() == 0)
    }

    @Test("what can't be saved is followed and said so, and what was taken back doesn't come back where nothing can be written")
    func unsaved() throws {
        let (mock, desk) = (try Mock(devices: 2), try Desk())
        let first = try desk.controller(mock)
        #expect(try desk.run("set", "110W").status == 0)
        // Nothing can be written there any more.
        try FileManager.default.createDirectory(atPath: "\(desk.socket).orders.new", withIntermediateDirectories: false)
        let set = try desk.run("set", "120W")
        #expect(
            set.status == 0 && set.output.contains("limited to 120 W")
                && set.errors.contains("a restart of the controller undoes it"))
        #expect(try desk.run("unset").errors.isEmpty)
        #expect(try first.stop() == 0)
        let second = try desk.controller(mock)
        #expect(try desk.status()["node"]?["in_force_uw"]?.power == .watts(100))
        #expect(try second.stop() == 0)
    }

    @Test("a pause leaves the limits as they are, and an order of a limit outlasts it")
    func pause() throws {
        let (mock, desk) = (try Mock(devices: 2), try Desk())
        let controller = try desk.controller(mock)
        #expect(try desk.run("set", "80W").status == 0)
        #expect(
            try desk.run("pause", "--for", "ever").output.hasPrefix(
                "Ordered: the limits stay as they are, until it is taken back."))
        #expect(try desk.status()["controller"]?["state"]?.text == "paused")
        #expect(try desk.run("set", "90W").status == 0)
        #expect(try mock.limits() == Self.half, "it is paused")
        #expect(try desk.run("resume").status == 0)
        #expect(try mock.limits()["intel-rapl:0/long_term"] == .watts(45))
        #expect(try controller.stop() == 0)
    }

    @Test("who may not change limits may read, and hears why; root, the controller's own user and the group's members may")
    func permission() throws {
        try #require(getuid() == 0, "this test becomes other users")
        let (mock, desk) = (try Mock(devices: 1), try Desk())
        let controller = try desk.controller(mock, ["CONTROL_GROUP": "4712"])
        let stranger = ["setpriv", "--reuid=4711", "--regid=4711", "--clear-groups"]
        #expect(try desk.ask("GET", "/status", as: stranger).status == 200)
        for method in ["PUT", "DELETE"] {
            let refused = try desk.ask(method, "/override/limit", #"{"limit":"80W"}"#, as: stranger)
            #expect(refused.status == 403)
            #expect(
                refused.document["error"]?.text
                    == "uid 4711 may read, but not change limits: root, uid 0 and members of group 4712 may")
        }
        #expect(try desk.status()["node"]?["in_force_uw"]?.power == .watts(100))
        for member in [["--regid=4712", "--clear-groups"], ["--regid=4711", "--groups=4712"]] {
            let granted = try desk.ask("PUT", "/override/limit", #"{"limit":"80W"}"#, as: ["setpriv", "--reuid=4711"] + member)
            #expect(granted.status == 200)
            #expect(granted.document["node"]?["in_force_uw"]?.power == .watts(80))
            #expect(granted.document["order"]?["uid"]?.integer == 4711)
            #expect(try desk.ask("DELETE", "/override/limit", as: ["setpriv", "--reuid=4711"] + member).status == 200)
        }
        #expect(try controller.stop() == 0)
    }

    @Test("what can't be asked for is refused, and nothing changes")
    func refused() throws {
        let (mock, desk) = (try Mock(devices: 2), try Desk())
        let controller = try desk.controller(mock)
        for (method, path, body, status) in [
            ("PUT", "/override/limit", #"{"limit":"19W"}"#, 400), ("PUT", "/override/limit", #"{"limit":"401W"}"#, 400),
            ("PUT", "/override/limit", "{", 400), ("PUT", "/override/other", "{}", 404), ("DELETE", "/override/pause", "", 404),
            ("PUT", "/status", "{}", 404), ("POST", "/override/limit", "{}", 405), ("GET", "/nothing", "", 404),
            ("PUT", "/override/limit", #"{"limit":"80W","reason":"\#(String(repeating: "x", count: 17_000))"}"#, 413),
        ] {
            #expect(try desk.ask(method, path, body.isEmpty ? nil : body).status == status, "\(method) \(path)")
        }
        #expect(try desk.status()["overrides"]?["operator"]?.elements?.isEmpty == true)
        #expect(try mock.limits()["intel-rapl:0/long_term"] == .watts(50))
        #expect(try controller.stop() == 0)
    }

    @Test(
        "without a controller a command says so and where it asked, with status 1",
        arguments: ["explain", "top", "unset", "resume", "pause"])
    func absent(_ command: String) throws {
        let outcome = try Executable.run([command], environment: ["CONTROL_SOCKET": "/nonexistent/control.sock"])
        #expect(outcome.status == 1)
        #expect(outcome.errorLine?.hasPrefix("powercap-controller: no controller answers on /nonexistent/control.sock: ") == true)
        let off = try Executable.run([command], environment: ["CONTROL_SOCKET": "off"])
        #expect(off.errorLine == "powercap-controller: CONTROL_SOCKET is off: the controller can't be asked")
    }

    @Test(
        "P11: an order with a mistake is refused before anybody is asked",
        arguments: [
            ["set", "90X"], ["set", "90W", "--for", "soon"], ["set", "90W", "--for", "0s"], ["pause", "--reason", ""],
        ])
    func mistaken(_ arguments: [String]) throws {
        #expect(try Executable.run(arguments, environment: ["CONTROL_SOCKET": "/nonexistent/control.sock"]).status == 2)
    }

    @Test("where limits aren't in force explain says so with status 1, and readyz with 503; healthz is about the loop alone")
    func notInForce() throws {
        let (mock, desk) = (try Mock([ScriptedPackage(isLocked: true)]), try Desk())
        let controller = try desk.controller(mock)
        let outcome = try desk.run("explain")
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("PowerCapped is False: Every limit is locked by firmware."))
        #expect(try desk.ask("GET", "/readyz").status == 503)
        #expect(try desk.ask("GET", "/healthz").status == 200)
        // An order stands all the same, for when it can be followed.
        let pause = try desk.run("pause")
        #expect(pause.status == 1 && pause.output.hasPrefix("Ordered: "))
        #expect(try controller.stop() == 0)
    }

    @Test("status --watch prints it again and again, until it is ended")
    func watch() throws {
        let (mock, desk) = (try Mock(devices: 1), try Desk())
        let controller = try desk.controller(mock)
        let child = try Child("powercap-controller", ["status", "--watch"], environment: desk.environment, reading: .output)
        for _ in 0..<2 { try child.next("an answer") { $0.hasPrefix("node     The node is limited to 100 W") } }
        // Those that a shell would send may be blocked here.
        child.kill(SIGKILL)
        _ = try child.exitStatus()
        #expect(try controller.stop() == 0)
    }

    @Test("top is a line for each look where nobody watches a terminal")
    func top() throws {
        let (mock, desk) = (try Mock(devices: 2), try Desk())
        let controller = try desk.controller(mock)
        let outcome = try desk.run("top", "--count", "2")
        #expect(outcome.status == 0)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.allSatisfy { $0.contains(" managed source=100.0 node=") && $0.contains(" package-1=") })
        #expect(try controller.stop() == 0)
    }

    @Test("a socket that can't be had is said once and tried again, and limits don't depend on it")
    func taken() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["CONTROL_SOCKET": "/proc/control.sock"])
        let line = try controller.next("can't be asked there: limits don't depend on it")
        #expect(line["place"] == "/proc/control.sock")
        try mock.next("Apply")
        for _ in 0..<3 { try mock.next("ReadSample") }
        #expect(controller.count("can't be asked there: limits don't depend on it") == 1)
        #expect(try controller.stop() == 0)
    }

    @Test("over TCP everything can be read and nothing changed")
    func overTCP() throws {
        let mock = try Mock(devices: 1)
        let port = Int.random(in: 20_000..<28_000)
        let controller = try RunningController(mock.socket, ["METRICS_ADDRESS": "127.0.0.1:\(port)"])
        try controller.next("listening")
        func curl(_ arguments: String...) throws -> String {
            let command = ["curl", "--silent", "-w", " %{http_code}"] + arguments
            return try Executable.outcome(of: command, environment: nil).output
        }
        let base = "http://127.0.0.1:\(port)"
        #expect(try curl("\(base)/healthz") == "ok\n 200")
        #expect(try curl("\(base)/readyz") == "LimitInForce: Limits are in force\n 200")
        #expect(try curl("\(base)/explain").hasPrefix("The node is limited to 100 W"))
        #expect(try curl("-X", "PUT", "\(base)/override/limit", "--data", #"{"limit":"80W"}"#).hasSuffix(" 405"))
        #expect(try curl("-X", "DELETE", "\(base)/override/limit").hasSuffix(" 405"))
        #expect(try controller.stop() == 0)
    }
}
