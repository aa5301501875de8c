import JSON
import TestSupport
import Testing

@testable import Signals

/// 15 June 2026, 22:00 UTC.
private let start: Int64 = 1_781_560_800

private func reader(
    _ value: String, time: String? = nil, start: String? = nil, steps: [DocumentShape.Step] = [], factor: Double = 1,
    nulls: SignalReader.Nulls = .none, stamp: SignalReader.Stamp = .start, zone: SignalZone = .utc
) throws -> SignalReader {
    let time: DocumentShape.Time? = try time.map { $0 == "key" ? .key : .path(try SignalPath($0)) }
    return SignalReader(
        .document(
            DocumentShape(value: try SignalPath(value), time: time, start: try start.map { try SignalPath($0) }, steps: steps)),
        factor: factor, nulls: nulls, stamp: stamp, zone: zone)
}

/// Values of an answer `{"v": [[time, value], …]}`.
private func pairs(
    _ text: String, steps: [DocumentShape.Step] = [], factor: Double = 1, nulls: SignalReader.Nulls = .none,
    stamp: SignalReader.Stamp = .start, zone: SignalZone = .utc
) throws -> Signal {
    try reader("$.v[*][1]", time: "$.v[*][0]", steps: steps, factor: factor, nulls: nulls, stamp: stamp, zone: zone)
        .read(Array("{\"v\": [\(text)]}".utf8))
}

/// Minutes after `start` and values, until `end`.
private func signal(_ points: [(Int64, Double?)], end: Int64) -> Signal {
    .points(points.map { Signal.Point(seconds: start + $0.0 * 60, value: $0.1) }, end: start + end * 60)
}

private let quarter = DocumentShape.Step.duration(SignalDuration(seconds: 900))

struct SignalReaderTests {
    @Test(
        "a value is a number or a text of one; everything else is no data, or zero where that is asked",
        arguments: [
            ("1.5", 3), ("-2", -4), ("\" 1e2 \"", 200), ("0", 0), ("null", nil), ("\"unavailable\"", nil), ("\"NaN\"", nil),
            ("\"\"", nil),
            ("\"0x10\"", nil), ("\"1 W\"", nil), ("true", nil), ("1e999", nil), ("\"Infinity\"", nil), ("1.7e308", nil),
        ] as [(String, Double?)])
    func values(_ text: String, _ expected: Double?) throws {
        let bytes = Array("{\"v\": \(text)}".utf8)
        #expect(try reader("$.v", factor: 2).read(bytes) == .now(expected))
        // What is too large for a number is none, and no zero that was asked for.
        #expect(try reader("$.v", factor: 2, nulls: .zero).read(bytes) == .now(text == "1.7e308" ? nil : expected ?? 0))
    }

    @Test("where no value is, there are no data, and no zero either")
    func nothing() throws {
        #expect(try reader("$.v[*]", nulls: .zero).read(Array(#"{"v": []}"#.utf8)) == .now(nil))
        #expect(try reader("$.v[*][1]", time: "$.v[*][0]").read(Array(#"{"v": []}"#.utf8)) == .points([], end: 0))
        #expect(try reader("$.v[*][1]", time: "$.v[*][0]").read(Array(#"{"v": false}"#.utf8)) == .points([], end: 0))
    }

    @Test("values of no time are one, or refused with how many there are")
    func several() throws {
        #expect(throws: SignalProblem.manyValues(3)) { try reader("$[*]").read(Array("[1,2,3]".utf8)) }
        #expect(try reader("$[*]").read(Array("[7]".utf8)) == .now(7))
    }

    @Test("what is no number, but more of a document, is refused with its place")
    func noNumber() throws {
        #expect(throws: SignalProblem.notANumber(place: "[1]")) { try reader("$[*]").read(Array("[1,[2]]".utf8)) }
        #expect(throws: SignalProblem.notANumber(place: "")) { try reader("$.v").read(Array(#"{"v":{}}"#.utf8)) }
    }

