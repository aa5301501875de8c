import Foundation
import HTTP
import JSON
import LinuxSystem
import Policy
import PowercapProtocol
import TestSupport
import Testing

@testable import powercap_controller

/// A service as a test waits for it.
struct ServiceRun {
    let double: DeviceDouble
    let service: DeviceService
    private let epoll: Epoll

    init(_ double: DeviceDouble, path: String = "", _ access: DeviceAccess = DeviceAccess()) throws {
        self.double = double
        service = try DeviceService(try DeviceAddress(double.url + path), access, userAgent: "powercap/test")
        epoll = try Epoll()
        try epoll.add(service.descriptorNumber, token: 0)
    }

    /// Goes on until something is so. Nothing in it ever waits (P14).
    func until(_ what: String, _ isSo: () -> Bool) throws {
        let end_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while !isSo() {
            guard Clock.monotonic_ns < end_ns else { throw Child.Missing(description: "\(what) never came") }
            let before_ns = Clock.monotonic_ns
            _ = service.step(before_ns)
            #expect(Clock.monotonic_ns - before_ns < 1_000_000_000)
            if isSo() { return }
            let now_ns = Clock.monotonic_ns
            _ = try epoll.wait(milliseconds: Int32(min((max(service.due_ns, now_ns) - now_ns) / 1_000_000 + 1, 1_000)))
        }
    }

    func look() throws { try until("a look") { service.seen_ns > 0 || service.problem != nil } }

    /// Looks again, after what the double was told just now.
    func lookAgain() throws {
        let now_ns = Clock.monotonic_ns
        try until("another look") {
            service.lookNow()
            return service.seen_ns > now_ns
        }
    }

    func set(_ limit: Microwatts, _ index: Int = 0) throws -> DeviceService.Outcome {
        service.ask(ServedDevice.Wanted(limit: .set(limit)), of: service.devices[index].id)
        var outcome: DeviceService.Outcome?
        try until("an outcome") {
            outcome = service.takeOutcomes().first ?? outcome
            return outcome != nil
        }
        return try #require(outcome)
    }
}

@Suite(.waiting)
struct ZeusdServiceTests {
    private let directory: TemporaryDirectory
    private let run: ServiceRun

    init() throws {
        directory = try TemporaryDirectory()
        run = try ServiceRun(try DeviceDouble(.zeusd, in: directory.path))
    }

    @Test("GPUs are found over the Unix socket, and a limit counts when it is read back (P4)")
    func whole() throws {
        try run.look()
        #expect(run.service.devices.map(\.id) == ["zeusd:0000:01:00.0", "zeusd:0000:41:00.0"])
        #expect(run.service.devices.map(\.limit) == [.set(.watts(300)), .set(.watts(300))])
        #expect(try run.set(.watts(180), 1).result == .success(.set(.watts(180))))
        #expect(run.service.devices[1].limit == .set(.watts(180)) && run.service.devices[0].limit == .set(.watts(300)))
        #expect(try run.double.limits() == [DeviceDouble.Limit(device: "1", limit: 180_000, mode: nil)])
        #expect(try run.double.requests().allSatisfy { $0.fields["authorization"] == nil && $0.fields["host"] == "localhost" })
    }

    @Test("P4: a limit that the service makes larger isn't in force as asked")
    func clamped() throws {
        try run.look()
        try run.double.tell("set 0 clamp 220000")
        #expect(try run.set(.watts(150)).result == .success(.set(.watts(220))))
        #expect(run.service.devices[0].lastWrite == .notInForce && run.service.devices[0].limit == .set(.watts(220)))
    }

    @Test("one that is done and never answered, and one that is broken off, are looked at until it is known what is in force")
    func silence() throws {
        try run.look()
        // libcurl sends it again over a connection of its own, once.
        try run.double.tell("fault /gpu/set_power_limit 2 reset")
        let outcome = try run.set(.watts(150))
        #expect(throws: DeviceProblem.self) { try outcome.result.get() }
        try run.until("what is so") { !run.service.devices[0].isWriting }
        #expect(run.service.devices[0].limit == .set(.watts(300)) && run.service.devices[0].lastWrite == .writeFailed)

        try run.double.tell("fault /gpu/set_power_limit 1 mute")
        _ = try run.set(.watts(150))
        try run.until("what is so") { !run.service.devices[0].isWriting }
        #expect(run.service.devices[0].limit == .set(.watts(150)))
        try run.double.tell("forget")
    }

    @Test("while one device's write isn't answered, another's is sent and a look is made")
    func independent() throws {
        try run.look()
        try run.double.tell("fault /gpu/set_power_limit 1 hang")
        run.service.ask(ServedDevice.Wanted(limit: .set(.watts(150))), of: run.service.devices[0].id)
        try run.until("the first to be sent") { (try? run.double.requests())?.last?.method == "POST" }
        #expect(try run.set(.watts(160), 1).result == .success(.set(.watts(160))))
        try run.lookAgain()
        #expect(run.service.devices[0].isWriting && run.service.devices[0].mayHold == .watts(300))
        try run.double.tell("forget")
    }

    @Test("a daemon that goes away leaves unknown limits and no power, and is found again")
    func away() throws {
        try run.look()
        try run.double.tell("fault GET:* every status 500")
        try run.until("the limit to be unknown") {
            run.service.lookNow()
            return run.service.devices[0].limit == .unknown
        }
        #expect(run.service.devices[0].power == nil && !run.service.devices[0].isGone)
        #expect(run.service.problem == .troubled(status: 500, words: "as told", retryAfter_s: 0))
        try run.double.tell("forget")
        try run.lookAgain()
        #expect(run.service.problem == nil && run.service.devices[0].limit == .set(.watts(300)))
    }

