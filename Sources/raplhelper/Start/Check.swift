import LinuxSystem
import PowercapProtocol

/// What `--check` and `--release` do: they ask the helper that serves for a sign of life, for a supervisor's probe, or to put every
/// original limit back, before it is removed. It is a client like any other and needs no privilege; it opens the socket and
/// nothing else.
struct Check: ~Copyable {
    private let path: String
    private let socket: Descriptor
    private let deadline_ns: UInt64
    /// Of the last reply.
    private var payloadBytes = 0
    private var input = [UInt8](repeating: 0, count: Frame.headerBytes + Opcode.failure.row.payload.upperBound)

    /// A helper that works answers within a millisecond.
    private static let patience_s: UInt64 = 2

    /// - Throws: why whoever listens on `path` isn't a helper that answers, and what to do.
    static func run(_ path: String) throws(Problem) {
        var check = try Check(connecting: path)
        try check.greet { writer in
            writer.begin(.ping, requestID: 2)
            writer.end()
        }
        try check.expect(.welcome)
        try check.expect(.pong)
    }

    /// Control is taken and given up again at once.
    /// - Returns: the exit status: 1 where an original could not be put back.
    /// - Throws: why the helper on `path` couldn't be asked to.
    static func release(_ path: String) throws(Problem) -> Int32 {
        var check = try Check(connecting: path)
        try check.greet(lowestVersion: Greeting.fallbackVersion) { writer in
            writer.begin(.acquireControl, requestID: 2)
            AcquireControl(lease_ms: Lease.minimum_ms, previousToken: 0).encode(into: &writer)
            writer.end()
        }
        try check.expect(.welcome)
        try check.expect(.control)
        let token = try check.reply { reader throws(ProtocolError) in try reader.u64() }
        try check.ask { writer in
            writer.begin(.release, requestID: 3)
            writer.u64(token)
            writer.u8(LimitDisposal.restore.rawValue)
            writer.end()
        }
        try check.expect(.released)
        let released = try check.reply { reader throws(ProtocolError) in try Released(from: &reader) }
        let (level, words) = released.ending
        Log.write(level, words, released.counts)
        return released.failed > 0 ? 1 : 0
    }

    private init(connecting path: String) throws(Problem) {
        self.path = path
        deadline_ns = Clock.monotonic_ns + Check.patience_s * 1_000_000_000
        do throws(Errno) { socket = try Socket.connect(to: path, isBlocking: false) } catch {
            switch error {
            case .noEntry: throw Problem(.absent, "there is no socket \(path): start raplhelper, or name its --socket")
            case .connectionRefused:
                throw Problem(.absent, "nobody listens on \(path): raplhelper has ended, see its log and start it again")
            case .denied:
                throw Problem(
                    .denied,
                    "permission denied on \(path): uid \(Process.uid) and gid \(Process.gid) may not connect; check as another "
                        + "user, or see --socket-mode and --socket-group")
            case .again:
                throw Problem(.failed, "raplhelper doesn't take connections on \(path): it hangs or is stopped, restart it")
            default: throw Problem(.failed, "can't connect to \(path): \(error.explanation) (\(error))")
            }
        }
    }

    /// Both requests at once: the socket of a new connection has room for them.
    private borrowing func greet(
        lowestVersion: UInt8 = Greeting.lowestVersion, _ further: (inout Writer) -> Void
    ) throws(Problem) {
        try ask(isGreeting: true) { requests in
            requests.begin(.hello, requestID: 1)
            Hello(lowestVersion: lowestVersion, clientName: Name(constant: "raplhelper-check")).encode(into: &requests)
            requests.end()
            further(&requests)
        }
    }

    private borrowing func ask(isGreeting: Bool = false, _ write: (inout Writer) -> Void) throws(Problem) {
        var requests = Writer(capacity: 128)
        write(&requests)
        do throws(Errno) { _ = try socket.send(requests.bytes) } catch { throw broken(error, isGreeting: isGreeting) }
    }

    /// What the last reply says.
    private borrowing func reply<Value>(
        _ decode: (inout Reader) throws(ProtocolError) -> Value
    ) throws(Problem) -> Value {
        var reader = Reader(input.span.extracting(0..<payloadBytes))
        do throws(ProtocolError) { return try decode(&reader) } catch {
            throw Problem(.failed, "whoever listens on \(path) isn't raplhelper: stop it, or name the right --socket")
        }
    }

    /// Reads one reply, which must be this one.
    private mutating func expect(_ expected: Opcode) throws(Problem) {
        try receive(Frame.headerBytes, isGreeting: expected == .welcome)
        let header = try? Frame.Header(input.span.extracting(0..<Frame.headerBytes))
        if header?.opcode == .refused {
            throw Problem(
                .failed, "raplhelper on \(path) speaks another version of the protocol: check with the program that serves")
        }
        if header?.opcode == .failure, let count = header?.payloadBytes {
            try receive(count, isGreeting: false)
            var reader = Reader(input.span.extracting(0..<count))
            let why = (try? Failure(from: &reader))?.code.explanation ?? "it doesn't say why"
            throw Problem(.failed, "raplhelper on \(path) refuses: \(why)")
        }
        guard let header, header.opcode == expected else {
            throw Problem(.failed, "whoever listens on \(path) isn't raplhelper: stop it, or name the right --socket")
        }
        try receive(header.payloadBytes, isGreeting: false)
        payloadBytes = header.payloadBytes
    }

    private mutating func receive(_ count: Int, isGreeting: Bool) throws(Problem) {
        var received = 0
        while received < count {
            do throws(Errno) {
                let got = try socket.read(into: &input, from: received, atMost: count - received)
                guard got > 0 else { throw Errno.connectionReset }
                received += got
            } catch {
                guard error == .again else { throw broken(error, isGreeting: isGreeting && received == 0) }
                try waitForMore()
            }
        }
    }

    private borrowing func waitForMore() throws(Problem) {
        let now_ns = Clock.monotonic_ns
        if now_ns < deadline_ns {
            let milliseconds = Int32((deadline_ns - now_ns + 999_999) / 1_000_000)
            if let isReadable = try? socket.wait(milliseconds: milliseconds), isReadable { return }
        }
        throw Problem(
            .failed, "raplhelper on \(path) doesn't answer within \(Check.patience_s) s: it hangs or is stopped, restart it")
    }

    private borrowing func broken(_ error: Errno, isGreeting: Bool) -> Problem {
        guard error == .connectionReset || error == .brokenPipe else {
            return Problem(.failed, "the connection to \(path) failed: \(error.explanation) (\(error))")
        }
        guard isGreeting else {
            return Problem(.failed, "raplhelper on \(path) closed the connection: it ended or is ending, see its log")
        }
        return Problem(
            .denied,
            "raplhelper on \(path) closed the connection without an answer: uid \(Process.uid) and gid \(Process.gid) aren't on "
                + "its list, add --allow-uid or --allow-gid to its flags")
    }
}
