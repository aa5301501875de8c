import Fleet
import Policy
import PowercapProtocol

@testable import powercap_controller

/// A coordinator that a test speaks for, and a node whose limits it sets.
final class ScriptedCaller: GrantCaller {
    private(set) var reports: [Report] = []
    private var reply: ReportOutcome?
    private var isAsked = false

    var place: String { "https://coordinator" }
    let descriptorNumber: Int32 = -1
    var due_ns: UInt64 { reply == nil ? .max : 0 }
    var isBusy: Bool { isAsked }

    func ask(_ report: [UInt8]) {
        precondition(!isAsked)
        isAsked = true
        do { reports.append(try Report(report)) } catch { preconditionFailure("a report can't be read: \(error)") }
    }

    func take() -> ReportOutcome? {
        defer { reply = nil }
        if reply != nil { isAsked = false }
        return reply
    }

    /// What comes back for the report that is under way.
    func answer(_ reply: ReportOutcome) { self.reply = reply }

    /// A grant for it.
    func grant(
        _ watts: UInt64?, minimum: UInt64 = 20, epoch: UInt64 = 7, ttl_ms: UInt64 = 20_000, askAgain_ms: UInt64 = 2_000,
        nonce: UInt64? = nil
    ) {
        let grant = Grant(
            epoch: epoch, nonce: nonce ?? reports.last?.nonce ?? 0, limit: watts.map { .watts($0) },
            minimum: watts == nil ? .zero : .watts(min(minimum, watts!)), ttl_ms: ttl_ms, askAgain_ms: askAgain_ms,
            budgets: [GrantedBudget(name: "site", limit: .watts(400), counted: .watts(390), nodes: 4, silent: 1, isBinding: true)]
        )
        answer(.grant(grant.bytes, place: place))
    }
}

/// A node with a feed, on a clock that the test moves: CLOCK_BOOTTIME.
final class GrantedNode {
    let caller = ScriptedCaller()
    private(set) var now_ns: UInt64 = 1_000_000_000_000
    var standing: Tenure.Standing? = Tenure.Standing(
        inForce: .watts(300), rest: .watts(300), floor: .watts(20), ceiling: .watts(300), demand: .watts(150), bootsAtRest: true)
    private(set) var feed: GrantedFeed!

    static let boot = BootID("6f1c2a0e-1234-4bcd-8f01-23456789abcd")!

    init(started: Bool = true) {
        feed = GrantedFeed(caller, node: "node-a", nil) { [unowned self] in now_ns }
        feed.follow { [unowned self] in standing }
        feed.begin(boot: Self.boot, lease_ns: 5_000_000_000)
        if started { feed.start() }
    }

    /// So much is in force, and so much is what the node goes to by itself.
    func stand(_ inForce: Microwatts, rest: Microwatts) {
        standing?.inForce = inForce
        standing?.rest = rest
    }

    /// Lets time go by, with a look at the feed each 50 ms.
    func pass(_ ms: UInt64) {
        for _ in 0..<ms / 50 {
            now_ns += 50_000_000
            look()
        }
    }

    /// A turn of a loop that decides something else than the feed says, or nothing.
    func look() {
        guard feed.refresh() else { return }
        feed.noteSet()
        _ = feed.refresh()
    }

    /// In one step, as when the machine is asleep.
    func sleep(_ ms: UInt64) { now_ns += ms * 1_000_000 }
}
