import PowercapProtocol
import Testing

@Suite struct NameTests {
    @Test(arguments: ["a", "package-0", "intel-rapl:0:a", "long_term", "!", "~", String(repeating: "x", count: 63)])
    func `a name of printable ASCII without spaces is taken and given back`(_ text: String) throws {
        let name = try #require(Name(text))
        #expect(name.string == text)
        #expect(name.count == text.utf8.count)
        #expect((0..<name.count).map { name[$0] } == Array(text.utf8))
    }

    @Test(arguments: [
        "", " ", "a b", "a\n", "\ta", "a\u{0}", "a\u{7F}", "é", "µW", "package‐0", String(repeating: "x", count: 64),
    ])
    func `a name that is empty, too long or not printable ASCII is refused`(_ text: String) {
        #expect(Name(text) == nil)
    }

    @Test func `every byte is either taken or refused, alone and behind others`() {
        for byte in UInt8.min...UInt8.max {
            let isTaken = 0x21...0x7E ~= byte
            #expect((Name([byte].span) != nil) == isTaken, "\(byte)")
            #expect((Name([UInt8(ascii: "a"), byte].span) != nil) == isTaken, "\(byte)")
        }
    }

    @Test func `names are equal when all their bytes are`() {
        #expect(name("dram") == name("dram"))
        #expect(name("dram") == Name(constant: "dram"))
        #expect(name("dram") != name("dran"))
        #expect(name("package-1") != name("package-10"))
        #expect(name("package-10") != name("package-1"))
    }

    @Test func `a name on the wire is its length and its bytes`() throws {
        var writer = Writer(capacity: 16)
        writer.name(name("psys"))
        #expect((0..<writer.count).map { writer.bytes[$0] } == [4] + Array("psys".utf8))
        var reader = Reader(writer.bytes)
        #expect(try reader.name() == name("psys"))
        #expect(reader.remaining == 0)
    }
}
