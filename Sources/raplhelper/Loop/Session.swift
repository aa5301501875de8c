import LinuxSystem
import PowercapProtocol

/// A connection.
final class Session {
    let socket: Descriptor
    let peer: Socket.Peer
    /// Tells events of this connection from those of one before it in the same slot.
    let serial: UInt32
    private(set) var clientName: Name?
    /// Of the protocol, as it was agreed on.
    private(set) var version = Greeting.highestVersion
    private(set) var lastActivity_ns: UInt64
    /// The client has gone, or sends nothing any more. What it sent before is still to be answered, unless another needs its place.
    var isLeaving = false
    private var input = InputBuffer()

    init(_ socket: consuming Descriptor, peer: Socket.Peer, serial: UInt32, now_ns: UInt64) {
        (self.peer, self.serial, lastActivity_ns) = (peer, serial, now_ns)
        self.socket = socket
    }

    var phase: Phase { clientName == nil ? .greeting : .established }
    func greeted(by name: Name, version: UInt8) { (clientName, self.version) = (name, version) }

    /// Whether it owes the rest of something: a Hello, or a frame that was started.
    var isOwing: Bool { phase == .greeting || !input.isEmpty }

    /// The higher, the later it makes room for another.
    var worth: Int { isLeaving ? 0 : phase == .greeting ? 1 : 2 }

    /// Reads what is there. A peer that drips bytes stays as old as its frame's first one.
    /// - Returns: false at the end of the stream.
    func receive(_ now_ns: UInt64) throws(Errno) -> Bool {
        let isFirst = input.isEmpty && phase == .established
        let isOpen = try input.fill(from: socket)
        if isFirst { lastActivity_ns = now_ns }
        return isOpen
    }

    /// Hands the frame to `handle` if it is complete.
    /// - Throws: what is wrong with it; the connection must then be closed.
    func take(
        _ now_ns: UInt64, _ handle: (Frame.Header, Span<UInt8>) throws(ProtocolError) -> Void
    ) throws(ProtocolError) {
        if try input.take(handle) { lastActivity_ns = now_ns }
    }
}

/// The frame that a connection is sending, as far as it has arrived. What is behind it stays in the socket until the
/// connection's next turn: whoever sends many requests at once waits for each like everybody else.
struct InputBuffer: ~Copyable {
    private var storage: [UInt8]
    private var filled = 0

    /// The longest request there is.
    static let capacity = Frame.headerBytes + Opcode.apply.row.payload.upperBound

    init() { storage = [UInt8](repeating: 0, count: InputBuffer.capacity) }

    var isEmpty: Bool { filled == 0 }

    /// Reads what is missing of the frame and has arrived.
    /// - Returns: false at the end of the stream.
    mutating func fill(from socket: borrowing Descriptor) throws(Errno) -> Bool {
        let hadHeader = filled >= Frame.headerBytes
        if !hadHeader {
            guard try read(upTo: Frame.headerBytes, from: socket) else { return false }
        }
        // What is wrong with a header, `take` finds.
        guard filled >= Frame.headerBytes, let header = try? header(), header.payloadBytes > 0 else { return true }
        do throws(Errno) { return try read(upTo: Frame.headerBytes + header.payloadBytes, from: socket) } catch {
            if hadHeader || error != .again { throw error }
            return true
        }
    }

    private mutating func read(upTo end: Int, from socket: borrowing Descriptor) throws(Errno) -> Bool {
        let count = try socket.read(into: &storage, from: filled, atMost: end - filled)
        filled += count
        return count > 0
    }

    private func header() throws(ProtocolError) -> Frame.Header {
        let header = try Frame.Header(storage.span.extracting(0..<Frame.headerBytes))
        guard header.opcode.row.direction == .request else { throw .outOfPhase }
        return header
    }

    /// - Returns: whether the frame was complete.
    mutating func take(_ handle: (Frame.Header, Span<UInt8>) throws(ProtocolError) -> Void) throws(ProtocolError) -> Bool {
        guard filled >= Frame.headerBytes else { return false }
        let header = try header()
        guard filled == Frame.headerBytes + header.payloadBytes else { return false }
        try handle(header, storage.span.extracting(Frame.headerBytes..<filled))
        filled = 0
        return true
    }
}
