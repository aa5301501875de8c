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
    private let object: EventSubject
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

    init(_ event: Event, about object: EventSubject, at moment: Clock.Wall, _ now_ns: UInt64) {
        (self.event, self.object) = (event, object)
        name = EventSeries.name(object.name, moment)
        (first, last, due_ns) = (moment, moment, now_ns)
    }

    /// Unique for an object, and short enough for a name, as a Node's may be 253 bytes long itself.
    private static func name(_ object: String, _ moment: Clock.Wall) -> String {
        var stem = object.prefix(200)
        while let last = stem.last, last == "." || last == "-" { stem.removeLast() }
        return "\(stem).\(String(UInt64(moment.seconds) &* 1_000_000_000 &+ UInt64(moment.nanoseconds), radix: 16))"
    }

    var isTold: Bool { toldCount == count }
    /// What `request` tells: an Event that is new at the server has happened once.
    var telling: Int { isCreated ? count : 1 }

    func isOf(_ other: Event) -> Bool { event.reason == other.reason && event.subject == other.subject }

    /// It happened again.
    mutating func note(_ again: Event, _ moment: Clock.Wall) {
        if again.note == event.note {
            (last, count) = (moment, count + 1)
        } else {
            untold += count - toldCount
            (event, name, first, last) = (again, EventSeries.name(object.name, moment), moment, moment)
            (isCreated, count, toldCount) = (false, 1, 0)
        }
    }

    /// The request that tells of what hasn't been told.
    public var request: Request {
        if isCreated {
            let series: JSON = [
                "count": .number("\(count)"), "lastObservedTime": .text(Timestamp.microseconds(last)),
            ]
            return Resource.events.patch(name, .merge, ["series": series])
        }
        return Resource.events.create([
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": ["name": .text(name), "namespace": .text(Resource.events.namespace ?? "")],
            "eventTime": .text(Timestamp.microseconds(first)), "reportingController": .text(object.reporter),
            "reportingInstance": .text(object.instance), "action": .text(event.action),
            "reason": .text(event.reason), "type": .text(event.type.rawValue),
            "note": .text(words.printable.shortened(to: EventSeries.longestNote)),
            "regarding": object.json,
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
