internal import HTTP
internal import Kubernetes
internal import LinuxSystem
internal import Logging

/// Tells what happened to budgets by Events on them, one request at a time. Nobody waits for it, and what can't be told keeps nothing from being granted.
final class EventKeeper {
    private let client: APIClient
    private let instance: String
    private let log: Log
    private var trouble: Trouble
    /// By the PowerBudget's uid.
    private var ledgers: [String: EventLedger] = [:]
    private var inFlight: Exchange?
    private var next_ns: UInt64 = 0
    /// Of all budgets together: some at once, as when a coordinator takes over many, and then six a minute.
    private var allowance = Allowance(burst: 32, refill_ns: 10_000_000_000)

    private static let pause_ns: UInt64 = 1_000_000_000

    /// - Parameter instance: which coordinator this is.
    init(_ client: APIClient, instance: String, _ log: Log, _ causes: SharedCauses) {
        (self.client, self.instance, self.log) = (client, instance, log)
        trouble = Trouble("Events on budgets can't be recorded", log, causes)
    }

    var why: String? { trouble.sentence }

    /// This coordinator doesn't lead any more: what isn't told yet is another's to tell.
    func stop() {
        if let inFlight { client.cancel(inFlight) }
        (inFlight, ledgers) = (nil, [:])
    }

    /// When `step` has something to do, on CLOCK_MONOTONIC.
    var due_ns: UInt64 {
        guard inFlight == nil, let next = next?.series else { return .max }
        return max(next_ns, next.due_ns)
    }

    private var next: (uid: String, series: EventSeries)? {
        ledgers.compactMap { uid, ledger in ledger.next.map { (uid, $0) } }.min { $0.1.due_ns < $1.1.due_ns }
    }

    func record(_ event: BudgetEvent, on budget: BudgetObject.Head, _ now_ns: UInt64) {
        let subject = EventSubject(
            apiVersion: "powercap.dev/v1alpha1", kind: "PowerBudget", name: budget.name, uid: budget.uid,
            reporter: BudgetEvent.reporter, instance: instance)
        ledgers[budget.uid, default: EventLedger(about: subject)].record(event.event, at: Clock.wall, now_ns)
    }

    /// Tells what is due. To be called while this coordinator leads.
    func step(_ entries: [BudgetBook.Entry], _ now_ns: UInt64) {
        guard !ledgers.isEmpty, inFlight == nil, now_ns >= next_ns else { return }
        let there = Set(entries.map(\.head.uid))
        for uid in ledgers.keys where !there.contains(uid) { ledgers[uid] = nil }
        guard let (uid, series) = next, now_ns >= series.due_ns else { return }
        next_ns = now_ns + EventKeeper.pause_ns
        guard allowance.take(now_ns) else { return }
        do throws(APIProblem) {
            inFlight = try client.send(series.request) { [weak self] result in
                guard let self else { return }
                inFlight = nil
                settle(uid, series, result)
            }
        } catch { next_ns = trouble.met(error, now_ns) }
    }

    private func settle(_ uid: String, _ series: EventSeries, _ result: Result<Answer, APIProblem>) {
        let now_ns = Clock.monotonic_ns
        let again_ns = now_ns + client.patience.series_ms * 1_000_000
        switch result {
        case .success:
            ledgers[uid]?.told(series, next_ns: again_ns)
            if trouble.end() { log.info("Events on budgets are recorded again") }
        case .failure(let problem):
            switch ledgers[uid]?.refused(series, problem, next_ns: again_ns, now_ns) {
            case .told?, .gone?: return
            case .givenUp?:
                log.error(
                    "an Event was refused", ("reason", .text(series.event.reason)), ("why", .text(problem.sentence)))
            case nil: next_ns = trouble.met(problem, now_ns)
            }
        }
    }
}
