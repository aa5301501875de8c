import Documents
import PowercapProtocol
import Testing

/// docs/protocol.md against the code: a number, a name or a bound can't change in one of them alone.
@Suite struct DocumentTests {
    let document: Document

    init() throws { document = try Document(page: "docs/protocol.md") }

    @Test func `the table of frame types is that of the code`() {
        let expected = Opcode.allCases.map { opcode in
            let row = opcode.row
            let (low, high) = (row.payload.lowerBound, row.payload.upperBound)
            return [
                "0x" + (opcode.rawValue < 16 ? "0" : "") + String(opcode.rawValue, radix: 16), "\(row.name)",
                row.direction == .request ? "request" : "reply", row.phase == .greeting ? "greeting" : "established",
                low == high ? "\(low)" : "\(low)–\(high)",
            ]
        }
        #expect(document.table("Frame types", startingWith: "type") == expected)
    }

    @Test func `the table of bounds is that of the code`() {
        #expect(
            document.table("Frame types", startingWith: "bound") == [
                ["bytes of a frame with its length field", "\(Frame.maximumBytes)"],
                ["zones of a helper", "\(Limits.zones)"],
                ["constraints of a zone", "\(Limits.constraintsPerZone)"],
                ["items of an Apply", "\(Limits.itemsPerBatch)"],
                ["bytes of a name", "\(Limits.nameBytes)"],
            ])
    }

    @Test func `the magic and the version are those of the code`() {
        #expect(document.text.hasPrefix("# The protocol of raplhelper, version \(Greeting.highestVersion)\n"))
        #expect(
            document.table("Hello", startingWith: "field").first?[2].contains("0x\(String(Greeting.magic, radix: 16))") == true)
    }

    /// Both ways: every number that the code has is in the document, and no other.
    @Test func `the enumerations are those of the code`() {
        func numbered<Value: CaseIterable & RawRepresentable>(_: Value.Type) -> [[String]] {
            Value.allCases.map { ["\($0.rawValue)", "\($0)"] }
        }
        #expect(document.names("Write policy") == numbered(WritePolicy.self))
        #expect(document.names("Limit disposal") == numbered(LimitDisposal.self))
        #expect(document.names("Refusal reasons") == numbered(RefusalReason.self))
        #expect(document.names("Error codes") == numbered(ErrorCode.self))
        #expect(document.names("Obstacles") == numbered(Obstacle.self))
        #expect(document.names("Readings") == numbered(ReadingKind.self))
        for obstacle in Obstacle.allCases { #expect("\(obstacle.name)" == "\(obstacle)") }
        #expect(
            document.names("Enabled")
                == (UInt8.min...UInt8.max).compactMap { ZoneSample.Enabled(rawValue: $0) }.map { ["\($0.rawValue)", "\($0)"] })
    }

    @Test func `the tables of bits are those of the code`() {
        #expect(
            document.names("Sandbox bits") == SandboxBits.names.map { ["\($0.0.rawValue.trailingZeroBitCount)", "\($0.1)"] })
        #expect(
            document.names("Zone flags") == ZoneSample.Flags.names.map { ["\($0.0.rawValue.trailingZeroBitCount)", "\($0.1)"] })
        #expect(document.names("Boot bits") == BootBits.names.map { ["\($0.0.rawValue.trailingZeroBitCount)", "\($0.1)"] })
        let flags: [(ConstraintDescription.Flags, String)] = [
            (.originalKnown, "originalKnown"), (.hasTimeWindow, "hasTimeWindow"), (.changed, "changed"),
            (.fallbackKept, "fallbackKept"), (.originalDisabled, "originalDisabled"), (.isSlow, "isSlow"),
        ]
        #expect(document.names("Constraint flags") == flags.map { ["\($0.0.rawValue.trailingZeroBitCount)", $0.1] })
    }

    @Test func `the sentences of errors are those that the helper sends`() {
        #expect(
            document.table("Error codes", startingWith: "number").map { Array($0[1...2]) }
                == ErrorCode.allCases.map { ["\($0)", "\($0.explanation)"] })
    }

    @Test func `the words of obstacles are those of the code`() {
        #expect(
            document.table("Obstacles", startingWith: "number").map { Array($0[1...2]) }
                == Obstacle.allCases.map { ["\($0)", "\($0.explanation)"] })
    }

    @Test func `what ends a connection is what the code refuses`() {
        #expect(
            document.table("What ends a connection", startingWith: "name")
                == ProtocolError.allCases.map { ["\($0)", "\($0.explanation)"] })
    }

    /// The field tables, added up, give the bounds of the table of frame types.
    @Test(arguments: Opcode.allCases) func `the fields of a payload add up to its bounds`(_ opcode: Opcode) throws {
        let size = try document.size(of: "\(opcode.row.name)")
        let bounds = opcode.row.payload
        #expect(size.lowerBound == bounds.lowerBound)
        // A list of zones can end at the frame's own limit.
        #expect(size.upperBound == bounds.upperBound || bounds.upperBound == Frame.maximumPayload)
    }

    @Test func `every enumeration that a field points to is there`() {
        for line in document.text.split(separator: "\n") {
            guard let start = line.firstRange(of: "(#")?.upperBound, let end = line[start...].firstIndex(of: ")") else {
                continue
            }
            let anchor = String(line[start..<end])
            #expect(document.anchors.contains(anchor), "\(anchor)")
        }
    }

    @Test func `the examples are blocks of the vectors' file`() throws {
        let blocks = try Repository.text("Tests/Fixtures/protocol/vectors.txt").split(separator: "\n\n").dropFirst().map(
            String.init)
        let examples = document.text.split(separator: "```vector\n").dropFirst().map { String($0.split(separator: "\n```")[0]) }
        #expect(examples.count >= 10)
        for example in examples {
            #expect(
                blocks.contains { $0.hasPrefix(example) && $0.dropFirst(example.count).allSatisfy(\.isNewline) }, "\(example)")
        }
    }
}

extension Document {
    private static let sizes: [String: ClosedRange<Int>] = [
        "u8": 1...1, "u16": 2...2, "u32": 4...4, "u64": 8...8, "flag": 1...1, "name": 2...64, "text": 1...256,
    ]

    /// The shortest and the longest that the fields below `heading` can be.
    func size(of heading: String) throws -> ClosedRange<Int> {
        var (low, high) = (0, 0)
        for row in table(heading, startingWith: "field") {
            let words = row[1].split(separator: " ").map(String.init)
            let size = try #require(Document.sizes[words[0]], "\(row)")
            (low, high) = (low + size.lowerBound, high + size.upperBound)
            guard words.count == 5 else { continue }
            // `u8 + Item × 1–64`
            let element = try self.size(of: words[2])
            try #require(element.lowerBound > 0, "\(words[2]) has no table")
            let counts = words[4].split(separator: "–").compactMap { Int($0) }
            low += counts[0] * element.lowerBound
            high += counts[1] * element.upperBound
        }
        return low...high
    }
}
