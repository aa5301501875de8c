import HTTP
import Testing

@testable import powercap_controller

struct DeviceAddressTests {
    @Test("a socket and a port of this machine are a Zeus daemon's, a path of Redfish is a BMC's")
    func good() throws {
        let cases: [(text: String, service: DeviceAddress.Service, origin: String, socket: String?, path: String, host: String)] =
            [
                ("unix:/run/zeusd/zeusd.sock", .zeusd, "http://localhost", "/run/zeusd/zeusd.sock", "/", "localhost"),
                ("http://127.0.0.1:4938", .zeusd, "http://127.0.0.1:4938", nil, "/", "127.0.0.1"),
                (
                    "https://BMC.example/redfish/v1/Systems/1/Processors/", .redfish, "https://bmc.example", nil,
                    "/redfish/v1/Systems/1/Processors", "bmc.example"
                ),
                (
                    "https://[fd00::1]:8443/redfish/v1/Chassis/1/EnvironmentMetrics", .redfish, "https://[fd00::1]:8443", nil,
                    "/redfish/v1/Chassis/1/EnvironmentMetrics", "fd00::1"
                ),
            ]
        for item in cases {
            let address = try DeviceAddress(item.text)
            #expect(address.service == item.service && address.origin == item.origin && address.socket == item.socket)
            #expect(address.path == item.path && address.host == item.host)
        }
        #expect(try DeviceAddress.all(in: " unix:/a  unix:/b unix:/a ").map(\.text) == ["unix:/a", "unix:/b"])
    }

    @Test(
        "what would show a login to others, or isn't known, is refused",
        arguments: [
            ("http://bmc/redfish/v1/Systems", DeviceAddress.Problem.plain), ("http://10.0.0.1:4938", .plain),
            ("ftp://bmc/redfish/v1/x", .scheme),
            ("zeusd", .scheme), ("unix:run/zeusd.sock", .socket), ("unix:", .socket),
            ("unix:/" + String(repeating: "a", count: 107), .socket),
            ("https://bmc/", .path), ("https://bmc/api", .path), ("https://bmc/redfish/v1/x?a=1", .path),
            ("https://me:pass@bmc/redfish/v1/x", .url(.login)),
        ])
    func bad(_ text: String, _ problem: DeviceAddress.Problem) {
        #expect(throws: problem) { try DeviceAddress(text) }
    }
}
