import LinuxSystem
import PowercapProtocol

/// The socket, its connections, and the script that comes on standard input. One thread.
final class Server {
    private let path: String
    private let helper = Helper()
    private let signals: Signals
    private let epoll: Epoll
    private var listener: Listener?
    private var connections: [UInt64: Connection] = [:]
    private var lastToken = Token.firstConnection
    private let standardInput = Descriptor(owning: 0)
    private var input = LineBuffer()

    private enum Token {
        static let signals: UInt64 = 0
        static let input: UInt64 = 1
        static let listener: UInt64 = 2
        static let firstConnection: UInt64 = 3
    }

    init(at path: String) throws(Errno) {
        self.path = path
        (signals, epoll) = (try Signals(), try Epoll())
        try epoll.add(signals.number, token: Token.signals)
    }

    func listen() throws(ScriptError) {
        try? unlink(path)
        do throws(Errno) {
            let listener = try Listener(at: path)
            try epoll.add(listener.socket.number, token: Token.listener)
            self.listener = listener
        } catch { throw ScriptError(sentence: "can't listen on \(path): \(error.explanation) (\(error.name))") }
    }

    /// Serves until SIGTERM, SIGINT, or the end of a piped standard input.
    /// - Throws: a mistake in the script that comes there.
    func run() throws(ScriptError) {
        // A file or /dev/null can't be waited for (epoll_ctl(2)): then the script ends where the file given as SCRIPT ends.
        try? epoll.add(standardInput.number, token: Token.input)
        while true {
            let expiry_ms = helper.expireLease()
            guard let count = try? epoll.wait(milliseconds: expiry_ms.map { Int32(clamping: $0) } ?? -1) else { return }
            for index in 0..<count {
                switch epoll[index].token {
                case Token.signals: return stop()
                case Token.input: if try !follow() { return stop() }
                case Token.listener: accept()
                case let token: if let connection = connections[token] { serve(connection) }
                }
            }
        }
    }

    // MARK: The script

    /// Executes the lines that came on standard input: false at its end.
    private func follow() throws(ScriptError) -> Bool {
        guard input.fill(from: standardInput) else { return false }
        while let line = input.next() {
            do throws(ScriptError) { try execute(line) } catch {
                throw ScriptError(sentence: "standard input:\(input.lineNumber): \(error.sentence)")
            }
            Trace.write("done \(line)")
        }
        return true
    }

    /// Executes a script.
    func execute(file path: String) throws(ScriptError) {
        var lines = LineBuffer()
        do throws(Errno) {
            let file = try Descriptor(opening: path, .readThroughLinks)
            while lines.fill(from: file) {}
        } catch { throw ScriptError(sentence: "\(path): \(error.explanation) (\(error.name))") }
        while let line = lines.next(isLast: true) {
            do throws(ScriptError) { try execute(line) } catch {
                throw ScriptError(sentence: "\(path):\(lines.lineNumber): \(error.sentence)")
            }
        }
    }

    private func execute(_ line: String) throws(ScriptError) {
        switch try Statement(line) {
        case nil: break
        case .disconnect: for connection in connections.values { close(connection) }
        case .stop: stop()
        case .listen: try listen()
        case .restart:
            stop()
            try listen()
        case let statement?: try helper.execute(statement)
        }
    }

    /// As the helper does when it stops.
    private func stop() {
        listener = nil
        try? unlink(path)
        for connection in connections.values { close(connection) }
        helper.endControl(.restore)
    }

    // MARK: Connections

    private func accept() {
        guard let socket = try? listener?.socket.accept() else { return }
        guard helper.servesEverybody else { return Trace.write("turned away") }
        lastToken += 1
        let connection = Connection(socket, id: lastToken)
        guard (try? epoll.add(connection.descriptorNumber, token: lastToken)) != nil else { return }
        connections[lastToken] = connection
    }

    private func close(_ connection: Connection) {
        epoll.remove(connection.descriptorNumber)
        connections[connection.id] = nil
        helper.closed(connection)
    }

    private func serve(_ connection: Connection) {
        guard connection.receive() else {
            close(connection)
            return Trace.write("closed")
        }
        do throws(ProtocolError) {
            while let (header, payload) = try connection.nextFrame() {
                if connection.isMute { continue }
                let request = try Request(header.opcode, payload.span, version: connection.version)
                let fault = helper.receive(request, header.opcode)
                guard answer(request, header.requestID, fault, connection) else { return close(connection) }
            }
        } catch {
            Trace.write("violation: \(error.explanation)")
            close(connection)
        }
    }

    /// Answers as the fault has it: false when the connection ends.
    private func answer(_ request: Request, _ id: UInt16, _ fault: Fault?, _ connection: Connection) -> Bool {
        var writer = Writer()
        switch fault {
        case nil: helper.answer(request, id, connection, into: &writer)
        case .delay(let milliseconds):
            Clock.sleep(milliseconds: milliseconds)
            helper.answer(request, id, connection, into: &writer)
        case .wrongID: helper.answer(request, id &+ 1, connection, into: &writer)
        case .error(let failure): Helper.write(failure, id, into: &writer)
        case .refuseVersion: Helper.writeRefused(id, into: &writer)
        case .half:
            helper.answer(request, id, connection, into: &writer)
            connection.isMute = true
            connection.send(writer.bytes.extracting(0..<(writer.count / 2)))
            return true
        case .garbage:
            let response = Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)
            connection.send(response.span)
            return true
        case .silence:
            connection.isMute = true
            return true
        case .disconnect: return false
        }
        connection.send(writer.bytes)
        return fault != .refuseVersion
    }
}

private final class Listener {
    let socket: Descriptor

    init(at path: String) throws(Errno) { socket = try Socket.listen(at: path, mode: 0o600) }
}
