import LinuxSystem
import PowercapProtocol
import Testing

@testable import raplhelper

@Suite("The input of a connection")
struct InputBufferTests {
    /// A frame as it was handed over.
    struct Received: Equatable {
        let opcode: Opcode
        let requestID: UInt16
        let payload: [UInt8]
    }

    /// What is sent in a row, and the frames that it holds.
    private static func conversation() -> (bytes: [UInt8], frames: [Received]) {
        var writer = Writer()
        writer.begin(.hello, requestID: 1)
        Hello(clientName: Name(constant: "test")).encode(into: &writer)
        writer.end()
        writer.begin(.ping, requestID: 2)
        writer.end()
        writer.begin(.apply, requestID: 3)
        writer.u64(0xFFFF_FFFF_FFFF_FFFF)
        writer.u8(2)
        for zone in 0..<2 { ApplyItem(zone: UInt16(zone), constraint: 0, limit: Microwatts(60_000_000)).encode(into: &writer) }
        writer.end()
        writer.begin(.release, requestID: 4)
        writer.u64(1)
        writer.u8(0)
        writer.end()
        var bytes: [UInt8] = []
        for index in 0..<writer.count { bytes.append(writer.bytes[index]) }
        var frames: [Received] = []
        var start = 0
        while start < bytes.count {
            let length = Int(bytes[start]) | Int(bytes[start + 1]) << 8
            frames.append(
                Received(
                    opcode: Opcode(rawValue: bytes[start + 4])!, requestID: UInt16(bytes[start + 6]),
                    payload: Array(bytes[(start + 8)..<(start + 4 + length)])))
            start += 4 + length
        }
        return (bytes, frames)
    }

    /// What becomes of `pieces`, each sent on its own and read before the next, in as many turns as it takes.
    private func receive(_ pieces: [ArraySlice<UInt8>]) throws -> [Received] {
        let pair = try SocketPair()
        var input = InputBuffer()
        var received: [Received] = []
        for piece in pieces where !piece.isEmpty {
            let bytes = Array(piece)
            #expect(try pair.far.write(bytes.span) == bytes.count)
            while try pair.near.wait(milliseconds: 0) { received += try takeTurn(&input, pair.near) }
        }
        let isEmpty = input.isEmpty
        #expect(isEmpty)
        return received
    }

    /// The frame that one turn gives, or none.
    private func takeTurn(_ input: inout InputBuffer, _ socket: borrowing Descriptor) throws -> [Received] {
        var received: [Received] = []
        let isOpen = try input.fill(from: socket)
        #expect(isOpen)
        _ = try input.take { header, payload throws(ProtocolError) in
            var copy: [UInt8] = []
            for index in 0..<payload.count { copy.append(payload[index]) }
            received.append(Received(opcode: header.opcode, requestID: header.requestID, payload: copy))
        }
        return received
    }

    @Test("gives one frame at a turn, and leaves what is behind it in the socket")
    func oneAtATurn() throws {
        let (bytes, frames) = Self.conversation()
        let pair = try SocketPair()
        #expect(try pair.far.write(bytes.span) == bytes.count)
        var input = InputBuffer()
        for frame in frames { #expect(try takeTurn(&input, pair.near) == [frame]) }
        #expect(throws: Errno.again) { try input.fill(from: pair.near) }
    }

    @Test("gives the same frames however the stream is cut in two")
    func splitInTwo() throws {
        let (bytes, frames) = Self.conversation()
        #expect(frames.map(\.opcode) == [.hello, .ping, .apply, .release])
        for cut in 0...bytes.count { #expect(try receive([bytes[..<cut], bytes[cut...]]) == frames, "cut at \(cut)") }
    }

    @Test("gives the same frames when every byte comes alone")
    func byteByByte() throws {
        let (bytes, frames) = Self.conversation()
        #expect(try receive(bytes.indices.map { bytes[$0...$0] }) == frames)
    }

    @Test("gives the same frames in pieces of any size", arguments: 1...20 as ClosedRange<UInt64>)
    func pieces(_ seed: UInt64) throws {
        let (bytes, frames) = Self.conversation()
        var random = SplitMix(seed: seed)
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + .random(in: 1...40, using: &random))
            pieces.append(bytes[start..<end])
            start = end
        }
        #expect(try receive(pieces) == frames)
    }

    @Test("holds the longest request, to the last byte")
    func longest() throws {
        var writer = Writer()
        writer.begin(.apply, requestID: 9)
        writer.u64(1)
        writer.u8(UInt8(Limits.itemsPerBatch))
        for zone in 0..<Limits.itemsPerBatch {
            ApplyItem(zone: UInt16(zone), constraint: 0, limit: Microwatts(1), window_us: 1).encode(into: &writer)
        }
        writer.end()
        #expect(writer.count == InputBuffer.capacity)
        var bytes: [UInt8] = []
        for index in 0..<writer.count { bytes.append(writer.bytes[index]) }
        #expect(try receive([bytes[..<(bytes.count - 1)], bytes[(bytes.count - 1)...]]).count == 1)
    }

    @Test(
        "is malformed as soon as a header is, without waiting for a payload",
        arguments: [
            ([3, 0, 0, 0, 8, 0, 0, 0], .frameTooShort), ([0, 0, 1, 0, 6, 0, 0, 0], .frameTooLong),
            ([0xFF, 0xFF, 0xFF, 0xFF, 8, 0, 0, 0], .frameTooLong), ([4, 0, 0, 0, 0, 0, 0, 0], .unknownType),
            ([4, 0, 0, 0, 8, 1, 0, 0], .unknownFlags), ([5, 0, 0, 0, 8, 0, 0, 0], .payloadLength),
            ([4, 0, 0, 0, 6, 0, 0, 0], .payloadLength), ([4, 0, 0, 0, 0x88, 0, 0, 0], .outOfPhase),
        ] as [([UInt8], ProtocolError)])
    func malformed(_ header: [UInt8], _ error: ProtocolError) throws {
        #expect(throws: error) { try receive([header[...]]) }
    }

    @Test("tells an empty stream from a closed one")
    func endOfStream() throws {
        var input = InputBuffer()
        let near: Descriptor
        do {
            let pair = try SocketPair()
            #expect(throws: Errno.again) { try input.fill(from: pair.near) }
            near = Descriptor(owning: duplicate(pair.near.number))
        }
        let isOpen = try input.fill(from: near)
        #expect(!isOpen)
    }
}
