import PowercapProtocol
import Testing

@Suite struct FrameTests {
    /// Bytes that are wrong, and in what way. Whole frames unless the row says otherwise.
    static let malformed: [(why: String, hexadecimal: String, error: ProtocolError)] = [
        ("nothing at all", "", .truncated),
        ("half a header", "04000000", .truncated),
        ("a length of 0", "00000000 08 00 0100", .frameTooShort),
        ("a length of 3", "03000000 08 00 0100", .frameTooShort),
        ("a length one beyond the largest frame", "fdff0000 82 00 0100", .frameTooLong),
        ("the largest length there is", "ffffffff 82 00 0100", .frameTooLong),
        ("type 0", "04000000 00 00 0100", .unknownType),
        ("a type between requests and replies", "04000000 09 00 0100", .unknownType),
        ("the reply of a request that doesn't exist", "04000000 89 00 0100", .unknownType),
        ("the lowest flag", "04000000 08 01 0100", .unknownFlags),
        ("the highest flag", "04000000 08 80 0100", .unknownFlags),
        ("Ping with a payload", "05000000 08 00 0100 00", .payloadLength),
        ("Renew without a token", "04000000 05 00 0100", .payloadLength),
        ("Renew with a byte too few", "0b000000 05 00 0100 88776655443322", .payloadLength),
        ("Renew with a byte too many", "0d000000 05 00 0100 8877665544332211 00", .payloadLength),
        ("Hello with an empty name", "0b000000 01 00 0100 50575243 01 01 00", .payloadLength),
        ("Apply without items", "0d000000 06 00 0100 8877665544332211 00", .payloadLength),
        ("Renew that stops in its token", "0c000000 05 00 0100 88776655", .truncated),
        ("Hello whose name is longer than what is there", "0c000000 01 00 0100 50575243 01 01 02 61", .truncated),
        ("Hello with a byte behind its name", "0d000000 01 00 0100 50575243 01 01 01 61 00", .trailingBytes),
        (
            "Apply with fewer items than it counts",
            "2a000000 06 00 0100 8877665544332211 02 0000 00 00 0087930300000000 0000000000000000 00 0000000000000000", .truncated
        ),
        (
            "Apply with more items than it counts",
            "47000000 06 00 0100 8877665544332211 01 0000 00 00 0087930300000000 0000000000000000 00 0000000000000000"
                + "0000 01 00 0087930300000000 0000000000000000 00 0000000000000000", .trailingBytes
        ),
        (
            "Apply with a fallback limit and no flag for it",
            "2a000000 06 00 0100 8877665544332211 01 0000 00 00 0087930300000000 0000000000000000 00 40420f0000000000", .badValue
        ),
        ("Error that stops in its text", "13000000 ff 00 0100 0400 0000 ffff 0000000000000000 01", .truncated),
        ("Hello of another protocol", "0c000000 01 00 0100 50575244 01 01 01 61", .badMagic),
        ("Hello with a name that has a space", "0e000000 01 00 0100 50575243 01 01 03 612062", .badText),
        ("Hello with a name that has a newline", "0e000000 01 00 0100 50575243 01 01 03 610a62", .badText),
        ("Hello with a name that isn't ASCII", "0d000000 01 00 0100 50575243 01 01 02 c2b5", .badText),
        (
            "Zones with an empty name of its holder",
            "0f000000 82 00 0100 00000000 00 0000 0000 0000", .badText
        ),
        ("Hello whose lowest version is above its highest", "0c000000 01 00 0100 50575243 02 01 01 61", .badValue),
        (
            "Apply that counts 0 items",
            "2a000000 06 00 0100 8877665544332211 00 0000 00 00 0087930300000000 0000000000000000 00 0000000000000000", .badValue
        ),
        (
            "Apply that counts 65 items",
            "2a000000 06 00 0100 8877665544332211 41 0000 00 00 0087930300000000 0000000000000000 00 0000000000000000", .badValue
        ),
        (
            "Apply with a flag of 2",
            "2a000000 06 00 0100 8877665544332211 01 0000 00 02 0087930300000000 40420f0000000000 00 0000000000000000", .badValue
        ),
        (
            "Apply with a window and no flag for it",
            "2a000000 06 00 0100 8877665544332211 01 0000 00 00 0087930300000000 40420f0000000000 00 0000000000000000", .badValue
        ),
        (
            "Zones with an obstacle of 12",
            "67000000 82 00 0100 00000000 01 2d 0100 0100 0000 ffff 01 61 01 62 01 63 01 0000000000000000 01"
                + "00 01 61 00 0c 0000000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000"
                + "0000000000000000 0000000000000000",
            .badValue
        ),
        ("Release with a disposal of 3", "0d000000 07 00 0100 8877665544332211 03", .badValue),
        ("Refused for reason 0", "06000000 fe 00 0100 00 00", .badValue),
        ("Error with code 0", "13000000 ff 00 0100 0000 0000 ffff 0000000000000000 00", .badValue),
        ("Error with a code that doesn't exist", "13000000 ff 00 0100 1800 0000 ffff 0000000000000000 00", .badValue),
        (
            "Zones with a zone of 5 constraints",
            "22000000 82 00 0100 00000000 01 2d 0100 0100 0000 ffff 01 61 01 62 01 63 01 0000000000000000 05", .badValue
        ),
        (
            "Zones with a reading of 3",
            "22000000 82 00 0100 00000000 01 2d 0100 0100 0000 ffff 01 61 01 62 01 63 03 0000000000000000 00", .badValue
        ),
        (
            "Sample with a zone of 5 constraints",
            "1e000000 83 00 0100 0000000000000000 0100 0000 00 00 00 0000000000000000 0000 05", .badValue
        ),
        (
            "Sample with a zone whose last write failed for a reason that doesn't exist",
            "1e000000 83 00 0100 0000000000000000 0100 0000 00 00 00 0000000000000000 1800 00", .badValue
        ),
        (
            "Sample with a zone that is neither enabled nor not",
            "1e000000 83 00 0100 0000000000000000 0100 0000 00 03 00 0000000000000000 0000 00", .badValue
        ),
    ]

