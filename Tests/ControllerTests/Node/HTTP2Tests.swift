import Foundation
import TestSupport
import Testing

@testable import powercap_controller

/// A proxy in front of the API server's double, which speaks HTTP/1.1 alone: real API servers speak HTTP/2.
final class HTTP2Proxy {
    static let program = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../.build/tools/nghttpx")
        .standardized.path
    static let isInstalled = FileManager.default.isExecutableFile(atPath: program)

    private let directory: TemporaryDirectory
    private let child: Child
    let url: String

    init(to server: ApiServer) throws {
        directory = try TemporaryDirectory()
        let port = try freePort()
        url = "https://127.0.0.1:\(port)"
        let backend = try #require(server.url.split(separator: ":").last)
        let certificates = URL(filePath: server.certificates).deletingLastPathComponent()
        child = try Child(
            Self.program,
            [
                "--conf=/dev/null", "--frontend=127.0.0.1,\(port)", "--backend=127.0.0.1,\(backend);;tls;proto=http/1.1",
                "--insecure", "--no-ocsp", "--workers=1", "--accesslog-file=\(directory.path)/access",
                "--accesslog-format=$alpn $remote_port $method $status", certificates.appending(path: "server.key").path,
                certificates.appending(path: "server.crt").path,
            ], reading: .errors)
        try child.next("that it listens") { $0.contains("Listening on") }
    }

    deinit { child.kill(SIGTERM) }

    /// Each request that was answered: `h2 PORT METHOD STATUS`.
    func requests() throws -> [[Substring]] {
        try String(contentsOfFile: "\(directory.path)/access", encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: " ")
        }
    }
}

/// A port of this machine that nobody listens on just now.
private func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
        }
    }
    try #require(result)
    return UInt16(bigEndian: address.sin_port)
}

@Suite(.waiting)
struct HTTP2Tests {
    @Test(
        "over HTTP/2 the watch and every write share one connection",
        .enabled(if: HTTP2Proxy.isInstalled, "there is no .build/tools/nghttpx (make deps)"))
    func oneConnection() throws {
        let (server, mock) = (try ApiServer(), try Mock(devices: 1))
        let proxy = try HTTP2Proxy(to: server)
        let controller = try RunningController(mock, server, ["KUBE_SERVER": proxy.url])
        try controller.next(each: "watching the Node", "Node condition set")
        try server.annotate("powercap.dev/limit=60W")
        try controller.next("overrides changed")
        try server.expectNode { $0.labels["rapl/pmax"] == "60000000" }
        #expect(try controller.stop() == 0)
        let requests = try proxy.requests()
        #expect(requests.count > 5)
        #expect(requests.allSatisfy { $0[0] == "h2" })
        #expect(Set(requests.map { $0[1] }).count == 1, "more than one port of the controller")
        #expect(requests.filter { $0[2] == "PATCH" }.allSatisfy { $0[3] == "200" })
    }
}
