internal import HTTP
internal import JSON
internal import Kubernetes
internal import LinuxSystem
internal import Logging

/// Publishes what is so of budgets on their objects: nothing where nothing changed.
final class StatusKeeper {
    private let client: APIClient
    private let log: Log
    private let events: EventKeeper
    private var trouble: Trouble
    private var inFlight: Exchange?
    private var next_ns: UInt64 = 0
    /// By budget, what was written last, in case that the watch hasn't shown it yet, and when.
    private var written: [String: (status: JSON, at_ns: UInt64)] = [:]

    private static let pause_ns: UInt64 = 1_000_000_000

    /// - Parameter events: tells of conditions that are others than they were, when they stand on the object.
    init(_ client: APIClient, _ events: EventKeeper, _ log: Log, _ causes: SharedCauses) {
        (self.client, self.events, self.log) = (client, events, log)
        trouble = Trouble("what is so of budgets can't be published on them", log, causes)
    }

    var why: String? { trouble.sentence }

    func stop() {
        if let inFlight { client.cancel(inFlight) }
        (inFlight, written) = (nil, [:])
    }

    /// When `step` may have something to do, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { inFlight == nil ? next_ns : .max }

    /// Writes the most urgent of what isn't said yet. To be called while this coordinator leads.
    func step(_ entries: [BudgetBook.Entry], _ now_ns: UInt64, status: (BudgetBook.Entry) -> BudgetStatus) {
        guard inFlight == nil, now_ns >= next_ns else { return }
        next_ns = now_ns + StatusKeeper.pause_ns
        var numbers: (BudgetBook.Entry, BudgetStatus)?
        for entry in entries {
            let wanted = status(entry)
            switch wanted.urgency(beside: standing(entry)) {
            case .none: continue
            case .conditions: return write(entry, wanted, now_ns)
            case .numbers:
                let last_ns = written[entry.head.name]?.at_ns ?? 0
                if numbers == nil, last_ns == 0 || now_ns >= last_ns + BudgetStatus.numbers_ns { numbers = (entry, wanted) }
            }
        }
        if let (entry, wanted) = numbers { write(entry, wanted, now_ns) }
    }

    private func standing(_ entry: BudgetBook.Entry) -> JSON? { written[entry.head.name]?.status ?? entry.status }

    private func write(_ entry: BudgetBook.Entry, _ status: BudgetStatus, _ now_ns: UInt64) {
        let name = entry.head.name
        let standing = standing(entry)
        let patch = status.patch(beside: standing, at: Clock.wall)
        do throws(APIProblem) {
            inFlight = try client.send(Resource.powerBudgets.patch(name, .merge, patch, subresource: "status")) {
                [weak self] result in
                guard let self else { return }
                inFlight = nil
                switch result {
                case .success:
                    written[name] = (patch["status"] ?? .null, now_ns)
                    for event in BudgetEvent.changes(from: standing, to: status.conditions) {
                        events.record(event, on: entry.head, now_ns)
                    }
                    if trouble.end() { log.info("what is so of budgets is published again") }
                // It is gone, which the watch is about to tell.
                case .failure(let problem) where problem.status == 404: next_ns = Clock.monotonic_ns + BudgetStatus.numbers_ns
                case .failure(let problem): next_ns = trouble.met(problem, Clock.monotonic_ns)
                }
            }
        } catch { next_ns = trouble.met(error, Clock.monotonic_ns) }
    }
}
