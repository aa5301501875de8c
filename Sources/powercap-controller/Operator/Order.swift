internal import Policy
internal import PowercapProtocol
internal import Text

/// What an operator asked for on the controller's own socket, against the configuration and beside the Node's overrides.
struct Order: Equatable, Sendable {
    /// What it is about. There is one order of each kind at most.
    enum Kind: String, CaseIterable, Sendable { case limit, pause }

    /// What it asks for.
    enum Wish: Equatable, Sendable {
        /// The node's limit, in place of the source.
        case limit(Microwatts)
        /// The limits stay as they are.
        case pause

        var kind: Kind { if case .limit = self { .limit } else { .pause } }
    }

    let wish: Wish
    /// The user who asked, by SO_PEERCRED.
    let uid: UInt32
    /// For people; empty where none was given.
    let reason: String
    /// When it was asked for, in seconds since 1970.
    let since: Int64
    /// The same on CLOCK_BOOTTIME in nanoseconds.
    let start_ns: UInt64
    /// When it ends by itself, on CLOCK_BOOTTIME in nanoseconds: whatever is done to the wall clock meanwhile, and also while the
    /// machine is asleep (clock_gettime(2)). nil: when it is taken back, or at the next boot.
    let end_ns: UInt64?

    var kind: Kind { wish.kind }

    /// The reason in a sentence: whoever may give orders doesn't write to another's terminal.
    var reasonWords: String { reason.printable }

    /// What a person reads: `An operator's limit of 120 W (uid 0)`.
    var words: String {
        switch wish {
        case .limit(let limit): "An operator's limit of \(limit.words) (uid \(uid))"
        case .pause: "An operator's pause (uid \(uid))"
        }
    }

    /// Of a reason, in bytes.
    static let longestReason = 200
    /// The longest time that one can be given for.
    static let longestTime = Milliseconds(30 * 86_400_000)
    /// The end that an order has where nobody says for how long.
    static let usualTime = Milliseconds.hour

    /// So much of its time is left; nil where it has no end.
    func left(at boot_ns: UInt64) -> Milliseconds? {
        end_ns.map { Milliseconds($0 > boot_ns ? ($0 - boot_ns) / 1_000_000 : 0) }
    }
}

/// The orders that stand.
struct Orders: Equatable, Sendable {
    private(set) var standing: [Order] = []

    /// The one of this kind.
    subscript(kind: Order.Kind) -> Order? { standing.first { $0.kind == kind } }

    /// In place of the one of its kind.
    mutating func put(_ order: Order) {
        standing.removeAll { $0.kind == order.kind }
        standing.append(order)
        standing.sort { $0.kind.rawValue < $1.kind.rawValue }
    }

    /// - Returns: what is taken back; nil where nothing of this kind stood.
    mutating func remove(_ kind: Order.Kind) -> Order? {
        let order = self[kind]
        standing.removeAll { $0.kind == kind }
        return order
    }

    /// Takes away what has ended.
    mutating func end(at boot_ns: UInt64) -> [Order] {
        let ended = standing.filter { $0.end_ns.map { $0 <= boot_ns } ?? false }
        if !ended.isEmpty { standing.removeAll { ended.contains($0) } }
        return ended
    }

    /// When the next one ends, on CLOCK_BOOTTIME.
    var nextEnd_ns: UInt64? { standing.compactMap(\.end_ns).min() }

    /// As the policy takes them.
    var overrides: Overrides {
        var overrides = Overrides()
        for order in standing {
            switch order.wish {
            case .limit(let limit): overrides.limit = limit
            case .pause: overrides.paused = true
            }
        }
        return overrides
    }
}
