import Foundation
import TestSupport
import Testing

@testable import JSON

struct JSONTests {
    @Test(
        "a text of RFC 8259 is read",
        arguments: [
            ("null", .null), (" true ", .flag(true)), ("\t\r\nfalse\n", .flag(false)), ("0", .number("0")), ("-0", .number("-0")),
            ("-12.50e+03", .number("-12.50e+03")), ("1E-9", .number("1E-9")), ("1e5", .number("1e5")),
            ("\"\"", ""), ("\"a b\"", "a b"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
            (#""\u0000\u001F""#, "\u{0}\u{1F}"),
            (#""\u00e9\u00C9é""#, "éÉé"), (#""\ud83d\ude00""#, "😀"), (#""\uD83D\uDE00😀""#, "😀😀"),
            (#""\uDBFF\uDFFF""#, "\u{10FFFF}"),
            ("\"\u{7F}\u{2028}\"", "\u{7F}\u{2028}"), ("[]", []), ("[ ]", []),
            ("[1, [2],{}]", .list([.number("1"), .list([.number("2")]), [:]])),
            ("{}", [:]), ("{ }", [:]), (#"{"":null,"a":{"b":[]}}"#, ["": .null, "a": ["b": []]]),
            (#"{"\u0061":1}"#, ["a": .number("1")]),
        ] as [(String, JSON)])
    func valid(_ text: String, _ value: JSON) throws {
        #expect(try JSON(Array(text.utf8)) == value)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", " ", "nul", "nullx", "True", "+1", "01", "-", "1.", ".5", "1e", "1e+", "0x1", "NaN", "Infinity", "1 2", "\"",
            "\"a",
            "'a'", #""\x""#, #""\u12""#, #""\u12g4""#, #""\ud83d""#, #""\ud83dx""#, #""\ud83d\n""#, #""\ud83d\u0041""#,
            #""\ude00""#,
            "\"a\nb\"", "\"a\tb\"", "\"\\a\u{1}\"", "[", "[1", "[1,]", "[,]", "[1 2]", "]", "{", "{a:1}", #"{"a"}"#, #"{"a":}"#,
            #"{"a":1,}"#,
            #"{"a":1"#, #"{"a" 1}"#, #"{1:2}"#, "{} {}", "null,", "\u{FEFF}null", "// x", "[1]//",
        ])
    func invalid(_ text: String) {
        #expect(throws: JSONProblem.self) { try JSON(Array(text.utf8)) }
    }

    @Test(
        "a text that isn't UTF-8 is refused, in a name as in a value",
        arguments: [
            [0x80], [0xC3], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80],
            [0xE2, 0x82],
            [0xFF],
        ] as [[UInt8]])
    func notUTF8(_ bytes: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        #expect(throws: JSONProblem.self) { try JSON([quote] + bytes + [quote]) }
        #expect(throws: JSONProblem.self) { try JSON([quote, UInt8(ascii: "\\"), UInt8(ascii: "n")] + bytes + [quote]) }
        #expect(throws: JSONProblem.self) { try JSON(Array("{\"".utf8) + bytes + Array("\":1}".utf8)) }
    }

    @Test("what is malformed is found where it stands")
    func offset() {
        #expect(throws: JSONProblem.malformed(offset: 6)) { try JSON(Array(#"{"a": x}"#.utf8)) }
        #expect(throws: JSONProblem.malformed(offset: 5)) { try JSON(Array("null x".utf8)) }
    }

    @Test("64 levels are read, and one more is refused, however deep it goes on", arguments: [("[", "]"), ("{\"a\":", "}")])
    func depth(_ open: String, _ close: String) throws {
        func nested(_ levels: Int) -> [UInt8] {
            Array((String(repeating: open, count: levels) + "1" + String(repeating: close, count: levels)).utf8)
        }
        _ = try JSON(nested(63))
        #expect(throws: JSONProblem.tooDeep) { try JSON(nested(64)) }
        #expect(throws: JSONProblem.tooDeep) { try JSON(nested(100_000)) }
        #expect(throws: JSONProblem.tooDeep) { try JSON(Array(String(repeating: open, count: 1_000_000).utf8)) }
    }

    @Test("of a name that comes twice the last value counts")
    func duplicates() throws {
        let value = try JSON(Array(#"{"a":"1","b":"2","a":"3"}"#.utf8))
        #expect(value["a"] == "3")
        #expect(value.texts == ["a": "3", "b": "2"])
    }

    @Test(
        "a number is an integer where it is a whole number of 64 bits",
        arguments: [
            ("0", 0), ("18446744073709551615", .max), ("18446744073709551616", nil), ("-1", nil), ("1.0", nil), ("1e3", nil),
            ("99999999999999999999999999999999", nil),
        ] as [(String, UInt64?)])
    func integers(_ text: String, _ number: UInt64?) throws {
        #expect(try JSON(Array(text.utf8)).integer == number)
    }

    @Test("a value is read as nothing but what it is")
    func accessors() {
        let values: [JSON] = [.null, .flag(true), .number("1"), "text", ["a"], ["a": "b"]]
        #expect(values.map { $0.text } == [nil, nil, nil, "text", nil, nil])
        #expect(values.map { $0.flag } == [nil, true, nil, nil, nil, nil])
        #expect(values.map { $0.integer } == [nil, nil, 1, nil, nil, nil])
        #expect(values.map { $0.elements?.count } == [nil, nil, nil, nil, 1, nil])
        #expect(values.map { $0["a"] } == [nil, nil, nil, nil, nil, "b"])
        #expect((["a": "b", "c": .null, "d": .number("1")] as JSON).texts == ["a": "b"])
    }

    // MARK: Properties

    private static func random(_ depth: Int, _ generator: inout SeededGenerator) -> JSON {
        switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &generator) {
        case 0: return .null
        case 1: return .flag(.random(using: &generator))
        case 2: return .number("\(Int.random(in: -99...99, using: &generator))")
        case 3: return .text(text(&generator))
        case 4: return .list((0..<Int.random(in: 0..<5, using: &generator)).map { _ in random(depth - 1, &generator) })
        default:
            return .object(
                (0..<Int.random(in: 0..<5, using: &generator)).map { _ in
                    JSON.Member(text(&generator), random(depth - 1, &generator))
                })
        }
    }

    private static func text(_ generator: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<12, using: &generator) {
            let highest: UInt32 = [0x20, 0x7F, 0x7FF, 0xFFFF, 0x10FFFF].randomElement(using: &generator)!
            text.unicodeScalars.append(Unicode.Scalar(UInt32.random(in: 0...highest, using: &generator)) ?? "\"")
        }
        return text
    }

    @Test("whatever is written is read back as it was, here and by Foundation")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<2_000 {
            let value = Self.random(5, &generator)
            #expect(try JSON(value.bytes) == value)
            _ = try JSONSerialization.jsonObject(with: Data(value.bytes), options: .fragmentsAllowed)
        }
    }

    @Test("texts with anything changed are read or refused as Foundation has it, and never end the program")
    func mutations() throws {
        var generator = SeededGenerator(seed: 2)
        let alphabet = Array("{}[]\",:\\/ubtrfnlse0123456789.-+eE \n\u{0}".utf8) + [0x80, 0xC3, 0xFF]
        var read = 0
        for _ in 0..<20_000 {
            var bytes = Self.random(3, &generator).bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0...bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes.insert(alphabet.randomElement(using: &generator)!, at: place)
                case 1 where place < bytes.count: bytes.remove(at: place)
                default: bytes.removeSubrange(place...)
                }
            }
            guard let value = try? JSON(bytes) else { continue }
            read += 1
            #expect(try JSON(value.bytes) == value)
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed) }
        }
        #expect(read > 100)
    }

    @Test("random bytes are refused, and never end the program")
    func noise() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = try? JSON(bytes)
        }
    }

    @Test("every recorded answer of a real server is read as Foundation reads it")
    func recordings() throws {
        let directory = Fixture.path("kubernetes")
        let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".json") }
        #expect(names.count > 40)
        for name in names {
            let data = try Data(contentsOf: URL(filePath: "\(directory)/\(name)"))
            let value = try JSON(Array(data))
            let other = try JSONSerialization.jsonObject(with: data) as? NSDictionary
            #expect(try JSONSerialization.jsonObject(with: Data(value.bytes)) as? NSDictionary == other)
        }
    }
}

