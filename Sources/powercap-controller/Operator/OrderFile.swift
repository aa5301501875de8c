internal import JSON
internal import LinuxSystem
internal import PowercapProtocol

/// Where orders outlive the controller: a file beside its socket, on a file system that a reboot empties. It names the boot, because an
/// order's end is counted from there.
struct OrderFile: Sendable {
    let path: String
    /// The kernel's id of this boot, as the helper has it: a unit's sandbox hides it from the controller.
    let bootID: String

    static let format: UInt64 = 1
    /// In bytes: two orders with their reasons have a tenth of it.
    private static let largest = 16_384

    init(beside socket: String, bootID: (high: UInt64, low: UInt64)) {
        path = socket + ".orders"
        self.bootID = "\(String(bootID.high, radix: 16))-\(String(bootID.low, radix: 16))"
    }

    /// What was saved in this boot.
    func read() throws(SavedFile.Problem) -> Orders {
        guard let saved = try file.read(format: OrderFile.format, within: .answer) else { return Orders() }
        guard let boot = saved["boot"]?.text, let elements = saved["orders"]?.elements else { throw .damaged }
        var orders = Orders()
        if boot != bootID { return orders }
        for element in elements {
            guard let order = Order(element), orders[order.kind] == nil else { throw .damaged }
            orders.put(order)
        }
        return orders
    }

    /// Saves them in place of what was saved, whole or not at all.
    func write(_ orders: Orders) throws(Errno) {
        if orders.standing.isEmpty { return try file.remove() }
        try file.write([
            "format": .number("\(OrderFile.format)"), "boot": .text(bootID), "orders": .list(orders.standing.map(\.json)),
        ])
    }

    /// Whoever may ask the controller may read who has ordered what.
    private var file: SavedFile { SavedFile(path: path, largest: OrderFile.largest, isPublic: true) }
}

extension Order {
    fileprivate init?(_ json: JSON) {
        guard let uid = json["uid"]?.integer.flatMap({ UInt32(exactly: $0) }), let reason = json["reason"]?.text,
            let since = json["since"]?.integer.flatMap({ Int64(exactly: $0) }), let start = json["start_boottime_ns"]?.integer
        else { return nil }
        let end = json["end_boottime_ns"]
        if end != .null, end?.integer == nil { return nil }
        switch json["kind"]?.text.flatMap(Kind.init(rawValue:)) {
        case .limit:
            guard let limit = json["limit_uw"]?.integer else { return nil }
            wish = .limit(Microwatts(limit))
        case .pause: wish = .pause
        case nil: return nil
        }
        (self.uid, self.reason, self.since, start_ns, end_ns) = (uid, reason, since, start, end?.integer)
    }

    fileprivate var json: JSON {
        var members = [JSON.Member("kind", .text(kind.rawValue))]
        if case .limit(let limit) = wish { members.append(JSON.Member("limit_uw", .number("\(limit.rawValue)"))) }
        members += [
            JSON.Member("uid", .number("\(uid)")), JSON.Member("reason", .text(reason)),
            JSON.Member("since", .number("\(since)")), JSON.Member("start_boottime_ns", .number("\(start_ns)")),
            JSON.Member("end_boottime_ns", end_ns.map { .number("\($0)") } ?? .null),
        ]
        return .object(members)
    }
}