    @Test("a GPU that the daemon has no more is gone, and back when it has it under another number")
    func renumbered() throws {
        try run.look()
        try run.double.tell("remove 1")
        try run.lookAgain()
        #expect(run.service.devices.map(\.isGone) == [false, true])
        try run.double.tell("set 5 pci 0000:41:00.0")
        try run.lookAgain()
        #expect(run.service.devices.map(\.isGone) == [false, false] && run.service.devices[1].found.handle == "5")
    }

    @Test("a token is shown to it, and a refusal isn't tried again soon")
    func tokens() throws {
        try run.double.tell("token abc")
        try Data("abc\n".utf8).write(to: URL(filePath: "\(directory.path)/token"))
        let good = try ServiceRun(run.double, DeviceAccess(tokenFile: "\(directory.path)/token"))
        try good.look()
        #expect(good.service.devices.count == 2)
        try run.look()
        #expect(run.service.problem == .denied(status: 401))
        run.service.lookNow()
        #expect(run.service.due_ns > Clock.monotonic_ns + DeviceService.denied_ns / 2)
        let none = try ServiceRun(run.double, DeviceAccess(tokenFile: "\(directory.path)/none"))
        try none.look()
        #expect(
            none.service.problem?.words
                == "DEVICE_TOKEN_FILE \(directory.path)/none can't be read: No such file or directory (ENOENT)")
    }
}

@Suite(.waiting)
struct RedfishServiceTests {
    private let directory: TemporaryDirectory
    private let double: DeviceDouble
    private let access: DeviceAccess

    init() throws {
        directory = try TemporaryDirectory()
        double = try DeviceDouble(.redfish, in: directory.path)
        let login = "\(directory.path)/login"
        try Data("admin:secret\n".utf8).write(to: URL(filePath: login))
        access = DeviceAccess(loginFile: login, certificateFile: double.certificates)
    }

    private func run(_ path: String = "/redfish/v1/Systems/1/Processors") throws -> ServiceRun {
        try ServiceRun(double, path: path, access)
    }

    @Test("GPUs of a system are found by its links, and a limit is set under the resource's tag")
    func whole() throws {
        let run = try run()
        try run.look()
        #expect(run.service.devices.map(\.id) == (0...1).map { "redfish:127.0.0.1/Systems/1/Processors/GPU_\($0)" })
        #expect(run.service.devices.map(\.power) == [Microwatts(231_500_000), Microwatts(231_500_000)])
        #expect(try run.set(.watts(450)).result == .success(.set(.watts(450))))
        let patch = try double.next("PATCH")
        #expect(patch.fields["if-match"] == "\"1\"" && patch.body == #"{"PowerLimitWatts":{"SetPoint":450}}"#)
        // What was found once is asked for alone.
        let before = try double.requests().count
        try run.lookAgain()
        #expect(try double.requests().dropFirst(before).allSatisfy { $0.target.hasSuffix("/EnvironmentMetrics") })
    }

    @Test("a limit that becomes a task is under way until it has ended, and one that fails is told")
    func tasks() throws {
        let run = try run()
        try run.look()
        try double.tell("slow 2 Completed")
        #expect(try run.set(.watts(450)).result == .success(.set(.watts(450))))
        try double.tell("slow 1 Exception")
        #expect(try run.set(.watts(500)).result == .failure(.refused(status: 200, words: "as told")))
        #expect(run.service.devices[0].limit == .set(.watts(450)) && run.service.devices[0].lastWrite == .writeFailed)
    }

    @Test("what is out of range is refused in the service's own words, and nothing has changed")
    func refused() throws {
        let run = try run()
        try run.look()
        let outcome = try run.set(.watts(150))
        guard case .failure(let problem) = outcome.result else { throw Child.Missing(description: "a refusal") }
        #expect(problem.words == "it refuses that (HTTP 400): The value 150 for the property SetPoint is out of range.")
        #expect(run.service.devices[0].limit == .set(.watts(700)))
    }

    @Test("a control that is off is switched on, and off again")
    func off() throws {
        try double.tell("set GPU_0 PowerLimitWatts/ControlMode \"Disabled\"")
        let run = try run()
        try run.look()
        #expect(run.service.devices[0].limit == .off)
        _ = try run.set(.watts(450))
        #expect(try double.nextLimit().mode == "Automatic")
        run.service.ask(ServedDevice.Wanted(limit: .off, mode: "Disabled"), of: run.service.devices[0].id)
        try run.until("it to be off") { !run.service.devices[0].isWriting }
        #expect(run.service.devices[0].limit == .off)
    }

    @Test("a chassis gives the server's power alone, and a strange certificate nothing")
    func chassis() throws {
        let run = try run("/redfish/v1/Chassis/1")
        try run.look()
        #expect(
            run.service.devices.map(\.power) == [Microwatts(512_500_000)] && run.service.devices[0].found.kind == .redfishServer)
        let strange = try ServiceRun(double, path: "/redfish/v1/Chassis/1", DeviceAccess(loginFile: access.loginFile))
        try strange.look()
        guard case .failed(.untrusted) = strange.service.problem else {
            throw Child.Missing(description: "distrust, but \(String(describing: strange.service.problem))")
        }
        // Nothing was shown to it.
        #expect(try double.requests().count == run.double.requests().count)
    }
}
