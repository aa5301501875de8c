/// How often something may be done that others can cause: so often at once, and then as often as time gives it back.
public struct Allowance: Sendable {
    private let burst: Int
    private let refill_ns: UInt64
    private var left: Int
    private var counted_ns: UInt64 = 0

    public init(burst: Int, refill_ns: UInt64) { (self.burst, self.refill_ns, left) = (burst, refill_ns, burst) }

    /// Whether it may be done now.
    public mutating func take(_ now_ns: UInt64) -> Bool {
        let refilled = (now_ns - min(counted_ns, now_ns)) / refill_ns
        if refilled > 0 {
            left = min(burst, left + Int(min(refilled, UInt64(burst))))
            counted_ns = now_ns
        }
        guard left > 0 else { return false }
        left -= 1
        return true
    }

    /// What was taken was no use of it.
    mutating func giveBack() { left = min(burst, left + 1) }

    /// Whether all of it would be there.
    func isWhole(_ now_ns: UInt64) -> Bool { UInt64(burst - left) <= (now_ns - min(counted_ns, now_ns)) / refill_ns }
}
