import JSON
import TestSupport
import Testing

@testable import Signals

struct SignalPathTests {
    private static let document: JSON = [
        "data": [["n": "a", "v": "1"], ["n": "b", "v": "2"], ["n": "a", "v": "3"]], "it's": ["\\": "back"], "é": "e", "": "none",
        "twice": ["x": "1"],
    ]

    private func texts(_ path: String, in document: JSON = document) throws -> [String] {
        try SignalPath(path).matches(in: document).compactMap(\.value.text)
    }

    @Test(
        "a path finds members, elements from both ends, all of them, and those that have a member of a text",
        arguments: [
            ("$.data[0].v", ["1"]), ("$.data[-1].v", ["3"]), ("$['data'][1]['v']", ["2"]), ("$.data[*].v", ["1", "2", "3"]),
            ("$.data[?@.n=='a'].v", ["1", "3"]), ("$.twice.*", ["1"]), ("$.*.x", ["1"]), ("$.é", ["e"]), ("$['']", ["none"]),
            ("$['it\\'s']['\\\\']", ["back"]), ("$['\\u00e9']", ["e"]),
            // What isn't there is found nowhere, whatever is there instead.
            ("$.data[3].v", []), ("$.data[-4].v", []), ("$.data.v", []), ("$.twice[0]", []), ("$.data[0].v.w", []),
            ("$.é[*]", []),
            ("$.data[?@.v=='4'].n", []), ("$.data", []),
        ])
    func selection(_ path: String, _ expected: [String]) throws { #expect(try texts(path) == expected) }

    @Test("of two members of one name the last counts")
    func twice() throws {
        let document = try JSON(Array(#"{"a":"1","a":"2"}"#.utf8))
        #expect(try texts("$.a", in: document) == ["2"])
    }

    @Test("a filter finds members of an object as well")
    func members() throws {
        #expect(try texts("$[?@.type=='error'].text", in: ["message": ["type": "error", "text": "no"], "x": "y"]) == ["no"])
    }

    @Test(
        "P11: everything else is refused at its character",
        arguments: [
            ("", 1, "it ends too early: a path begins with $"), ("data", 1, "there is \"d\": a path begins with $"),
            ("$..a", 3, "`..` would look at every depth"), ("$.", 3, "it ends too early: a name has letters"),
            ("$.a b", 4, "there is \" \": here may be"), ("$.a-b", 4, "write ['name']"), ("$.1", 3, "no digit first"),
            ("$[", 3, "it ends too early: in brackets may be"), ("$[*", 4, "the bracket is not closed"),
            ("$[0:2]", 4, "[*] is all of it"),
            ("$[0,1]", 4, "one of them may be taken"), ("$['a','b']", 6, "one of them may be taken"),
            ("$[\"a\"]", 3, "single quotation marks"),
            ("$['a", 5, "a quotation mark is not closed"), ("$['\\x']", 5, "behind \\ may be"),
            ("$['\\u12']", 8, "four hexadecimal"),
            ("$['\\ud800']", 6, "surrogates"), ("$['\\ud800\\u0041']", 6, "surrogates"), ("$['a\nb']", 5, "control character"),
            ("$[-]", 4, "a digit follows"), ("$[01]", 3, "no 0 before it"), ("$[-0]", 3, "none is -0"),
            ("$[1234567890]", 3, "at most 9 digits"),
            ("$[?@.a=='b'", 12, "not closed"), ("$[?@.a == 'b']", 7, "without blanks"),
            ("$[?@.a=='b'&&@.c=='d']", 12, "not closed"),
            ("$[?@.a]", 7, "a filter is"), ("$[?@.a==1]", 9, "a filter is"), ("$[?length(@.a)==1]", 4, "a filter is"),
            ("$[?@['a']=='b']", 5, "a filter is"), ("$ .a", 2, "there is \" \""), ("$.a$", 4, "there is \"$\""),
            ("$" + String(repeating: ".*", count: 101), 202, "more than 100 steps"),
        ] as [(String, Int, String)])
    func refused(_ text: String, _ position: Int, _ words: String) {
        let problem = #expect(throws: SignalPath.Problem.self) { try SignalPath(text) }
        #expect(problem?.position == position, "\(problem?.words ?? "")")
        #expect(problem?.words.contains(words) == true, "\(problem?.words ?? "")")
    }

    @Test("what a path is written as reads back as the same path")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 9535)
        let names = ["a", "B_1", "6100_40263F00", "it's", "\\", "é", "", "a.b", "\n\u{1}", "*", "$", "\u{1F600}"]
        for _ in 0..<2_000 {
            let segments: [SignalPath.Segment] = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                let name = names.randomElement(using: &generator)!
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: return .name(name)
                case 1: return .index(Int.random(in: -9...9, using: &generator))
                case 2: return .wildcard
                default: return .filter(name: "type", text: name)
                }
            }
            let path = SignalPath(segments)
            #expect(try SignalPath(path.text) == path)
        }
    }

    @Test(
        "the longest path that is taken reads back, too, where it is written longer than it was given",
        arguments: ["$" + String(repeating: ".*", count: 100), "$['" + String(repeating: "\\b", count: 400) + "']"])
    func longest(_ text: String) throws {
        let path = try SignalPath(text)
        #expect(path.text.count > text.count)
        #expect(try SignalPath(path.text) == path)
    }

    @Test("whatever text comes, it is a path, or is refused at a character that is there")
    func anything() {
        var generator = SeededGenerator(seed: 11)
        let parts = ["$", ".", "[", "]", "*", "'", "\\", "?@.", "==", "a", "0", "-", "\\u", "d800", "é", " ", "\""]
        for _ in 0..<5_000 {
            let text =
                "$" + (0..<Int.random(in: 0...9, using: &generator)).map { _ in parts.randomElement(using: &generator)! }.joined()
            do throws(SignalPath.Problem) {
                let path = try SignalPath(text)
                #expect((try? SignalPath(path.text)) == path)
            } catch {
                #expect(1...text.unicodeScalars.count + 1 ~= error.position && !error.words.isEmpty)
            }
        }
    }
}
