internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// Who asks, and who gives orders.
extension Controller: ControlDesk {
    /// What is answered is at most a second old.
    func answer(_ now_ns: UInt64) {
        if let session, now_ns >= session.sampled_ns + Controller.fresh_ns {
            lastAnswer.forget()
            do throws(HelperError) { try sample(session, now_ns) } catch { fail(error) }
        }
        listeners.run()
    }

    static let fresh_ns: UInt64 = 1_000_000_000

    func endOrders() {
        let ended = book.end(at: Clock.boottime_ns)
        for order in ended { tell(of: order, "has ended") }
        if ended.isEmpty { return }
        node.hurry()
        due.decide_ns = 0
    }

    /// On CLOCK_MONOTONIC, which stands still while the machine is asleep: it is looked at anew at each turn.
    func ordersDue_ns(_ now_ns: UInt64) -> UInt64 {
        guard let end_ns = book.nextEnd_ns else { return .max }
        let boot_ns = Clock.boottime_ns
        return now_ns + (end_ns > boot_ns ? end_ns - boot_ns : 0)
    }

    private func tell(of order: Order, _ what: String) {
        node.tell(NodeEvent(reason: .operatorOrdered, subject: order.kind.rawValue, note: "\(order.words) \(what)"))
    }

    func give(_ order: Order) -> OrderBook.Receipt {
        let receipt = book.give(order)
        tell(of: order, order.reason.isEmpty ? "was ordered" : "was ordered: \(order.reasonWords)")
        followOrders()
        return receipt
    }

    func takeBack(_ kind: Order.Kind, uid: UInt32) -> OrderBook.Receipt? {
        let order = book.orders[kind]
        guard let receipt = book.takeBack(kind, uid: uid) else { return nil }
        if let order { tell(of: order, "was taken back by uid \(uid)") }
        followOrders()
        return receipt
    }

    /// Now, and not in the loop's next turn: whoever gave an order reads in the answer what came of it.
    private func followOrders() {
        node.hurry()
        isOnlyAsked = false
        guard let session else { return }
        session.retryRefused()
        do throws(HelperError) { try decideAndApply(session) } catch { fail(error) }
    }
}
