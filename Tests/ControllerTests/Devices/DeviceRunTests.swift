import Foundation
import Policy
import PowercapProtocol
import TestSupport
import Testing

@testable import powercap_controller

/// The controller itself, between a helper with a package and a daemon with two GPUs.
@Suite(.waiting)
struct DeviceRunTests {
    private let directory: TemporaryDirectory
    private let double: DeviceDouble
    private let mock: Mock
    private var file: DeviceFile { DeviceFile(path: "\(directory.path)/devices.json") }

    init() throws {
        (directory, mock) = (try TemporaryDirectory(), try Mock([ScriptedPackage()]))
        double = try DeviceDouble(.zeusd, in: directory.path)
    }

    private func controller(_ environment: [String: String] = [:]) throws -> RunningController {
        let all = [
            "MAX_SOURCE": "400W", "GOVERN": "intel-rapl,gpu", "BUDGET_OF": "devices", "DEVICE_URL": double.url,
            "DEVICE_STATE_FILE": file.path, "CONTROL_SOCKET": "\(directory.path)/control.sock", "KUBERNETES": "off",
        ]
        return try RunningController(mock.socket, all.merging(environment) { $1 })
    }

    /// Waits until the GPUs have these limits, in watts.
    private func until(_ limits: [UInt64]) throws {
        func now() throws -> [UInt64?] {
            try limits.indices.map { gpu in try double.limits().last { $0.device == "\(gpu)" }?.limit }
        }
        while try now() != limits.map({ $0 * 1_000 }) { try double.nextLimit() }
    }

    @Test(
        "P8, P6: GPUs behind a daemon share the node's limit with the package, by what each may take, and have their own back at the end"
    )
    func shared() throws {
        let controller = try controller()
        try until([150, 150])
        let package = try mock.limits()
        #expect(package["intel-rapl:0/long_term"] == .watts(100))
        let status = try Executable.run(
            ["status", "--format", "json"], environment: ["CONTROL_SOCKET": "\(directory.path)/control.sock"])
        #expect(status.output.contains("zeusd:0000:01:00.0") && status.output.contains("zeusd:0000:41:00.0"))
        #expect(try file.read().map(\.original) == [.set(.watts(300)), .set(.watts(300))])
        #expect(try controller.stop() == 0)
        try until([300, 300])
        #expect(try file.read() == [])
    }

    @Test("P6: killed with its limits in force, the next one takes them over, and puts back what the first had found")
    func killed() throws {
        let first = try controller()
        try until([150, 150])
        _ = try first.stop(SIGKILL)
        let next = try controller(["MAX_SOURCE": "480W"])
        try until([180, 180])
        #expect(try next.stop() == 0)
        try until([300, 300])
        #expect(try file.read() == [])
    }

    @Test("P6: with its daemon away at the end, that is told by log and exit status, and cleanup puts the limits back later")
    func away() throws {
        let controller = try controller()
        try until([150, 150])
        try double.tell("fault GET:* every status 500")
        #expect(try controller.stop() == 1)
        #expect(
            controller.count(
                "a device's original limit isn't back: it is kept for the next start, and for `powercap-controller cleanup`") == 2
        )
        try double.tell("forget")
        let cleanup = try Executable.run(["cleanup"], environment: ["KUBERNETES": "off", "DEVICE_STATE_FILE": file.path])
        #expect(cleanup.status == 0)
        try until([300, 300])
    }

    @Test("without gpu in GOVERN they are measured, and nothing is set")
    func measured() throws {
        let controller = try controller(["GOVERN": "intel-rapl", "BUDGET_OF": "packages"])
        _ = try mock.nextApply()
        _ = try double.next("GET")
        #expect(try controller.stop() == 0)
        #expect(try double.requests().allSatisfy { $0.method == "GET" })
    }

    @Test(
        "a daemon that fails is in status and metrics, and gpu of which it has shown nothing in the condition, explain and metrics"
    )
    func told() throws {
        let socket = "\(directory.path)/control.sock"
        let controller = try controller(["METRICS_ADDRESS": "off"])
        try until([150, 150])
        /// However long its lines are.
        func status() throws -> String {
            let outcome = try Executable.run(["status"], environment: ["CONTROL_SOCKET": socket])
            return outcome.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
        #expect(try status().contains(": 2 devices, answers "))
        try double.tell("fault GET:* every status 500")
        try controller.next("a service with devices can't be asked: their limits stay as they are")
        let failed = try status()
        #expect(failed.contains("2 devices, it can't at present (HTTP 500)") && !failed.contains("named in GOVERN"), "\(failed)")
        try double.tell("forget")
        #expect(try controller.stop() == 0)

        let other = try self.controller(["DEVICE_URL": "unix:\(directory.path)/nobody.sock"])
        try other.next("GOVERN names what isn't here")
        _ = try mock.nextApply()
        let missing = try status()
        #expect(missing.contains("missing gpu: named in GOVERN, and no such device is here"), "\(missing)")
        #expect(missing.contains("GOVERN names gpu, and no such device is here."))
        #expect(missing.contains("it can't be reached: \(directory.path)/nobody.sock: "), "\(missing)")
        #expect(missing.contains("(ENOENT)"))
        #expect(try other.stop() == 0)
    }
}
