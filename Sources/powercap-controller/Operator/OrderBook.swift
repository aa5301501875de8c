internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// Keeps the operators' orders: they outlive this process, and end by themselves.
final class OrderBook {
    private(set) var orders = Orders()
    /// Orders were saved, and can't be read: why.
    private(set) var problem: SavedFile.Problem?
    /// nil before `open`, and where there is no socket to save them beside.
    private var file: OrderFile?
    private let log: Log

    init(_ log: Log) { self.log = log }

    /// Reads what was saved in this boot; once.
    func open(_ file: OrderFile) {
        guard self.file == nil else { return }
        self.file = file
        do throws(SavedFile.Problem) { orders = try file.read() } catch {
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
    func give(_ order: Order) -> Receipt {
        // Nobody knows what limit was saved, and a pause doesn't say.
        if order.kind == .limit { problem = nil }
        orders.put(order)
        log.info("an operator gave an order", fields(order))
        return Receipt(unsaved: save())
    }

    /// - Returns: nil where there was nothing to take back.
    func takeBack(_ kind: Order.Kind, uid: UInt32) -> Receipt? {
        let wasUnknown = problem != nil && kind == .limit
        if wasUnknown { problem = nil }
        if let order = orders.remove(kind) {
            log.info("an operator took an order back", fields(order) + [("by_uid", .number(UInt64(uid)))])
        } else if !wasUnknown {
            return nil
        }
        return Receipt(unsaved: save())
    }

    /// What became of an order, or of taking one back, beside that it is followed.
    struct Receipt: Equatable {
        /// Why a restart of the controller would undo it; nil where it is saved.
        let unsaved: String?
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
        // A damaged file may hold a limit: it is the only sign of that after a restart.
        if let problem { return "the saved orders \(problem.words): `unset` or `set` first" }
        do throws(Errno) {
            try file.write(orders)
            return nil
        } catch {
            log.warning(
                "the operator's orders can't be saved: a restart of the controller goes by those that were",
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
