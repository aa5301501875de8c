import Foundation
import LinuxSystem
import TestSupport
import Testing

/// A server in a process of its own, so that it can have limits of its own, and be measured.
final class RunningServer {
    private let child: Child
    /// Where it serves: an address, or a path.
    let place: String

    /// - Parameters:
    ///   - wrapper: a program with arguments that executes the server.
    ///   - identity: what it speaks TLS with.
    init(_ place: String = "any", through wrapper: [String] = [], _ identity: ServerIdentity? = nil) throws {
        let program = Executable.url("SampleServer").path
        let arguments = [place] + (identity?.paths ?? [])
        child =
            wrapper.isEmpty
            ? try Child(program, arguments, reading: .output)
            : try Child("/usr/bin/env", wrapper + [program] + arguments, reading: .output)
        self.place = String(try child.next("where it serves") { $0.hasPrefix("serving ") }.dropFirst(8))
    }

    var port: UInt16 { UInt16(place.split(separator: ":").last!)! }

    func connect() throws -> RawClient { place.hasPrefix("/") ? try RawClient(path: place) : try RawClient(port: port) }

    /// A request over a connection of its own, or several: as many answers as are expected, and what came with them. Of none: all that
    /// came before the end.
    func answer(to request: String, count: Int = 1) throws -> String {
        let client = try connect()
        try client.send(request)
        if count == 0 { client.finish() }
        return try client.read(answers: count, haveBodies: !request.hasPrefix("HEAD "))
    }

    func next(_ what: String, where matches: (String) -> Bool) throws -> String { try child.next(what, where: matches) }

    /// How often it was run since the last report, and how long at most.
    func report() throws -> (runs: Int, longest_ms: Int) {
        let numbers = try child.answer(to: "report") { $0.hasPrefix("runs=") }.split { !$0.isNumber }.compactMap { Int($0) }
        return (numbers[0], numbers[1] / 1_000)
    }

    var pid: Int32 { child.pid }

    /// VmRSS (proc(5)).
    func memory_kB() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(child.pid)/status", encoding: .utf8)
        return try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }.flatMap { Int($0.filter(\.isNumber)) })
    }

    /// Nothing tells of what is so in another process.
    func wait(until what: String, _ isSo: () throws -> Bool) throws {
        let deadline_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while try !isSo() {
            guard Clock.monotonic_ns < deadline_ns else { throw RawClient.Missing(what: what) }
            Clock.sleep(milliseconds: 50)
        }
    }

    func kill() { child.kill(SIGKILL) }

    /// Lets it end, and waits for it.
    func end() throws -> Int32 {
        child.finish()
        return try child.exitStatus()
    }

    static func refusal(_ place: String, through wrapper: [String] = [], _ identity: ServerIdentity? = nil) throws -> String {
        let arguments = [Executable.url("SampleServer").path, place] + (identity?.paths ?? [])
        let child = try Child("/usr/bin/env", wrapper + arguments, reading: .output)
        return String(try child.next("a refusal") { $0.hasPrefix("refused: ") }.dropFirst(9))
    }
}

/// A connection on which bytes are sent as they are.
final class RawClient {
    private let descriptor: Descriptor
    private var received: [UInt8] = []

    struct Missing: Error { let what: String }

    init(port: UInt16) throws {
        descriptor = Descriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let (number, size) = (descriptor.number, socklen_t(MemoryLayout<sockaddr_in>.size))
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Glibc.connect(number, $0, size) }
        }
        try #require(result == 0, "connecting to port \(port): errno \(errno)")
    }

    init(path: String) throws { descriptor = try Socket.connect(to: path) }

    /// All of it, unless the other end is gone.
    func send(_ text: String) throws {
        let bytes = [UInt8](text.utf8)
        var done = 0
        while done < bytes.count { done += try descriptor.send(bytes.span.extracting(done..<bytes.count)) }
    }

    /// Nothing more will be sent.
    func finish() { shutdown(descriptor.number, Int32(SHUT_WR)) }

    /// - Returns: false at the end, which may be a reset.
    private func read() throws -> Bool {
        guard try descriptor.wait(milliseconds: Int32(Child.patience_ms)) else { throw Missing(what: "anything") }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = (try? descriptor.read(into: &chunk, from: 0, atMost: chunk.count)) ?? 0
        if count > 0 { received += chunk[..<count] }
        return count > 0
    }

    func isReadable(milliseconds: Int32) throws -> Bool { try descriptor.wait(milliseconds: milliseconds) }

    /// What has come and wasn't read before, up to the end.
    func readToEnd() throws -> String {
        while try read() {}
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
    }

    /// Reads until there are so many answers, or to the end where that comes first.
    func read(answers count: Int, haveBodies: Bool) throws -> String {
        repeat {
            let text = String(decoding: received, as: UTF8.self)
            if count > 0, text.isWhole(answers: count, haveBodies: haveBodies) { break }
        } while try read()
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
    }

    /// Reads until a text has come.
    func read(until text: String) throws {
        while !String(decoding: received, as: UTF8.self).contains(text) {
            guard try read() else { throw Missing(what: "\(text), before the end") }
        }
        received = []
    }
}

extension String {
    /// The status of each answer in what a connection gave.
    var statuses: [Int] { components(separatedBy: "HTTP/1.1 ").dropFirst().compactMap { Int($0.prefix(3)) } }

    fileprivate func isWhole(answers count: Int, haveBodies: Bool) -> Bool {
        var (rest, count) = (self[...], count)
        while count > 0 {
            guard let end = rest.firstRange(of: "\r\n\r\n") else { return false }
            let length = rest[..<end.lowerBound].firstMatch(of: /Content-Length: ([0-9]+)/).flatMap { Int($0.1) } ?? 0
            rest = rest[end.upperBound...]
            if haveBodies {
                guard rest.utf8.count >= length else { return false }
                rest = rest[rest.utf8.index(rest.startIndex, offsetBy: length)...]
            }
            count -= 1
        }
        return true
    }

    /// What comes behind the headers.
    var body: String { components(separatedBy: "\r\n\r\n").dropFirst().joined(separator: "\r\n\r\n") }
}
