internal import LinuxSystem

/// Events that are one object at the API server: the same thing happening again counts up, and isn't told each time.
struct EventSeries {
    let event: NodeEvent
    let name: String
    let first: Moment
    private(set) var last: Moment
    private(set) var count = 1
    private var isCreated = false
    /// What was told last.
    private var toldCount = 0
    private(set) var due_ns: UInt64

    /// The API server keeps an Event for an hour (kube-apiserver --event-ttl).
    static let lifetime_s: Int64 = 3_600

    init(_ event: NodeEvent, node: String, at moment: Moment, _ now_ns: UInt64) {
        self.event = event
        // Unique on a node, and short enough for a name, as a Node's may be 253 bytes long itself.
        var stem = node.prefix(200)
        while let last = stem.last, last == "." || last == "-" { stem.removeLast() }
        name = "\(stem).\(String(UInt64(moment.seconds) &* 1_000_000_000 &+ UInt64(moment.nanoseconds), radix: 16))"
        (first, last, due_ns) = (moment, moment, now_ns)
    }

    var isTold: Bool { toldCount == count }
    /// What `request` tells: an Event that is new at the server has happened once.
    var telling: Int { isCreated ? count : 1 }

    /// It happened again.
    mutating func note(_ moment: Moment) { (last, count) = (moment, count + 1) }

    /// The request that tells of what hasn't been told.
    func request(node: String) -> Request {
        if isCreated {
            let series: JSON = [
                "count": .number("\(count)"), "lastObservedTime": .text(Timestamp.microseconds(last)),
            ]
            return Resource.nodeEvents.patch(name, .merge, ["series": series])
        }
        return Resource.nodeEvents.create([
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": ["name": .text(name), "namespace": .text(Resource.nodeEvents.namespace ?? "")],
            "eventTime": .text(Timestamp.microseconds(first)), "reportingController": "powercap.dev/controller",
            "reportingInstance": .text(String(node.prefix(128))), "action": .text(event.reason.action),
            "reason": .text(event.reason.rawValue), "type": .text(event.reason.type),
            "note": .text(EventSeries.shortened(event.note)),
            // kubectl looks for a Node's Events by its name in the place of the uid.
            "regarding": ["apiVersion": "v1", "kind": "Node", "name": .text(node), "uid": .text(node)],
        ])
    }

    /// - Parameter count: what was `telling` when the request that succeeded was made.
    mutating func told(_ count: Int, next_ns: UInt64) { (isCreated, toldCount, due_ns) = (true, count, next_ns) }

    /// The server has no such Event any more: the next request makes it anew.
    mutating func isGone(_ now_ns: UInt64) { (isCreated, due_ns) = (false, now_ns) }

    /// A note has at most 1 kB of UTF-8 (validation of events.k8s.io/v1).
    private static func shortened(_ note: String) -> String {
        var (short, bytes) = ("", 0)
        for scalar in note.unicodeScalars {
            bytes += UTF8.width(scalar)
            if bytes > 1_000 { return short + "..." }
            short.unicodeScalars.append(scalar)
        }
        return short
    }
}
