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

    /// Why what was saved isn't known.
    enum Problem: Error, Equatable, Sendable {
        case unreadable(Errno)
        /// Not this program's own plain file, or not what it writes.
        case damaged

        /// Behind "the saved orders ".
        var words: String {
            switch self {
            case .unreadable(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
            case .damaged: "are damaged, or somebody else's"
            }
        }
    }

    init(beside socket: String, bootID: (high: UInt64, low: UInt64)) {
        path = socket + ".orders"
        self.bootID = "\(String(bootID.high, radix: 16))-\(String(bootID.low, radix: 16))"
    }

    /// What was saved in this boot.
    func read() throws(Problem) -> Orders {
        let bytes: [UInt8]?
        do throws(Errno) { bytes = try contents() } catch {
            if error == .noEntry { return Orders() }
            throw .unreadable(error)
        }
        guard let bytes, bytes.count < OrderFile.largest, let saved = try? JSON(bytes, .all, within: .answer),
            saved["format"]?.integer == OrderFile.format, let boot = saved["boot"]?.text,
            let elements = saved["orders"]?.elements
        else { throw .damaged }
        var orders = Orders()
        if boot != bootID { return orders }
        for element in elements {
            guard let order = Order(element), orders[order.kind] == nil else { throw .damaged }
            orders.put(order)
        }
        return orders
    }

    /// nil where somebody else may have written it.
    private func contents() throws(Errno) -> [UInt8]? {
        let file = try Descriptor(opening: path, .read)
        guard file.isTrustworthy else { return nil }
        var bytes = [UInt8](repeating: 0, count: OrderFile.largest)
        let count = try file.read(into: &bytes, from: 0, atMost: bytes.count)
        return Array(bytes[..<count])
    }

    /// Saves them in place of what was saved, whole or not at all.
    func write(_ orders: Orders) throws(Errno) {
        if orders.standing.isEmpty {
            // That takes no room: an order that was taken back doesn't come back because a disk is full.
            do throws(Errno) { try unlink(path) } catch { if error != .noEntry { throw error } }
            return
        }
        let document: JSON = [
            "format": .number("\(OrderFile.format)"), "boot": .text(bootID), "orders": .list(orders.standing.map(\.json)),
        ]
        let temporary = path + ".new"
        try? unlink(temporary)
        do throws(Errno) {
            let bytes = document.bytes
            let file = try Descriptor(opening: temporary, .createNew, mode: 0o644)
            guard try file.write(bytes.span) == bytes.count else { throw .noSpace }
            try rename(temporary, to: path)
        } catch {
            try? unlink(temporary)
            throw error
        }
    }
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
