import LinuxSystem
import PowercapProtocol

/// A client's connection.
final class Connection {
    let id: UInt64
    private let socket: Descriptor
    private var input: [UInt8] = []
    /// From Hello.
    var client: Name?
    var version = Greeting.highestVersion
    /// Nothing is read or sent any more.
    var isMute = false

    var descriptorNumber: Int32 { socket.number }

    init(_ socket: consuming Descriptor, id: UInt64) {
        self.id = id
        self.socket = socket
    }

    /// Reads what is there: false at the end.
    func receive() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 4096)
        do throws(Errno) {
            let count = try socket.read(into: &chunk, from: 0, atMost: chunk.count)
            input += chunk[..<count]
            return count > 0
        } catch { return error == .again }
    }

    /// Takes the next complete frame out of what was read.
    func nextFrame() throws(ProtocolError) -> (Frame.Header, payload: [UInt8])? {
        guard input.count >= Frame.headerBytes else { return nil }
        let header = try Frame.Header(input.span.extracting(0..<Frame.headerBytes))
        let end = Frame.headerBytes + header.payloadBytes
        guard input.count >= end else { return nil }
        defer { input.removeFirst(end) }
        guard header.opcode.row.phase == (client == nil ? .greeting : .established) else { throw .outOfPhase }
        return (header, Array(input[Frame.headerBytes..<end]))
    }

    /// Replies fit into the socket's buffer. If the client is gone, its end comes as the next event.
    func send(_ bytes: Span<UInt8>) { _ = try? socket.write(bytes) }
}
