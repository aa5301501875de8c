internal import LinuxSystem
internal import PowercapProtocol

/// The frames of one connection to the helper: a request goes out, its reply comes in, at most `patience_ms` later.
final class HelperConnection {
    private let socket: Descriptor
    private let patience_ms: Int32
    private var writer = Writer(capacity: Frame.headerBytes + Opcode.apply.row.payload.upperBound)
    private var input = [UInt8](repeating: 0, count: 4096)
    private var lastID: UInt16 = 0

    /// For waiting on; it is readable only when the helper is gone, because the helper sends nothing unasked.
    var descriptorNumber: Int32 { socket.number }

    init(to path: String, patience_ms: Int32) throws(HelperError) {
        do throws(Errno) { socket = try Socket.connect(to: path, isBlocking: false) } catch {
            throw .unreachable(path: path, error)
        }
        self.patience_ms = patience_ms
    }

    /// Sends a request and decodes its reply.
    /// - Parameters:
    ///   - encode: writes the payload.
    ///   - decode: reads the whole payload.
    func exchange<Reply>(
        _ request: Opcode, expecting expected: Opcode, _ encode: (inout Writer) -> Void,
        _ decode: (inout Reader) throws(ProtocolError) -> Reply
    ) throws(HelperError) -> Reply {
        lastID &+= 1
        writer.removeAll()
        writer.begin(request, requestID: lastID)
        encode(&writer)
        writer.end()
        let deadline_ns = Clock.monotonic_ns + UInt64(patience_ms) * 1_000_000
        let isGreeting = request == .hello
        try send(deadline_ns, isGreeting)
        try receive(Frame.headerBytes, behind: 0, deadline_ns, isGreeting)
        let header: Frame.Header
        do throws(ProtocolError) { header = try Frame.Header(input.span.extracting(0..<Frame.headerBytes)) } catch {
            throw .garbled(error)
        }
        try receive(header.payloadBytes, behind: Frame.headerBytes, deadline_ns, isGreeting)
        guard header.requestID == lastID else { throw .otherRequest }
        // A copy of the reference, not of the bytes: a span may not outlive the access to a property.
        let input = input
        var refusal: HelperError?
        do throws(ProtocolError) {
            var reader = Reader(input.span.extracting(Frame.headerBytes..<(Frame.headerBytes + header.payloadBytes)))
            switch header.opcode {
            case expected:
                let reply = try decode(&reader)
                try reader.finish()
                return reply
            case .failure: refusal = .failed(try Failure(from: &reader))
            case .refused where isGreeting: refusal = .noCommonVersion
            default: throw .outOfPhase
            }
        } catch { throw .garbled(error) }
        throw refusal ?? .garbled(.outOfPhase)
    }

    private func send(_ deadline_ns: UInt64, _ isGreeting: Bool) throws(HelperError) {
        var sent = 0
        while sent < writer.count {
            do throws(Errno) { sent += try socket.send(writer.bytes.extracting(sent..<writer.count)) } catch {
                switch error {
                case .again: try wait(forWrite: true, deadline_ns, else: .silent(patience_ms: patience_ms))
                case .brokenPipe, .connectionReset: throw .closed(greeting: isGreeting)
                default: throw .broken(error)
                }
            }
        }
    }

    /// Reads exactly `count` bytes into `input`, behind the first `offset`.
    private func receive(_ count: Int, behind offset: Int, _ deadline_ns: UInt64, _ isGreeting: Bool) throws(HelperError) {
        while input.count < offset + count { input.append(contentsOf: repeatElement(0, count: input.count)) }
        var received = 0
        while received < count {
            let isFirstByte = offset + received == 0
            do throws(Errno) {
                let got = try socket.read(into: &input, from: offset + received, atMost: count - received)
                guard got > 0 else { throw Errno.connectionReset }
                received += got
            } catch {
                switch error {
                case .again:
                    try wait(
                        forWrite: false, deadline_ns, else: isFirstByte ? .silent(patience_ms: patience_ms) : .unfinished)
                case .connectionReset: throw .closed(greeting: isGreeting && isFirstByte)
                default: throw .broken(error)
                }
            }
        }
    }

    private func wait(forWrite: Bool, _ deadline_ns: UInt64, else tooLate: HelperError) throws(HelperError) {
        let now_ns = Clock.monotonic_ns
        guard now_ns < deadline_ns else { throw tooLate }
        do throws(Errno) {
            let milliseconds = Int32((deadline_ns - now_ns + 999_999) / 1_000_000)
            if try socket.wait(forWrite: forWrite, milliseconds: milliseconds) { return }
        } catch { throw .broken(error) }
        throw tooLate
    }
}
