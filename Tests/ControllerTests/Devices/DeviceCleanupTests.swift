import Foundation
import Policy
import PowercapProtocol
import TestSupport
import Testing

@testable import powercap_controller

@Suite(.waiting)
struct DeviceCleanupTests {
    private let directory: TemporaryDirectory
    private let double: DeviceDouble
    private var file: DeviceFile { DeviceFile(path: "\(directory.path)/devices.json") }

    init() throws {
        directory = try TemporaryDirectory()
        double = try DeviceDouble(.zeusd, in: directory.path)
    }

    private func cleanup() throws -> Executable.Outcome {
        try Executable.run(["cleanup"], environment: ["KUBERNETES": "off", "DEVICE_STATE_FILE": file.path])
    }

    private func left(_ id: String, own: Microwatts, at address: String? = nil) -> SavedDevice {
        SavedDevice(id: id, address: address ?? double.url, original: .set(.watts(300)), mode: nil, own: [own])
    }

    @Test(
        "P6: cleanup puts back what a controller that never came back has left, without a cluster and without its configuration")
    func restores() throws {
        try double.tell("set 0 limit 150000")
        try double.tell("set 1 limit 222000")
        try file.write([left("zeusd:0000:01:00.0", own: .watts(150)), left("zeusd:0000:41:00.0", own: .watts(160))])
        let outcome = try cleanup()
        #expect(outcome.status == 0 && outcome.errors.contains("another party has set a device's limit") == false)
        #expect(
            outcome.output
                == "zeusd:0000:01:00.0: its original limit is back.\nzeusd:0000:41:00.0: another party has set its limit, which stays.\n"
        )
        #expect(try double.limits() == [DeviceDouble.Limit(device: "0", limit: 300_000)])
        #expect(try file.read() == [])
    }

    @Test("what is saved and can't be read is said, and nothing is touched")
    func damaged() throws {
        try Data("half".utf8).write(to: URL(filePath: file.path))
        let outcome = try cleanup()
        #expect(outcome.status == 1 && outcome.errors.contains("the saved limits of devices in \(file.path) are damaged"))
        #expect(try double.requests().isEmpty)
    }
}
