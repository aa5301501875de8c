public import HTTP
internal import JSON
internal import LinuxSystem
internal import Text

/// Events of one reason about one thing. The same happening again counts up in one object at the API server, and isn't told each time.
/// What reads otherwise is an object of its own, because nobody may change an Event's text; of many in a row, the last one is.
public struct EventSeries {
    /// As it happened last.
    public private(set) var event: Event
    /// The object's.
    private(set) var name: String
    private(set) var first: Clock.Wall
    private(set) var last: Clock.Wall
    private(set) var count = 1
    private let node: String
    private let reporter: String
    private var isCreated = false
    /// What was told last.
    private var toldCount = 0
    /// How often it happened before with a text that nobody was told.
    private var untold = 0
    /// An object was made, this one or an earlier.
    private(set) var isKnown = false
    /// When it may be told next, on CLOCK_MONOTONIC.
    public private(set) var due_ns: UInt64

    /// The API server keeps an Event for an hour (kube-apiserver --event-ttl).
    static let lifetime_s: Int64 = 3_600
    /// A note has at most 1 kB of UTF-8 (validation of events.k8s.io/v1).
    private static let longestNote = 1_000

    /// - Parameters:
    ///   - node: the name of the Node that it is about.
    ///   - reporter: who tells of it, as a name with a domain.
    init(_ event: Event, node: String, reporter: String, at moment: Clock.Wall, _ now_ns: UInt64) {
        (self.event, self.node, self.reporter) = (event, node, reporter)
        name = EventSeries.name(node, moment)
        (first, last, due_ns) = (moment, moment, now_ns)
    }

    /// Unique on a node, and short enough for a name, as a Node's may be 253 bytes long itself.
    private static func name(_ node: String, _ moment: Clock.Wall) -> String {
        var stem = node.prefix(200)
        while let last = stem.last, last == "." || last == "-" { stem.removeLast() }
        return "\(stem).\(String(UInt64(moment.seconds) &* 1_000_000_000 &+ UInt64(moment.nanoseconds), radix: 16))"
    }

    var isTold: Bool { toldCount == count }
    /// What `request` tells: an Event that is new at the server has happened once.
    public var telling: Int { isCreated ? count : 1 }

    func isOf(_ other: Event) -> Bool { event.reason == other.reason && event.subject == other.subject }

    /// It happened again.
    mutating func note(_ again: Event, _ moment: Clock.Wall) {
        if again.note == event.note {
            (last, count) = (moment, count + 1)
        } else {
            untold += count - toldCount
            (event, name, first, last) = (again, EventSeries.name(node, moment), moment, moment)
            (isCreated, count, toldCount) = (false, 1, 0)
        }
    }

    /// The request that tells of what hasn't been told.
    public var request: Request {
        if isCreated {
            let series: JSON = [
                "count": .number("\(count)"), "lastObservedTime": .text(Timestamp.microseconds(last)),
            ]
            return Resource.nodeEvents.patch(name, .merge, ["series": series])
        }
        return Resource.nodeEvents.create([
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": ["name": .text(name), "namespace": .text(Resource.nodeEvents.namespace ?? "")],
            "eventTime": .text(Timestamp.microseconds(first)), "reportingController": .text(reporter),
            "reportingInstance": .text(String(node.prefix(128))), "action": .text(event.action),
            "reason": .text(event.reason), "type": .text(event.type.rawValue),
            "note": .text(words.printable.shortened(to: EventSeries.longestNote)),
            // kubectl looks for a Node's Events by its name in the place of the uid.
            "regarding": ["apiVersion": "v1", "kind": "Node", "name": .text(node), "uid": .text(node)],
        ])
    }

    private var words: String { untold == 0 ? event.note : "\(event.note) (and \(untold) before it that read otherwise)" }

    /// - Parameters:
    ///   - name: of the object that was made or changed. It may have got another text meanwhile.
    ///   - count: what was `telling` when the request that succeeded was made.
    mutating func told(_ name: String, _ count: Int, next_ns: UInt64) {
        (isKnown, due_ns) = (true, next_ns)
        if name == self.name { (isCreated, toldCount, untold) = (true, count, 0) }
    }

    /// The server has no such Event any more: the next request makes it anew.
    mutating func isGone(_ now_ns: UInt64) { (isCreated, due_ns) = (false, now_ns) }
}
