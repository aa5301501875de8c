import Foundation
import LinuxSystem
import PowercapProtocol
import Testing

@testable import powercap_controller

struct LogTests {
    private static let noon = Moment(
        seconds: 1_782_036_000,
        local: .init(year: 2026, month: 6, day: 21, hour: 12, minute: 0, second: 0, offset_s: 7_200))

    private func line(_ format: LogFormat, _ message: String, _ fields: [Log.Field]) -> String {
        String(decoding: Log.line(format, .warning, message, fields, at: Self.noon).bytes, as: UTF8.self)
    }

    @Test("a line has the time with its offset, the level, the message and the fields in their order")
    func whole() {
        let fields: [Log.Field] = [
            ("package", .text("package-0")), ("limit_uw", .power(.watts(40))), ("resumed", .flag(true)), ("from_uw", .power(nil)),
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
            ("\u{7F}", "\"\u{7F}\""), ("Köln", "Köln"), ("日本 語", #""日本 語""#), ("\t", #""\u0009""#), ("\u{0}", #""\u0000""#),
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
            #expect(written.utf8.allSatisfy { $0 >= 0x20 || $0 == UInt8(ascii: "\n") })
        }
        let read = LogLine(String(logfmt.dropLast()))
        #expect(read.keys == ["time", "level", "msg", "key", "last"])
        #expect(read.message == text)
        #expect(read["key"] == text)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(object["msg"] as? String == text)
        #expect(object["key"] as? String == text)
    }

    @Test("a level lets through what is at least as important", arguments: LogLevel.allCases)
    func levels(_ level: LogLevel) {
        let log = Log(format: .logfmt, level: level)
        let logged = LogLevel.allCases.filter(log.isLogged)
        let all: [LogLevel] = [.error, .warning, .info, .debug]
        #expect(logged == Array(all[...all.firstIndex(of: level)!]))
    }
}
