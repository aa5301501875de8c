import Foundation
import Testing

@testable import JSON

/// What isn't wanted is stepped over, and what is wanted is bounded.
struct JSONInterestTests {
    private static func read(
        _ text: String, _ interest: JSONInterest = .all, within bounds: JSONBounds = .answer
    ) throws -> JSON { try JSON(Array(text.utf8), interest, within: bounds) }

    @Test(
        "what nobody asks for is left out",
        arguments: [
            (#"{"a":1,"b":2}"#, .members(["a": .all]), ["a": .number("1")]),
            (#"{"a":{"b":1,"c":[{}]},"d":{"b":2}}"#, .members(["a": .members(["b": .all])]), ["a": ["b": .number("1")]]),
            (#"{"a":{"b":1}}"#, .members(["b": .all]), [:]),
            (
                #"{"a":[{"b":1,"c":2},{"c":3}]}"#, .members(["a": .each(.members(["b": .all]))]),
                ["a": [["b": .number("1")], [:]]]
            ),
            (#"{"a":[1,{"b":2}]}"#, .members(["a": .members(["b": .all])]), ["a": []]),
            (#"{"x/a":1,"y":2,"x/":3}"#, .prefixes(["x/"]), ["x/a": .number("1"), "x/": .number("3")]),
            (#"{"\u0061":1}"#, .members(["a": .all]), ["a": .number("1")]),
            (#"{"b":"\"}]","a":1}"#, .members(["a": .all]), ["a": .number("1")]),
            (#"{"b":-1.5e+3,"c":true,"d":null,"e":false,"a":1}"#, .members(["a": .all]), ["a": .number("1")]),
            (#""text""#, .members(["a": .all]), "text"), ("[1,[2]]", .each(.all), [.number("1"), [.number("2")]]),
        ] as [(String, JSONInterest, JSON)])
    func interests(_ text: String, _ interest: JSONInterest, _ value: JSON) throws {
        #expect(try Self.read(text, interest) == value)
    }

    @Test("names are the same where their bytes are, in whichever form an accent is written")
    func bytewise() throws {
        let (one, two) = ("\u{E9}", "e\u{301}")
        for (given, isWanted) in [(one, true), (two, false), (#"\u00e9"#, true), (#"e\u0301"#, false)] {
            for interest in [JSONInterest.members([one: .all]), .prefixes([one])] {
                #expect(try Self.read("{\"\(given)\":1}", interest).members?.count == (isWanted ? 1 : 0), "\(given)")
            }
        }
    }

    @Test("of a name that nobody asks for only its end counts, and a control character in it is none of JSON")
    func skippedNames() throws {
        let long = String(repeating: "e\u{301}\\n\\u0041", count: 20_000)
        #expect(try Self.read("{\"\(long)\":1,\"a\":2}", .members(["a": .all])) == ["a": .number("2")])
        for text in ["{\"b\tc\":1}", "{\"b", "{\"b\\\":1}", "{\"b\\\"", "{b:1}"] {
            #expect(throws: JSONProblem.self, "\(text)") { try Self.read(text, .members(["a": .all])) }
        }
    }

    @Test("what is stepped over has to end, and to be followed by what may follow")
    func malformed() {
        for text in [
            #"{"b":}"#, #"{"b":]}"#, #"{"b":[}"#, #"{"b":"}"#, #"{"b":tru}"#, #"{"b":1.}"#, #"{"b":1 "a":2}"#, #"{"b":{"c":1}"#,
            #"{"b":"\"#, #"{"b":1}x"#,
        ] { #expect(throws: JSONProblem.self, "\(text)") { try Self.read(text, .members(["a": .all])) } }
    }

    @Test("a depth that would be refused is stepped over where nobody asks for it")
    func deep() throws {
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        #expect(try Self.read("{\"b\":\(deep),\"a\":1}", .members(["a": .all])) == ["a": .number("1")])
        #expect(throws: JSONProblem.tooDeep) { try Self.read("{\"a\":\(deep)}") }
    }

    @Test("so many values are kept, and no more: not one of those that are left out counts")
    func values() throws {
        let bounds = JSONBounds(values: 4, bytes: 1_000, textBytes: 100)
        #expect(try Self.read("[1,2,3]", within: bounds).elements?.count == 3)
        #expect(throws: JSONProblem.tooMuch) { try Self.read("[1,2,3,4]", within: bounds) }
        #expect(throws: JSONProblem.tooMuch) { try Self.read(#"{"a":1,"a":2,"a":3,"a":4}"#, within: bounds) }
        let many = "[" + [String](repeating: "{\"a\":0}", count: 1_000).joined(separator: ",") + "]"
        #expect(try Self.read("{\"b\":\(many),\"a\":1}", .members(["a": .all]), within: bounds) == ["a": .number("1")])
    }

    @Test("so many bytes of names and texts are kept, and no more")
    func bytes() throws {
        let bounds = JSONBounds(values: 100, bytes: 10, textBytes: 100)
        #expect(try Self.read(#"{"ab":"cdefghij"}"#, within: bounds) == ["ab": "cdefghij"])
        #expect(throws: JSONProblem.tooMuch) { try Self.read(#"{"ab":"cdefghijk"}"#, within: bounds) }
        #expect(throws: JSONProblem.tooMuch) { try Self.read(#"["abcde","fghijk"]"#, within: bounds) }
        #expect(throws: JSONProblem.tooMuch) { try Self.read("[12345678901]", within: bounds) }
        #expect(
            try Self.read(#"{"abcdefghijklmnopqrstuvwxyz":"abcdefghijk","a":1}"#, .members(["a": .all]), within: bounds)["a"]
                != nil)
    }

    @Test(
        "a text that is too long is cut at a character, and can't be taken for a whole one",
        arguments: [
            ("aaaaaaaaaaaa", "aaaaaaa…"), (#"aaaa\u0061\u0061\u0061\u0061\u0061"#, "aaaaaaa…"), ("ééééééé", "éé…"),
            ("aaaaaaa", "aaaaaaa"), ("aaaaaaaa", "aaaaaaaa"),
        ])
    func cut(_ given: String, _ kept: String) throws {
        let bounds = JSONBounds(values: 10, bytes: 100, textBytes: 8)
        let value = try Self.read("[\"\(given)\",\"next\"]", within: bounds)
        let text = try #require(value.elements?.first?.text)
        #expect(text == kept || text.hasSuffix("…") && text.utf8.count <= 8 + 3 && given.hasPrefix(text.dropLast()))
        #expect(value.elements?.last == "next")
    }
}
