import Foundation
import Testing

@testable import raplhelper

@Suite("A line of the helper's log")
struct LogLineTests {
    @Test("is logfmt by default")
    func logfmt() {
        #expect(
            Log.line(.logfmt, .info, "serving", "zones=4 writes=accepted").string
                == "level=info msg=\"serving\" zones=4 writes=accepted")
        #expect(Log.line(.logfmt, .error, "it failed", "").string == "level=error msg=\"it failed\"")
    }

    @Test(
        "as JSON has the same fields, numbers as numbers",
        arguments: [
            ("", #"{"level":"warning","msg":"m"}"#),
            ("zones=4", #"{"level":"warning","msg":"m","zones":4}"#),
            (
                "zones=4 writes=accepted why=\"a b, c\" uid=0",
                #"{"level":"warning","msg":"m","zones":4,"writes":"accepted","why":"a b, c","uid":0}"#
            ),
            ("why=\"\" version=1.2.0 id=007", #"{"level":"warning","msg":"m","why":"","version":"1.2.0","id":"007"}"#),
            (
                "writes=refused:read-only sandbox=a,b",
                #"{"level":"warning","msg":"m","writes":"refused:read-only","sandbox":"a,b"}"#
            ),
            ("name=two words id=1", #"{"level":"warning","msg":"m","name":"two words","id":1}"#),
            (#"path="a\b" x=y=z"#, #"{"level":"warning","msg":"m","path":"a\\b","x":"y=z"}"#),
            (#"why="it said "no"" errno=EIO"#, #"{"level":"warning","msg":"m","why":"it said \"no\"","errno":"EIO"}"#),
            ("empty= next=1", #"{"level":"warning","msg":"m","empty":"","next":1}"#),
            ("big=18446744073709551615", #"{"level":"warning","msg":"m","big":18446744073709551615}"#),
        ])
    func json(_ fields: String, _ line: String) throws {
        let shown = Log.line(.json, .warning, "m", Message(text: fields)).string
        #expect(shown == line)
        #expect(try JSONSerialization.jsonObject(with: Data(shown.utf8)) is [String: Any])
    }

    @Test(
        "knows the journal by the stream's device and inode, and nothing else by them",
        arguments: [
            ("8:15", true), ("8:16", false), ("9:15", false), ("8:15 ", false), ("8:150", false), ("", false), (nil, false),
        ]
            as [(String?, Bool)])
    func journal(_ variable: String?, _ isJournal: Bool) {
        #expect(Log.isJournal(variable, (device: 8, inode: 15)) == isJournal)
        #expect(!Log.isJournal(variable, nil))
    }
}

extension Message {
    fileprivate init(text: String) {
        self = ""
        append(text)
    }
}
