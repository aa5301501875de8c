internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// Keeps the operators' orders: they outlive this process, and end by themselves.
final class OrderBook {
    private(set) var orders = Orders()
    /// Orders were saved, and can't be read: why.
    private(set) var problem: OrderFile.Problem?
    /// nil before `open`, and where there is no socket to save them beside.
    private var file: OrderFile?
    private let log: Log

    init(_ log: Log) { self.log = log }

    /// Reads what was saved in this boot; once.
    func open(_ file: OrderFile) {
        guard self.file == nil else { return }
        self.file = file
        do throws(OrderFile.Problem) { orders = try file.read() } catch {
            problem = error
            log.error(
                "the saved orders \(error.words): the floor holds until an operator says `unset`, or `set`",
                ("file", .text(file.path)))
        }
        for order in orders.standing { log.info("an operator's order stands", fields(order)) }
    }

    /// When the next order ends, on CLOCK_BOOTTIME.
    var nextEnd_ns: UInt64? { orders.nextEnd_ns }

    /// In place of the one of its kind.
    /// - Returns: why it can't be saved, and ends with this process; nil where it is.
    func give(_ order: Order) -> String? {
        problem = nil
        orders.put(order)
        log.info("an operator gave an order", fields(order))
        return save()
    }

    /// - Returns: whether there was something to take back.
    func takeBack(_ kind: Order.Kind, uid: UInt32) -> Bool {
        let wasUnknown = problem != nil && kind == .limit
        if wasUnknown { problem = nil }
        guard let order = orders.remove(kind) else {
            if wasUnknown { _ = save() }
            return wasUnknown
        }
        log.info("an operator took an order back", fields(order) + [("by_uid", .number(UInt64(uid)))])
        _ = save()
        return true
    }

    /// - Returns: the orders whose time has come.
    func end(at boot_ns: UInt64) -> [Order] {
        let ended = orders.end(at: boot_ns)
        for order in ended { log.info("an operator's order has ended", fields(order)) }
        if !ended.isEmpty { _ = save() }
        return ended
    }

    private func save() -> String? {
        guard let file else { return "there is no file for it" }
        do throws(Errno) {
            try file.write(orders)
            return nil
        } catch {
            log.warning(
                "the operator's orders can't be saved: they end with this process",
                ("file", .text(file.path)), ("why", .text("\(error.explanation) (\(error.name))")))
            return "\(file.path) can't be written: \(error.explanation) (\(error.name))"
        }
    }

    private func fields(_ order: Order) -> [Log.Field] {
        var fields: [Log.Field] = [("kind", .text(order.kind.rawValue))]
        if case .limit(let limit) = order.wish { fields.append(("limit_uw", .number(limit.rawValue))) }
        fields.append(("uid", .number(UInt64(order.uid))))
        if let left = order.left(at: Clock.boottime_ns) { fields.append(("left_s", .number(left.rawValue / 1_000))) }
        if !order.reason.isEmpty { fields.append(("reason", .text(order.reason))) }
        return fields
    }
}
