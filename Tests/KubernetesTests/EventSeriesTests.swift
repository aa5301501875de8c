import LinuxSystem
import Testing

@testable import HTTP
@testable import JSON
@testable import Kubernetes

struct EventSeriesTests {
    private static let event = Event(
        action: "ApplyLimit", reason: "PowerLimitChanged", type: .normal, subject: "package-0",
        note: "package-0 limited to 90 W (source)")

    private func moment(_ seconds: Int64) -> Clock.Wall {
        Clock.Wall(seconds: 1_795_492_800 + seconds, nanoseconds: 123_456_000)
    }

    private func body(_ series: EventSeries) throws -> JSON {
        try JSON(try #require(series.request.body).bytes)
    }

    @Test("what happens is an Event about the Node at first, as kubectl looks for it")
    func create() throws {
        let series = EventSeries(Self.event, about: .node("node-a", reporter: "example.org/reporter"), at: moment(0), 7)
        #expect(series.due_ns == 7)
        #expect(!series.isTold)
        let request = series.request
        #expect(request.method == .post)
        #expect(request.path == "/apis/events.k8s.io/v1/namespaces/default/events?fieldManager=powercap-controller")
        #expect(
            try body(series) == [
                "apiVersion": "events.k8s.io/v1", "kind": "Event",
                "metadata": ["name": .text(series.name), "namespace": "default"], "eventTime": "2026-11-24T04:00:00.123456Z",
                "reportingController": "example.org/reporter", "reportingInstance": "node-a", "action": "ApplyLimit",
                "reason": "PowerLimitChanged", "type": "Normal", "note": "package-0 limited to 90 W (source)",
                "regarding": ["apiVersion": "v1", "kind": "Node", "name": "node-a", "uid": "node-a"],
            ])
    }

    @Test("what happens again counts up in the same Event, after a pause")
    func countUp() throws {
        var series = EventSeries(Self.event, about: .node("node-a", reporter: "example.org/reporter"), at: moment(0), 7)
        series.note(Self.event, moment(10))
        // It happened again before it was told at all: an Event that is new has happened once.
        #expect(series.telling == 1)
        series.told(series.name, 1, next_ns: 300)
        #expect(!series.isTold)
        #expect(series.due_ns == 300)
        series.note(Self.event, moment(20))
        #expect(series.telling == 3)
        let request = series.request
        #expect(request.method == .patch)
        #expect(request.body?.type == "application/merge-patch+json")
        #expect(request.path.hasPrefix("/apis/events.k8s.io/v1/namespaces/default/events/\(series.name)?"))
        #expect(try body(series) == ["series": ["count": .number("3"), "lastObservedTime": "2026-11-24T04:00:20.123456Z"]])
        // It happens once more while the request is on its way.
        series.note(Self.event, moment(30))
        series.told(series.name, 3, next_ns: 600)
        #expect(!series.isTold)
        series.told(series.name, 4, next_ns: 900)
        #expect(series.isTold)
    }

    private static func event(_ watts: Int) -> Event {
        Event(
            action: "ApplyLimit", reason: "PowerLimitChanged", type: .normal, subject: "package-0",
            note: "package-0 limited to \(watts) W (source)")
    }

    @Test("what reads otherwise is an object of its own after the pause: the last of them, which says that there were more")
    func otherText() throws {
        var series = EventSeries(Self.event(90), about: .node("node-a", reporter: "example.org/reporter"), at: moment(0), 7)
        let first = series.name
        series.told(first, 1, next_ns: 300)
        series.note(Self.event(90), moment(1))
        for watts in 80..<90 { series.note(Self.event(watts), moment(Int64(watts))) }
        #expect(!series.isTold && series.isKnown)
        #expect(series.due_ns == 300)
        #expect(series.name != first)
        #expect(series.request.method == .post)
        let body = try body(series)
        #expect(body["note"] == "package-0 limited to 89 W (source) (and 10 before it that read otherwise)")
        #expect(body["eventTime"]?.text?.hasPrefix("2026-11-24T04:01:29") == true)
        series.told(series.name, 1, next_ns: 600)
        #expect(series.isTold)
        series.note(Self.event(70), moment(100))
        #expect(try self.body(series)["note"] == "package-0 limited to 70 W (source)")
    }

    @Test("what reads otherwise while the first is on its way waits as if it had come later")
    func otherTextMeanwhile() {
        var series = EventSeries(Self.event(90), about: .node("node-a", reporter: "example.org/reporter"), at: moment(0), 7)
        let first = series.name
        series.note(Self.event(80), moment(1))
        series.told(first, 1, next_ns: 300)
        #expect(!series.isTold)
        #expect(series.due_ns == 300)
        #expect(series.telling == 1)
    }

    @Test("an Event that the server has no more is made anew, and its count told later")
    func gone() throws {
        var series = EventSeries(Self.event, about: .node("node-a", reporter: "example.org/reporter"), at: moment(0), 0)
        series.told(series.name, 1, next_ns: 300)
        series.note(Self.event, moment(10))
        series.isGone(5)
        #expect(series.due_ns == 5)
        #expect(series.request.method == .post)
        #expect(series.telling == 1)
        series.told(series.name, 1, next_ns: 600)
        #expect(series.request.method == .patch)
        #expect(series.telling == 2)
    }

    @Test("names differ on a node, between nodes, and are names of the API however long the node's is")
    func names() {
        let long = String(repeating: "a", count: 253)
        let names = [
            EventSeries(Self.event, about: .node("node-a", reporter: "example.org/reporter"), at: moment(0), 0).name,
            EventSeries(Self.event, about: .node("node-a", reporter: "example.org/reporter"), at: moment(1), 0).name,
            EventSeries(Self.event, about: .node("node-b", reporter: "example.org/reporter"), at: moment(0), 0).name,
            EventSeries(Self.event, about: .node(long, reporter: "example.org/reporter"), at: moment(0), 0).name,
        ]
        #expect(Set(names).count == 4)
        for name in names {
            #expect(name.utf8.count <= 253)
            #expect(name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" || $0 == "." })
        }
    }

    @Test("a note and an instance are never longer than the API allows", arguments: ["a", "ü", "😀", "\u{301}"])
    func long(_ character: String) throws {
        let event = Event(
            action: "ReadOverride", reason: "PowerOverrideRejected", type: .warning, subject: "",
            note: String(repeating: character, count: 5_000))
        let series = EventSeries(
            event, about: .node(String(repeating: "n", count: 253), reporter: "example.org/reporter"), at: moment(0), 0)
        let body = try body(series)
        let note = try #require(body["note"]?.text)
        #expect((900...1_024).contains(note.utf8.count))
        #expect(note.hasSuffix("..."))
        #expect(body["reportingInstance"]?.text?.utf8.count == 128)
    }
}
