import PowercapProtocol

/// What goes wrong with one request.
enum Fault: Equatable {
    /// The answer comes late, and so does everything else: the helper has one thread.
    case delay(milliseconds: UInt32)
    /// It isn't carried out.
    case error(Failure)
    /// It isn't carried out, and the connection is closed.
    case disconnect
    /// It isn't carried out, and what comes back is not the protocol.
    case garbage
    /// It is carried out, but half of the answer is missing, and nothing more comes on this connection.
    case half
    /// It isn't carried out, and nothing comes back on this connection any more.
    case silence
    /// It is carried out, and the answer has another number.
    case wrongID
    /// Hello alone: no common version.
    case refuseVersion
}

/// Which requests go wrong.
struct FaultPlan {
    private var rules: [Rule] = []

    private struct Rule {
        let request: Opcode
        /// Requests that go well before; nil: all of them go wrong.
        var before: UInt64?
        let fault: Fault
    }

    /// - Parameter number: 1 is the next; nil is every one.
    mutating func add(_ request: Opcode, number: UInt64?, _ fault: Fault) {
        rules.append(Rule(request: request, before: number.map { $0 - 1 }, fault: fault))
    }

    mutating func removeAll() { rules.removeAll() }

    /// To be asked once for each request.
    mutating func next(_ request: Opcode) -> Fault? {
        var fault: Fault?
        rules = rules.compactMap { rule in
            guard rule.request == request else { return rule }
            var rule = rule
            if rule.before == nil || rule.before == 0 {
                if fault == nil { fault = rule.fault }
                return rule.before == nil ? rule : nil
            }
            rule.before! -= 1
            return rule
        }
        return fault
    }
}
