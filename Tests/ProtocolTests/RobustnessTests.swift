import PowercapProtocol
import Testing

/// Properties of every frame: a peer can send anything, and what it sends is refused or understood, never trapped on.
@Suite struct RobustnessTests {
    @Test(arguments: try Vector.all()) func `every truncation of a frame is refused`(_ vector: Vector) {
        for length in 0..<vector.bytes.count {
            #expect(refusal(of: Array(vector.bytes[..<length])) != nil, "\(length) bytes")
        }
    }

    /// The length field says what is there, so that the end comes inside a field.
    @Test(arguments: try Vector.all()) func `a payload that is shorter than its fields is refused`(_ vector: Vector) {
        for length in 8..<vector.bytes.count {
            #expect(refusal(of: RobustnessTests.relengthened(Array(vector.bytes[..<length]))) != nil, "\(length) bytes")
        }
    }

    @Test(arguments: try Vector.all()) func `bytes after the last field are refused`(_ vector: Vector) {
        #expect(refusal(of: vector.bytes + [0]) == .trailingBytes)
        #expect(refusal(of: RobustnessTests.relengthened(vector.bytes + [0])) != nil)
    }

    /// There is one way to write a message: what still decodes after a bit has changed is another message, whose encoding
    /// is the changed bytes. Only the sentence in an Error isn't kept.
    @Test(arguments: try Vector.all()) func `a flipped bit is refused or means something else`(_ vector: Vector) throws {
        let original = try Message(decoding: vector.bytes)
        for bit in 0..<(8 * vector.bytes.count) {
            var bytes = vector.bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            do throws(ProtocolError) {
                let message = try Message(decoding: bytes)
                #expect(message != original, "bit \(bit)")
                if message.opcode != .failure { #expect(message.encoded == bytes, "bit \(bit)") }
            } catch {}
        }
    }

    /// Each has a header that fits, so that the payload's decoder is what meets the random bytes.
    @Test(arguments: Opcode.allCases) func `a random payload is refused or understood`(_ opcode: Opcode) {
        var random = SeededGenerator(state: UInt64(opcode.rawValue))
        for _ in 0..<2_000 {
            let length = Int.random(in: opcode.row.payload.lowerBound...min(opcode.row.payload.upperBound, 600), using: &random)
            var bytes: [UInt8] = [0, 0, 0, 0, opcode.rawValue, 0, 1, 2]
            // Small numbers make counts and lengths that fit more often.
            for _ in 0..<length { bytes.append(UInt8.random(in: Bool.random(using: &random) ? 0...3 : 0...255, using: &random)) }
            let frame = RobustnessTests.relengthened(bytes)
            do throws(ProtocolError) {
                let message = try Message(decoding: frame)
                if opcode != .failure { #expect(message.encoded == frame) }
            } catch {}
        }
    }

    @Test func `random bytes are refused or understood`() {
        var random = SeededGenerator(state: 2)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...64, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = refusal(of: bytes)
        }
    }

    static func relengthened(_ frame: [UInt8]) -> [UInt8] {
        let length = UInt32(frame.count - 4)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> UInt32(8 * $0)) } + frame[4...]
    }
}
