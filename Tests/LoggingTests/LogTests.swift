import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Logging
@testable import Text

struct LogTests {
    private static let noon = Clock.Local(year: 2026, month: 6, day: 21, hour: 12, minute: 0, second: 0, offset_s: 7_200)

    private func line(_ format: LogFormat, _ message: String, _ fields: [Log.Field]) -> String {
        String(decoding: Log.line(format, .warning, message, fields, at: Self.noon).bytes, as: UTF8.self)
    }

    @Test("a line has the time with its offset, the level, the message and the fields in their order")
    func whole() {
        let fields: [Log.Field] = [
            ("package", .text("package-0")), ("limit_uw", .number(40_000_000)), ("resumed", .flag(true)), ("from_uw", .unknown),
        ]
        #expect(
            line(.logfmt, "limit changed", fields)
                == "time=2026-06-21T12:00:00+02:00 level=warning msg=\"limit changed\" package=package-0 limit_uw=40000000 "
                + "resumed=true from_uw=unknown\n")
        #expect(
            line(.json, "limit changed", fields)
                == #"{"time":"2026-06-21T12:00:00+02:00","level":"warning","msg":"limit changed","package":"package-0","#
                + #""limit_uw":40000000,"resumed":true,"from_uw":null}"# + "\n")
    }

    @Test(
        "logfmt writes a plain value as it is, and any other as a string of JSON",
        arguments: [
            ("package-0", "package-0"), ("", #""""#), ("two words", #""two words""#), ("a=b", #""a=b""#),
            (#"say "hi""#, #""say \"hi\"""#), (#"a\b"#, #""a\\b""#), ("a\nb", #""a\u000ab""#), ("\u{1B}[31m", #""\u001b[31m""#),
            ("\u{7F}", #""\u007f""#), ("\u{9B}31m", #""\u009b31m""#), ("\u{202E}x", #""\u202ex""#), ("\u{FEFF}", #""\ufeff""#),
            ("\u{E0041}", #""\udb40\udc41""#), ("\u{2028}", #""\u2028""#), ("\u{E000}", #""\ue000""#), ("\u{378}", #""\u0378""#),
            ("😀", "😀"), ("Köln", "Köln"), ("日本 語", #""日本 語""#), ("\t", #""\u0009""#), ("\u{0}", #""\u0000""#),
        ])
    func values(_ text: String, _ written: String) {
        #expect(
            line(.logfmt, "m", [("key", .text(text))])
                == "time=2026-06-21T12:00:00+02:00 level=warning msg=\"m\" key=\(written)\n")
    }

    @Test(
        "whatever a text holds, a line is one line, and its reader gets the text back",
        arguments: [
            "", "plain", "two words", "a=b c=\"d\"", "\\", "\\\"", "line\nfeed\r\n", "\u{0}\u{1}\u{1F}\u{7F}", "é 日本 😀\u{2028}",
            "level=error msg=\"forged\"",
        ])
    func escaped(_ text: String) throws {
        let logfmt = line(.logfmt, text, [("key", .text(text)), ("last", .number(1))])
        let json = line(.json, text, [("key", .text(text)), ("last", .number(1))])
        for written in [logfmt, json] {
            #expect(written.utf8.filter { $0 == UInt8(ascii: "\n") }.count == 1)
            #expect(written.unicodeScalars.allSatisfy { $0.isPrintable || $0 == "\n" })
        }
        let read = LogLine(String(logfmt.dropLast()))
        #expect(read.keys == ["time", "level", "msg", "key", "last"])
        #expect(read.message == text)
        #expect(read["key"] == text)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(object["msg"] as? String == text)
        #expect(object["key"] as? String == text)
    }

    @Test(
        "where standard error is the journal a line has its importance and no time, and only there",
        arguments: [
            (nil, (1, 2), .time), ("1:2", nil, .time), ("1:2", (1, 2), .priority), ("1:2", (1, 3), .time), ("1:2", (2, 2), .time),
            ("", (1, 2), .time), ("1:2 ", (1, 2), .time),
        ] as [(String?, (UInt64, UInt64)?, Log.Head)])
    func journal(_ journal: String?, _ found: (UInt64, UInt64)?, _ head: Log.Head) {
        #expect(Log.Head(journal: journal, standardError: found.map { (device: $0.0, inode: $0.1) }) == head)
    }

    @Test(
        "a level is the journal's priority",
        arguments: [(LogLevel.error, 3), (.warning, 4), (.info, 6), (.debug, 7)])
    func priority(_ level: LogLevel, _ number: Int) {
        let fields: [Log.Field] = [("key", .text("a b"))]
        func line(_ format: LogFormat) -> String {
            String(decoding: Log.line(format, level, "message", fields, at: Self.noon, .priority).bytes, as: UTF8.self)
        }
        #expect(line(.logfmt) == "<\(number)>level=\(level.rawValue) msg=\"message\" key=\"a b\"\n")
        #expect(line(.json) == "<\(number)>{\"level\":\"\(level.rawValue)\",\"msg\":\"message\",\"key\":\"a b\"}\n")
    }

    @Test("a field of a stranger's can't make a line that the stream doesn't take")
    func long() {
        for text in [String(repeating: "x", count: 1 << 20), String(repeating: "\u{9B}", count: 1 << 20)] {
            let bytes = Log.line(.logfmt, .info, "m", [("key", .text(text))], at: Self.noon).bytes
            #expect(bytes.count < LogStream.longestLine)
            #expect(bytes.last == UInt8(ascii: "\n"))
        }
    }

    @Test("a level lets through what is at least as important", arguments: LogLevel.allCases)
    func levels(_ level: LogLevel) {
        let log = Log(format: .logfmt, level: level)
        let logged = LogLevel.allCases.filter(log.isLogged)
        let all: [LogLevel] = [.error, .warning, .info, .debug]
        #expect(logged == Array(all[...all.firstIndex(of: level)!]))
    }
}
