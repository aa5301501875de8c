import HTTPServer
import LinuxSystem

/// Serves at an address or a path, for tests and measurements: `SampleServer PLACE [CERTIFICATE KEY]`. `any` is a free port of 127.0.0.1. It ends
/// when standard input does, and says what it has measured for each line that comes there.
struct SampleServer {
    private(set) var listener: HTTPListener
    private let place: String
    private var runs = 0
    private var longest_ns: UInt64 = 0

    init(_ place: String, _ certificate: CertificateFiles?) throws(ServerProblem) {
        guard place == "any" else {
            self.place = place
            listener = try SampleServer.listener(at: place, certificate)
            return
        }
        while true {
            let place = "127.0.0.1:\(UInt16.random(in: 20_000..<32_000))"
            do throws(ServerProblem) {
                listener = try SampleServer.listener(at: place, certificate)
                self.place = place
                return
            } catch { if error != .taken(place) { throw error } }
        }
    }

    private static func listener(at place: String, _ certificate: CertificateFiles?) throws(ServerProblem) -> HTTPListener {
        if place.hasPrefix("/") { return try HTTPListener(at: place, onProblem: { say("problem: \($0)") }, answer: answer) }
        guard let address = ListenAddress(place) else { fatalError("\(place) is no address") }
        if let certificate {
            return try HTTPListener(at: address, certificate: certificate, onProblem: { say("problem: \($0)") }, answer: answer)
        }
        return try HTTPListener(at: address, onProblem: { say("problem: \($0)") }, answer: answer)
    }

    /// As long as what a node is told of its power.
    private static let grant = [UInt8](
        """
        {"version":1,"epoch":7,"nonce":12,"limitMicrowatts":120000000,"minimumMicrowatts":60000000,"ttlMilliseconds":20000,\
        "askAgainMilliseconds":2000,"budgets":[{"name":"site","limitMicrowatts":200000000000,"countedMicrowatts":190000000000,\
        "nodes":2000,"silent":1,"binding":true}]}
        """.utf8)

    private static func answer(_ request: ServerRequest) -> ServerResponse {
        switch request.path {
        case "/": return ServerResponse(status: 200, text: "hello")
        case "/echo":
            let peer = request.peer.map { "\($0.uid) \($0.isMember(of: [2001])) \($0.isMember(of: [2002]))" } ?? "none"
            let body = String(decoding: request.body, as: UTF8.self)
            let header = request.header("x-test") ?? "none"
            return ServerResponse(
                status: 200,
                text: "\(request.method) header=\(header) body=\(body.utf8.count) \(body.prefix(8)) peer=\(peer)")
        case "/posted": return ServerResponse(contentType: "application/json", body: SampleServer.grant)
        case "/origin": return ServerResponse(status: 200, text: String(request.origin, radix: 16))
        case "/who": return ServerResponse(status: 200, text: request.header("authorization") ?? "nobody")
        case "/silent":
            Clock.sleep(milliseconds: 3_000)
            return ServerResponse(status: 200, text: "late")
        case "/wait": return ServerResponse(status: 503, text: "ask again", headers: [.init("Retry-After", "1")])
        case "/elsewhere":
            return ServerResponse(
                status: 503, text: "ask another", headers: [.init("Retry-After", "1"), .init("Connection", "close")])
        case "/refused": return ServerResponse(status: 401, text: "no token")
        case "/page": return ServerResponse(contentType: "text/plain", body: [UInt8](repeating: UInt8(ascii: "x"), count: 20_000))
        case "/large":
            return ServerResponse(contentType: "text/plain", body: [UInt8](repeating: UInt8(ascii: "x"), count: 16 << 20))
        case "/kept": return ServerResponse(contentType: "text/plain", headers: [.init("cache-control", "max-age=60")], body: [])
        case "/split":
            return ServerResponse(contentType: "text/plain", headers: [.init("X-Split", "a\r\nX-Injected: b")], body: [])
        case "/busy":
            let end_ns = Clock.monotonic_ns + 100_000_000
            while Clock.monotonic_ns < end_ns {}
            return ServerResponse(status: 200, text: "done")
        default: return ServerResponse(status: 404, text: "there is no such page")
        }
    }

    private static func say(_ line: String) { try? StandardStream.output.writeAll([UInt8]("\(line)\n".utf8)) }

    mutating func serve() throws(Errno) {
        let epoll = try Epoll()
        try epoll.add(0, token: 0)
        try epoll.add(listener.descriptorNumber, token: 1)
        let input = StandardInput()
        SampleServer.say("serving \(place)")
        while true {
            let (now_ns, due_ns) = (Clock.monotonic_ns, listener.due_ns)
            let count = try epoll.wait(
                milliseconds: due_ns == .max ? -1 : due_ns <= now_ns ? 0 : Int32((due_ns - now_ns) / 1_000_000 + 1))
            for index in 0..<count where epoll[index].token == 0 {
                guard input.skipLine() else { return }
                SampleServer.say("runs=\(runs) longest_us=\(longest_ns / 1_000)")
                (runs, longest_ns) = (0, 0)
            }
            let before_ns = Clock.monotonic_ns
            listener.run()
            (runs, longest_ns) = (runs + 1, max(longest_ns, Clock.monotonic_ns - before_ns))
        }
    }
}

/// Read as it comes.
struct StandardInput {
    private let descriptor = OwnedInput()

    private final class OwnedInput { let descriptor = Descriptor(owning: 0) }

    /// False at the end.
    func skipLine() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64)
        return ((try? descriptor.descriptor.read(into: &bytes, from: 0, atMost: bytes.count)) ?? 0) > 0
    }
}

do throws(ServerProblem) {
    Process.openStandardStreams()
    let arguments = Process.arguments
    let certificate = arguments.count > 2 ? CertificateFiles(certificate: arguments[1], key: arguments[2]) : nil
    var server = try SampleServer(arguments.first ?? "any", certificate)
    do throws(Errno) { try server.serve() } catch { fatalError("\(error.name)") }
} catch {
    try? StandardStream.output.writeAll([UInt8]("refused: \(error)\n".utf8))
    Process.exit(1)
}
