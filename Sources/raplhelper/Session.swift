import LinuxSystem
import PowercapProtocol

/// A connection.
final class Session {
    let socket: Descriptor
    let peer: Socket.Peer
    /// Tells events of this connection from those of one before it in the same slot.
    let serial: UInt32
    private(set) var clientName: Name?
    private(set) var lastActivity_ns: UInt64
    private var input = InputBuffer()

    init(_ socket: consuming Descriptor, peer: Socket.Peer, serial: UInt32, now_ns: UInt64) {
        (self.peer, self.serial, lastActivity_ns) = (peer, serial, now_ns)
        self.socket = socket
    }

    var phase: Phase { clientName == nil ? .greeting : .established }
    func greeted(by name: Name) { clientName = name }

    /// Whether it owes the rest of something: a Hello, or a frame that was started.
    var isOwing: Bool { phase == .greeting || !input.isEmpty }

    /// Reads what is there. A peer that drips bytes stays as old as its frame's first one.
    /// - Returns: false at the end of the stream.
    func receive(_ now_ns: UInt64) throws(Errno) -> Bool {
        if input.isEmpty && phase == .established { lastActivity_ns = now_ns }
        return try input.fill(from: socket)
    }

    /// Hands the complete frames to `handle`, one after the other, as long as it answers true.
    /// - Throws: what is wrong with a frame; the connection must then be closed.
    func drain(
        _ now_ns: UInt64, _ handle: (Frame.Header, Span<UInt8>) throws(ProtocolError) -> Bool
    ) throws(ProtocolError) {
        if try input.drain(handle) { lastActivity_ns = now_ns }
    }
}

/// The bytes of a connection that aren't handled yet: at most one frame that isn't complete.
struct InputBuffer: ~Copyable {
    private var storage: [UInt8]
    private var filled = 0

    /// The longest request there is: nothing longer has to be kept.
    static let capacity = Frame.headerBytes + Opcode.apply.row.payload.upperBound

    init() { storage = [UInt8](repeating: 0, count: InputBuffer.capacity) }

    var isEmpty: Bool { filled == 0 }

    /// - Returns: false at the end of the stream.
    mutating func fill(from socket: borrowing Descriptor) throws(Errno) -> Bool {
        let count = try socket.read(into: &storage, from: filled, atMost: storage.count - filled)
        filled += count
        return count > 0
    }

    /// - Returns: whether a frame was complete.
    mutating func drain(_ handle: (Frame.Header, Span<UInt8>) throws(ProtocolError) -> Bool) throws(ProtocolError) -> Bool {
        var start = 0
        while filled - start >= Frame.headerBytes {
            let header = try Frame.Header(storage.span.extracting(start..<(start + Frame.headerBytes)))
            guard header.opcode.row.direction == .request else { throw .outOfPhase }
            let end = start + Frame.headerBytes + header.payloadBytes
            guard end <= filled else { break }
            let goesOn = try handle(header, storage.span.extracting((start + Frame.headerBytes)..<end))
            start = end
            if !goesOn { break }
        }
        guard start > 0 else { return false }
        for index in start..<filled { storage[index - start] = storage[index] }
        filled -= start
        return true
    }
}