    @Test(arguments: FrameTests.malformed.map(\.why)) func `a malformed frame is refused with its reason`(_ why: String) throws {
        let row = try #require(FrameTests.malformed.first { $0.why == why })
        #expect(refusal(of: try hex(row.hexadecimal)) == row.error)
    }

    /// `outOfPhase` isn't about a frame but about when it comes: the helper's tests have it.
    @Test func `every way to be malformed is in the table`() {
        for error in ProtocolError.allCases where error != .outOfPhase {
            #expect(FrameTests.malformed.contains { $0.error == error }, "\(error)")
        }
    }

    /// What is wrong with the length comes first: nothing else in the frame can be relied on then.
    @Test func `a wrong length is reported before a wrong type and wrong flags`() throws {
        #expect(refusal(of: try hex("03000000 00 ff 0100")) == .frameTooShort)
        #expect(refusal(of: try hex("ffffffff 00 ff 0100")) == .frameTooLong)
    }

    @Test func `a header says type, request id and the payload's length`() throws {
        let bytes = try hex("0c000000 05 00 feca")
        #expect(try Frame.Header(bytes.span) == Frame.Header(opcode: .renew, requestID: 0xCAFE, payloadBytes: 8))
    }

    @Test func `the largest frame is taken and one byte more is not`() throws {
        let largest = try hex("fcff0000 82 00 0100")
        #expect(try Frame.Header(largest.span).payloadBytes == Frame.maximumPayload)
        #expect(Frame.maximumPayload + Frame.headerBytes == 65_536)
    }

    @Test func `frames are written one behind the other`() throws {
        let (first, second) = (Message(1, .ping), Message(2, .renew(token: 7)))
        var writer = Writer(capacity: 64)
        writer.begin(.ping, requestID: 1)
        writer.end()
        writer.begin(.renew, requestID: 2)
        writer.u64(7)
        writer.end()
        #expect(writer.count == first.encoded.count + second.encoded.count)
        #expect((0..<writer.count).map { writer.bytes[$0] } == first.encoded + second.encoded)
        writer.removeAll()
        #expect(writer.count == 0)
    }

    @Test func `integers are little-endian`() throws {
        let bytes = try hex("01 0203 04050607 08090a0b0c0d0e0f")
        var reader = Reader(bytes.span)
        #expect(try reader.u8() == 0x01)
        #expect(try reader.u16() == 0x0302)
        #expect(try reader.u32() == 0x0706_0504)
        #expect(try reader.u64() == 0x0F0E_0D0C_0B0A_0908)
        #expect(reader.remaining == 0)
        #expect(throws: Never.self) { try reader.finish() }
    }

    @Test func `a sentence of more than 255 bytes is cut`() {
        var writer = Writer(capacity: 512)
        let sentence: StaticString = """
            0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 \
            0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 \
            0123456789 0123456789 0123456789 0123456789
            """
        #expect(sentence.utf8CodeUnitCount > 255)
        writer.text(sentence)
        #expect(writer.count == 256)
        #expect(writer.bytes[0] == 255)
    }

    // MARK: Versions

    @Test(
        arguments: [(2, 2, 2), (1, 2, 2), (0, 255, 3), (2, 9, 3), (3, 3, 3), (1, 1, nil), (0, 1, nil), (4, 9, nil), (0, 0, nil)]
            as [(UInt8, UInt8, UInt8?)])
    func `the highest version that both sides speak is chosen`(_ lowest: UInt8, _ highest: UInt8, _ common: UInt8?) {
        let hello = Hello(lowestVersion: lowest, highestVersion: highest, clientName: name("a"))
        #expect(hello.commonVersion == common)
    }
}
