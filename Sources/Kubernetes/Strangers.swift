/// How often the API server is asked about tokens on behalf of whoever shows them, by where they come from: what turns out to be somebody's costs
/// nothing, so that a whole fleet behind one address isn't kept waiting by it, and what doesn't is on the account of its origin alone.
struct Strangers {
    /// Origins whose tokens can be on account at a time.
    static let most = 4_096

    private let burst: Int
    private let refill_ns: UInt64
    private var accounts: [UInt64: Allowance] = [:]

    init(burst: Int, refill_ns: UInt64) { (self.burst, self.refill_ns) = (burst, refill_ns) }

    /// Whether one more token of an origin may be asked about.
    mutating func take(_ origin: UInt64, _ now_ns: UInt64) -> Bool {
        if accounts[origin] == nil {
            if accounts.count >= Strangers.most { accounts = accounts.filter { !$0.value.isWhole(now_ns) } }
            if accounts.count >= Strangers.most { return false }
        }
        return accounts[origin, default: Allowance(burst: burst, refill_ns: refill_ns)].take(now_ns)
    }

    /// It was somebody's.
    mutating func giveBack(_ origin: UInt64, _ now_ns: UInt64) {
        accounts[origin]?.giveBack()
        if accounts[origin]?.isWhole(now_ns) == true { accounts[origin] = nil }
    }
}