    @Test("values are sorted by time, each until the next, the last as long as the one before")
    func order() throws {
        #expect(
            try pairs("[1781564400, 3], [1781560800, 1], [1781561700, 2]") == signal([(0, 1), (15, 2), (60, 3)], end: 60 + 45))
    }

    @Test("a time may be there twice with one value, and with two it is refused")
    func twice() throws {
        #expect(try pairs("[1781560800, 1], [1781561700, 2], [1781560800000, 1]") == signal([(0, 1), (15, 2)], end: 30))
        #expect(throws: SignalProblem.twoValues(at: start, 1, 2)) { try pairs("[1781560800, 1], [1781560800, 2]") }
        #expect(throws: SignalProblem.twoValues(at: start, 1, nil)) { try pairs("[1781560800, 1], [1781560800, null]") }
    }

    @Test("a value alone ends when it begins, unless it is said how long it is")
    func lone() throws {
        #expect(try pairs("[1781560800, 1]") == signal([(0, 1)], end: 0))
        #expect(try pairs("[1781560800, 1]", steps: [quarter]) == signal([(0, 1)], end: 15))
    }

    @Test("a step that is missing is a gap: where the step is given, and where most distances are the same")
    func gaps() throws {
        #expect(
            try pairs("[1781560800, 1], [1781562600, 2]", steps: [quarter]) == signal([(0, 1), (15, nil), (30, 2)], end: 45))
        let evenly = ([0, 15, 30, 60, 75] as [Int64]).map { "[\(start + $0 * 60), \($0)]" }.joined(separator: ",")
        #expect(
            try pairs(evenly) == signal([(0, 0), (15, 15), (30, 30), (45, nil), (60, 60), (75, 75)], end: 90))
        // Nobody knows what is missing where times are uneven: half an hour follows quarters.
        let unevenly = ([0, 15, 30, 60, 90] as [Int64]).map { "[\(start + $0 * 60), \($0)]" }.joined(separator: ",")
        #expect(try pairs(unevenly) == signal([(0, 0), (15, 15), (30, 30), (60, 60), (90, 90)], end: 120))
        // A distance that is no multiple isn't a gap either: times drift, or are no steps at all.
        let drifting = ([0, 15, 30, 45, 65] as [Int64]).map { "[\(start + $0 * 60), \($0)]" }.joined(separator: ",")
        #expect(try pairs(drifting) == signal([(0, 0), (15, 15), (30, 30), (45, 45), (65, 65)], end: 85))
        // A gap that is said already isn't said again.
        #expect(
            try pairs("[1781560800, null], [1781562600, 2]", steps: [quarter]) == signal([(0, nil), (30, 2)], end: 45))
    }

    @Test("times of ends are the beginnings of the values before them")
    func ends() throws {
        #expect(try pairs("[1781561700, 1], [1781562600, 2]", stamp: .end) == signal([(0, 1), (15, 2)], end: 30))
        #expect(
            try pairs("[1781561700, 1], [1781563500, 2]", steps: [quarter], stamp: .end)
                == signal([(0, 1), (15, nil), (30, 2)], end: 45))
        #expect(throws: SignalProblem.noLength) { try pairs("[1781561700, 1]", stamp: .end) }
    }

    @Test("what ends later may have begun earlier: points are in the order in which they begin, and one beginning has one value")
    func endsOfLengths() throws {
        let path = [DocumentShape.Step.path(try SignalPath("$.v[*][2]"))]
        #expect(
            try pairs("[1781562600, 1, 900], [1781563500, 2, 2700]", steps: path, stamp: .end)
                == signal([(0, 2), (15, 1)], end: 45))
        #expect(
            try pairs("[1781562600, 1, 1800], [1781563500, 1, 2700]", steps: path, stamp: .end) == signal([(0, 1)], end: 45))
        #expect(throws: SignalProblem.twoValues(at: 1_781_560_800, 1, 2)) {
            try pairs("[1781562600, 1, 1800], [1781563500, 2, 2700]", steps: path, stamp: .end)
        }
    }

    @Test("a time without a value says that there is none, and a value without a time is refused with its place")
    func unpaired() throws {
        let text = Array(#"{"t": [1781560800, 1781561700], "v": [1]}"#.utf8)
        #expect(try reader("$.v[*]", time: "$.t[*]").read(text) == signal([(0, 1), (15, nil)], end: 30))
        #expect(throws: SignalProblem.timeMissing(place: "[1]")) {
            try reader("$.t[*]", time: "$.v[*]").read(
                Array(#"{"t": [1, 2], "v": [1781560800]}"#.utf8))
        }
        #expect(throws: SignalProblem.timeMissing(place: "[0]")) { try pairs("[null, 1]") }
    }

    @Test("what is no time is refused with its text and place")
    func noTime() throws {
        #expect(throws: SignalProblem.notATime("soon", place: "[1]")) { try pairs("[1781560800, 1], [\"soon\", 2]") }
        #expect(throws: SignalProblem.notATime("{\"a\":1}", place: "[0]")) { try pairs("[{\"a\":1}, 1]") }
        #expect(throws: SignalProblem.notATime("W", place: ".W")) {
            try reader("$.*", time: "key").read(Array(#"{"W": 1}"#.utf8))
        }
        #expect(throws: SignalProblem.keyIsNoName) { try reader("$[*]", time: "key").read(Array("[1]".utf8)) }
    }

    @Test("a filter in the value's path takes one of several, and one in both joins what it matched")
    func filters() throws {
        let rates = Array(
            """
            {"r": [{"from": 1781560800, "v": 1, "by": "debit"}, {"from": 1781560800, "v": 9, "by": "cash"},
                   {"from": 1781562600, "v": 2, "by": "debit"}]}
            """.utf8)
        #expect(
            try reader("$.r[?@.by=='debit'].v", time: "$.r[?@.by=='debit'].from").read(rates)
                == signal([(0, 1), (30, 2)], end: 60))
        #expect(throws: SignalProblem.twoValues(at: start, 1, 9)) { try reader("$.r[*].v", time: "$.r[*].from").read(rates) }
    }

    @Test("a value's path may have more wildcards than its time's, and then there is one value of a time")
    func deeper() throws {
        let one = Array(#"{"r": [{"t": 1781560800, "v": {"DK1": 1}}, {"t": 1781562600, "v": {"DK1": 2}}]}"#.utf8)
        let reader = try reader("$.r[*].v.*", time: "$.r[*].t", steps: [.path(try SignalPath("$.r[*].s"))])
        #expect(try reader.read(one) == signal([(0, 1), (30, 2)], end: 60))
        let two = Array(#"{"r": [{"t": 1781560800, "s": 900, "v": {"DK1": 1, "SE3": 2}}]}"#.utf8)
        #expect(throws: SignalProblem.twoValues(at: start, 1, 2)) { try reader.read(two) }
        let long = Array(#"{"r": [{"t": 1781560800, "s": 900, "v": {"DK1": 1}}]}"#.utf8)
        #expect(try reader.read(long) == signal([(0, 1)], end: 15))
    }

    @Test("values are counted from a start, and one that isn't there is a gap")
    func counted() throws {
        let text = Array(#"{"start": "2026-06-15T22:00Z", "step": "PT15M", "v": [{"p": 1}, {}, {"p": 3}]}"#.utf8)
        let steps = [DocumentShape.Step.path(try SignalPath("$.step"))]
        let expected = signal([(0, 1), (15, nil), (30, 3)], end: 45)
        #expect(try reader("$.v[*].p", start: "$.start", steps: steps).read(text) == expected)
        #expect(try reader("$.v[*].p", start: "$.start", steps: [quarter]).read(text) == expected)
        #expect(throws: SignalProblem.stepMissing) { try reader("$.v[*].p", start: "$.start").read(text) }
        #expect(throws: SignalProblem.startMissing) { try reader("$.v[*].p", start: "$.begin", steps: steps).read(text) }
        #expect(throws: SignalProblem.notADuration("2026-06-15T22:00Z")) {
            try reader("$.v[*].p", start: "$.start", steps: [.path(try SignalPath("$.start"))]).read(text)
        }
    }

    @Test("an interval that begins as soon as it is read is of now, if it is the only one")
    func fromNow() throws {
        let one = Array(#"{"start": "0001-01-01", "step": "P9999Y", "v": [12.5]}"#.utf8)
        let steps = [DocumentShape.Step.path(try SignalPath("$.step"))]
        #expect(try reader("$.v[*]", start: "$.start", steps: steps).read(one) == .now(12.5))
        let two = Array(#"{"start": "0001-01-01", "step": "PT1H", "v": [12.5, 8]}"#.utf8)
        #expect(throws: SignalProblem.severalFromNow) { try reader("$.v[*]", start: "$.start", steps: steps).read(two) }
        let endless = Array(#"{"start": "2026-06-15T22:00Z", "step": "P9999Y", "v": [12.5]}"#.utf8)
        #expect(
            try reader("$.v[*]", start: "$.start", steps: steps).read(endless)
                == .points([Signal.Point(seconds: start, value: 12.5)], end: 253_402_300_800))
    }

    @Test(
        "an answer that says why it has no data is told by what it says",
        arguments: [
            (#"{"status":"error","error":"bad query"}"#, "bad query"),
            (#"{"errors":[{"message":"rate limit"}],"data":null}"#, "rate limit"),
            (#"{"errors":[{"message":"rate limit"}],"data":{"v":null}}"#, "rate limit"),
            (#"{"error":{"code":"400","message":"a valid date"}}"#, "a valid date"),
            (#"{"result":"x","message":{"type":"error","text":"limit reached"}}"#, "limit reached"),
            (#"{"error":true,"reason":"no such place"}"#, "no such place"), (#"{"detail":"Not found."}"#, "Not found."),
            (#"{"message":"Unknown zone"}"#, "Unknown zone"),
        ])
    func complaints(_ text: String, _ words: String) throws {
        #expect(throws: SignalProblem.says(words)) { try reader("$.data.v").read(Array(text.utf8)) }
        #expect(throws: SignalProblem.says(words)) { try reader("$.data[*].v", time: "$.data[*].t").read(Array(text.utf8)) }
    }

    @Test(
        "a remark beside data, or in the place of none, is no complaint",
        arguments: [
            #"{"data":{"v":null},"message":"success"}"#, #"{"data":{},"message":"success"}"#, #"{"data":{},"errors":[]}"#,
            #"{"data":{},"error":null}"#, #"{"data":{},"error":""}"#,
        ])
    func remarks(_ text: String) throws { #expect(try reader("$.data.v").read(Array(text.utf8)) == .now(nil)) }

    @Test("what isn't JSON, or not whole, is refused with what it is")
    func noDocument() throws {
        let reader = try reader("$.v")
        for text in ["", " \r\n\t", "\u{FEFF}"] { #expect(throws: SignalProblem.empty) { try reader.read(Array(text.utf8)) } }
        #expect(throws: SignalProblem.markup("<!DOCTYPE html>")) { try reader.read(Array("\n<!DOCTYPE html><html>".utf8)) }
        #expect(throws: SignalProblem.markup("<html")) { try reader.read(Array("<html\nlang='en'>".utf8)) }
        #expect(throws: SignalProblem.notJSON(offset: 5)) { try reader.read(Array(#"{"v":"#.utf8)) }
        #expect(throws: SignalProblem.notJSON(offset: 1)) { try reader.read(Array("time,value\n".utf8)) }
        #expect(throws: SignalProblem.tooLarge) { try reader.read([UInt8](repeating: UInt8(ascii: " "), count: 4 << 20 + 1)) }
        #expect(throws: SignalProblem.tooLarge) { try reader.read([UInt8](repeating: UInt8(ascii: "["), count: 1_000)) }
        #expect(try reader.read(Array("\u{FEFF}{\"v\":1}".utf8)) == .now(1))
    }

    @Test("times without a zone are of the reader's, through the hour that comes twice")
    func zones() throws {
        let text = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"].enumerated()
            .map { "[\"2026-10-25 \($0.element)\", \($0.offset)]" }.joined(separator: ",")
        let points = (0..<6).map { Signal.Point(seconds: 1_792_884_600 + $0 * 1_800, value: Double($0)) }
        #expect(try pairs(text, zone: .centralEurope) == .points(points, end: 1_792_884_600 + 6 * 1_800))
    }

    @Test("whatever bytes come, they are points in order, or a problem")
    func anything() throws {
        let readers = [
            try reader("$[*][1]", time: "$[*][0]"), try reader("$.*", time: "key", stamp: .end),
            try reader("$[*]", start: "$[0]", steps: [quarter]), try reader("$[*][*]"),
            try reader("$[*][1]", time: "$[*][0]", steps: [.path(try SignalPath("$[*][2]"))], stamp: .end),
        ]
        let parts = [
            "[", "]", "{", "}", ",", ":", "1781560800", "\"2026-06-15T22:00Z\"", "1", "null", "\"a\"", "1e999", "-",
            "9223372036854775807",
            "\"0001-01-01\"",
        ]
        var generator = SeededGenerator(seed: 12)
        for _ in 0..<5_000 {
            let text = (0..<Int.random(in: 0...12, using: &generator)).map { _ in parts.randomElement(using: &generator)! }
                .joined()
            for reader in readers {
                guard case .points(let points, let end)? = try? reader.read(Array(text.utf8)) else { continue }
                #expect(zip(points, points.dropFirst()).allSatisfy { $0.seconds < $1.seconds })
                #expect(points.allSatisfy { $0.value?.isFinite ?? true } && points.last?.seconds ?? 0 <= end)
            }
        }
    }
}
