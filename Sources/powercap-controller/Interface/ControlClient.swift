internal import JSON
internal import LinuxSystem

/// Asks the running controller over its own socket (docs/interface.md): one request, one connection.
struct ControlClient {
    let path: String

    /// Why nothing came of it.
    enum Problem: Error, Equatable, Sendable {
        /// CONTROL_SOCKET=off.
        case off
        case unreachable(path: String, Errno)
        case silent(path: String)
        case garbled(path: String)
        /// The controller's own word, with HTTP's status.
        case refused(status: Int, String)

        /// Without a full stop.
        var sentence: String {
            switch self {
            case .off: "CONTROL_SOCKET is off: the controller can't be asked"
            case .unreachable(let path, .noEntry), .unreachable(let path, .connectionRefused):
                "no controller answers on \(path): it isn't running, has another CONTROL_SOCKET, or its log says why it can't be asked"
            case .unreachable(let path, .denied), .unreachable(let path, .notPermitted):
                "this user may not use \(path): see its mode and its directory's"
            case .unreachable(let path, let errno): "can't connect to \(path): \(errno.explanation) (\(errno.name))"
            case .silent(let path): "the controller on \(path) gives no answer: see its log"
            case .garbled(let path): "what answers on \(path) is no controller of this version"
            case .refused(_, let why): why
            }
        }

        /// There may be no controller at all.
        var isAbsence: Bool {
            switch self {
            case .off, .unreachable: true
            case .silent, .garbled, .refused: false
            }
        }
    }

    static let patience_ms: Int32 = 5_000
    private static let largest = 4 << 20

    /// nil where the socket is off.
    init(_ configuration: Configuration) throws(Problem) {
        guard let path = configuration.controlSocket else { throw .off }
        self.path = path
    }

    /// The document that comes with the answer.
    func get(_ target: String) throws(Problem) -> JSON { try exchange("GET", target, nil) }
    func put(_ target: String, _ body: JSON) throws(Problem) -> JSON { try exchange("PUT", target, body) }
    func delete(_ target: String) throws(Problem) -> JSON { try exchange("DELETE", target, nil) }

    private func exchange(_ method: String, _ target: String, _ body: JSON?) throws(Problem) -> JSON {
        let content = body?.bytes ?? []
        let head = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
        let bytes = try answer(to: Array("\(head)Content-Length: \(content.count)\r\n\r\n".utf8) + content)
        guard let (status, body) = ControlClient.parse(bytes),
            let document = try? JSON(body, .all, within: .document)
        else { throw .garbled(path: path) }
        if status >= 300 { throw .refused(status: status, document["error"]?.text ?? "the controller answers \(status)") }
        return document
    }

    private func answer(to request: [UInt8]) throws(Problem) -> [UInt8] {
        let deadline_ns = Clock.monotonic_ns + UInt64(ControlClient.patience_ms) * 1_000_000
        var bytes: [UInt8] = []
        do throws(Errno) {
            let socket = try Socket.connect(to: path, isBlocking: false)
            var sent = 0
            while sent < request.count {
                do throws(Errno) { sent += try socket.send(request.span.extracting(sent..<request.count)) } catch {
                    guard error == .again, try wait(socket, forWrite: true, until: deadline_ns) else { throw error }
                }
            }
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            while bytes.count <= ControlClient.largest {
                guard try wait(socket, forWrite: false, until: deadline_ns) else { throw .timedOut }
                let count = try socket.read(into: &chunk, from: 0, atMost: chunk.count)
                if count == 0 { break }
                bytes += chunk[..<count]
            }
        } catch { throw error == .timedOut ? .silent(path: path) : .unreachable(path: path, error) }
        return bytes
    }

    private func wait(_ socket: borrowing Descriptor, forWrite: Bool, until deadline_ns: UInt64) throws(Errno) -> Bool {
        let now_ns = Clock.monotonic_ns
        if now_ns >= deadline_ns { return false }
        return try socket.wait(forWrite: forWrite, milliseconds: Int32((deadline_ns - now_ns) / 1_000_000 + 1))
    }

    /// The status and the content of an answer whose connection has ended (RFC 9112). The server sends no transfer codings.
    static func parse(_ bytes: [UInt8]) -> (status: Int, body: [UInt8])? {
        let end = Array("\r\n\r\n".utf8)
        guard let head = bytes.indices.first(where: { bytes[$0...].starts(with: end) }) else { return nil }
        let lines = String(decoding: bytes[..<head], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return nil }
        return (status, Array(bytes[(head + end.count)...]))
    }
}
