import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@Suite(.waiting)
struct ConnectionTests {
    private static let waiting = "no control over the limits"
    private static let loss = "lost the helper"

    @Test("without a helper that is told once, with what to do; when one comes the limits are set")
    func absent() throws {
        let mock = try Mock(devices: 1)
        try mock.tell("stop")
        let controller = try RunningController(mock.socket)
        let waiting = try controller.next(Self.waiting)
        #expect(waiting.level == "error")
        #expect(
            waiting["why"]
                == "the helper is not running: there is no socket \(mock.socket) (start raplhelper, or set RAPLHELPER_SOCKET)")
        #expect(waiting["next"] == "trying again, at least every 10 s")
        try mock.tell("listen")
        try mock.next("Apply")
        try controller.next("in control")
        #expect(try controller.stop() == 0)
        #expect(controller.count(Self.waiting) == 1)
    }

    @Test("attempts to connect are 250, 500, 1000, 2000 ms apart or more, and told once")
    func backoff() throws {
        let mock = try Mock(devices: 1, "serve nobody\n")
        let start_ns = Clock.monotonic_ns
        let controller = try RunningController(mock.socket)
        for _ in 0..<5 { try mock.next("turned away") }
        #expect(Clock.monotonic_ns - start_ns >= 3_750_000_000)
        try mock.tell("serve everybody")
        try mock.next("Apply")
        #expect(try controller.stop() == 0)
        #expect(controller.count(Self.waiting) == 1)
    }

    @Test("a helper that goes away at every batch is tried with the same pauses, not in a tight loop")
    func backoffAtApply() throws {
        let mock = try Mock(devices: 1, "before Apply every disconnect\n")
        let start_ns = Clock.monotonic_ns
        let controller = try RunningController(mock.socket)
        for _ in 0..<5 { try mock.next("Apply") }
        #expect(Clock.monotonic_ns - start_ns >= 3_750_000_000)
        try mock.tell("forget")
        try mock.next("Apply")
        try controller.next("limit changed")
        #expect(try controller.stop() == 0)
    }

    @Test("a lost connection is made again, and control is resumed with its token")
    func resumed() throws {
        let mock = try Mock(devices: 1, "lease 1000 3600000\n")
        let controller = try RunningController(mock.socket, ["SAMPLE_INTERVAL": "1h", "LEASE_TIME": "1h"])
        try mock.next("Apply")
        try mock.tell("disconnect")
        #expect(try mock.next("AcquireControl").hasSuffix("previous_token=1"))
        #expect(try mock.nextApply().token == 1)
        try controller.next(Self.loss)
        #expect(try controller.next("in control")["resumed"] == "true")
        #expect(try controller.stop() == 0)
        #expect(controller.count(Self.loss) == 1)
        #expect(controller.count(Self.waiting) == 0)
    }

    @Test("a helper that was started again is told lost once and regained once, and its zones may have other indices")
    func restarted() throws {
        let mock = try Mock([ScriptedPackage(number: 0), ScriptedPackage(number: 1, maxPower: 100)])
        let controller = try RunningController(mock.socket)
        let first = try mock.nextApply().limits
        try mock.tell("stop")
        try mock.tell("order intel-rapl:1 intel-rapl:0")
        try controller.next(Self.loss)
        try controller.next(Self.waiting)
        try mock.tell("listen")
        #expect(try mock.nextApply().limits == first)
        #expect(try controller.next("in control")["resumed"] == "false")
        #expect(try controller.stop() == 0)
        for message in [Self.loss, Self.waiting] { #expect(controller.count(message) == 1) }
        #expect(controller.count("in control") == 2)
    }

    private static let broken: [(fault: String, why: String)] = [
        (
            "garbage",
            "the helper sent what this version does not understand: a frame longer than 64 KiB "
                + "(is RAPLHELPER_SOCKET raplhelper's, and of the same version?)"
        ),
        ("wrong-id", "the helper answered another request than the one that was sent: restart raplhelper, and report this"),
        ("half", "the helper stopped in the middle of an answer: it hangs or is overloaded (see its log, or restart it)"),
        ("silence", "the helper does not answer within 2 s: it hangs or is stopped (see its log, or restart it)"),
    ]

    @Test(
        "a Hello that is answered badly is told with its reason, and the controller lives on",
        arguments: broken + [
            (
                "refuse-version",
                "the helper speaks another version of the protocol than this controller, which speaks 2 and 3: install both programs from one release"
            )
        ])
    func badGreeting(_ fault: String, _ why: String) throws {
        let mock = try Mock(devices: 1, "before Hello 1 \(fault)\n")
        let controller = try RunningController(mock.socket)
        let problem = try controller.next(Self.waiting)
        #expect(problem["why"] == why)
        try mock.next("Apply")
        #expect(try controller.stop() == 0)
        #expect(controller.count(Self.waiting) == 1)
    }

    @Test("a Hello that is closed twice in a row, and not once, is told as a refusal of this user")
    func closedGreeting() throws {
        let mock = try Mock(devices: 1, "before Hello 1 disconnect\nbefore Hello 2 disconnect\n")
        let controller = try RunningController(mock.socket)
        let problem = try controller.next(Self.waiting)
        #expect(
            problem["why"]
                == "the helper closed the connection without an answer: uid \(LinuxSystem.Process.uid) and gid "
                + "\(LinuxSystem.Process.gid) are not on its list (raplhelper --allow-uid, --allow-gid)")
        try mock.next("Apply")
        #expect(try controller.stop() == 0)
        #expect(controller.count(Self.waiting) == 1)
    }

    @Test(
        "a request that is answered badly ends the connection, is told with its reason, and control is resumed",
        arguments: broken + [("disconnect", "the helper closed the connection: it ended, or was restarted")])
    func badAnswer(_ fault: String, _ why: String) throws {
        let mock = try Mock(devices: 1, "before ReadSample 2 \(fault)\n")
        let controller = try RunningController(mock.socket)
        try mock.next("Apply")
        let problem = try controller.next(Self.loss)
        #expect(problem.level == "error")
        #expect(problem["why"] == why)
        #expect(try mock.next("AcquireControl").hasSuffix("previous_token=1"))
        try mock.next("Apply")
        #expect(try controller.stop() == 0)
        #expect(controller.count(Self.loss) == 1)
    }

    @Test("an answer that comes within the patience of 2 s is as good as any")
    func slow() throws {
        let mock = try Mock(devices: 1, "before Hello 1 delay 500\nbefore Apply 1 delay 500\n")
        let controller = try RunningController(mock.socket)
        try controller.next("limit changed")
        #expect(try controller.stop() == 0)
        #expect(controller.count(Self.waiting) + controller.count(Self.loss) == 0)
    }

    @Test("a helper that hangs until its queue of connections is full is told of, and neither signal nor helper is missed")
    func fullQueue() throws {
        final class Waiter {
            let socket: Descriptor
            init(_ path: String) throws(Errno) { socket = try Socket.connect(to: path, isBlocking: false) }
        }
        let mock = try Mock(devices: 1)
        mock.kill(SIGSTOP)
        var waiters: [Waiter] = []
        while let waiter = try? Waiter(mock.socket) { waiters.append(waiter) }
        let first = try RunningController(mock.socket)
        #expect(
            try first.next(Self.waiting)["why"]
                == "nobody takes the connections to \(mock.socket): the helper hangs or is stopped (see its log, or restart it)")
        #expect(try first.stop() == 0)
        let second = try RunningController(mock.socket)
        try second.next(Self.waiting)
        mock.kill(SIGCONT)
        try mock.next("Apply")
        #expect(try second.stop() == 0)
    }
}