struct JSONFieldTests {
    private static let top = JSONField(
        top: ["a": ["b": [.number("1"), .number("300"), "text", .flag(true), .null]], "c": .null])

    @Test("a field is read as what it is")
    func read() throws {
        let fields = try Self.top.member("a").member("b").elements()
        #expect(try fields[0].integer() as UInt8 == 1)
        #expect(try fields[1].integer() as UInt64 == 300)
        #expect(try fields[2].text() == "text")
        #expect(try fields[3].flag())
        #expect(try Self.top.optional("c") { field throws(JSONField.Problem) in try field.text() } == nil)
        #expect(try Self.top.optional("d") { field throws(JSONField.Problem) in try field.text() } == nil)
    }

    @Test("what a field isn't is said with its place")
    func problems() throws {
        let fields = try Self.top.member("a").member("b").elements()
        func words(_ read: () throws -> Void) -> String {
            do { try read() } catch let problem as JSONField.Problem { return problem.words } catch { return "\(error)" }
            return "none"
        }
        #expect(words { _ = try Self.top.member("x") } == "x is missing")
        #expect(words { _ = try Self.top.member("a").member("x") } == "a.x is missing")
        #expect(words { _ = try Self.top.member("c").text() } == "c is null")
        #expect(words { _ = try Self.top.member("c").member("d") } == "c is null")
        #expect(words { _ = try Self.top.elements() } == "the top is of another type")
        #expect(words { _ = try fields[1].integer() as UInt8 } == "a.b[1] is out of range")
        #expect(words { _ = try fields[2].integer() as UInt8 } == "a.b[2] is of another type")
        #expect(words { _ = try fields[0].text() } == "a.b[0] is of another type")
        #expect(words { _ = try fields[0].flag() } == "a.b[0] is of another type")
        #expect(words { _ = try fields[4].flag() } == "a.b[4] is null")
        #expect(
            words { _ = try Self.top.optional("a") { field throws(JSONField.Problem) in try field.text() } }
                == "a is of another type")
    }
}
