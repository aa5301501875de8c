import Fleet

/// A process that coordinates, or would like to.
struct Office {
    enum State { case runs, paused, dead }

    let rate: Int64
    let offset_ns: UInt64
    var state = State.runs
    var generation = 0
    /// What came while it was paused.
    var waiting: [Event] = []
    var reachesStore = true
    /// As it saw the Lease last, and when that was new.
    var seen = Lease()
    var seen_ns: UInt64 = 0
    var coordinator: Coordinator?
    /// Taken, but the records aren't read.
    var leadership: Leadership?
    var recordsVersion = 0
    var isKeeping = false
    /// Budgets as it heard of them last, and as its coordinator has them.
    var heard: [BudgetTerms] = []
    var set: [BudgetTerms] = []
    var ledSince_ns: UInt64 = 0
    var desk = PartDesk()

    func clock(_ now_ns: UInt64) -> UInt64 { offset_ns + skewed(now_ns, rate) }

    static let leaseDuration_ns: UInt64 = 8_000_000_000
}
