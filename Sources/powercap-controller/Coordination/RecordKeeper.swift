internal import Fleet
internal import HTTP
internal import JSON
internal import Kubernetes
internal import LinuxSystem
internal import Logging
internal import PowercapProtocol

/// Keeps what the next coordinator has to know in PowerBudgetShards: what each node may go to by itself, and for how long grants may hold. One
/// write at a time; until it is there nothing is granted that rests on it.
///
/// Before anything is answered each shard is claimed: a write that makes another state of it, in whose answer is what it said until then. From
/// then on a write of an earlier coordinator, which names the state before, is refused, however long it was under way.
final class RecordKeeper {
    private let client: APIClient
    private let shard: Int
    private let log: Log
    private var trouble: Trouble
    private var phase = Phase.idle
    /// What this coordinator is called in a claim; it has been called so at no other time.
    private var claimant = ""
    private var shards: [String: Shard] = [:]
    /// Records that are being kept: of this version, and in which budgets that isn't done.
    private var pending: (version: UInt64, budgets: Set<String>)?
    /// What was found that somebody else had written meanwhile.
    private var strange: [Fleet.NodeRecord] = []
    private var inFlight: Exchange?
    private var next_ns: UInt64 = 0

    private enum Phase: Equatable {
        case idle, listing
        /// Budgets whose part is still to be claimed.
        case claiming([String])
        case open
    }

    /// What is known of a budget's part.
    private struct Shard {
        /// Of the object as this coordinator left it; nil where it has to be claimed, or made.
        var version: String?
        var exists = false
        var time = GrantTime(kept_s: nil)
        /// As it stands there.
        var limit: Microwatts?
        var records: [Fleet.NodeRecord] = []
        var numbers: [UInt64]?
        var numbers_ns: UInt64 = 0
    }

    /// Between two writes, so that what comes together is written together.
    private static let pause_ns: UInt64 = 500_000_000
    private static let numbers_ns: UInt64 = 60_000_000_000
    /// Of a power in an object, mW.
    private static let most: UInt64 = 1_000_000_000_000_000

    init(_ client: APIClient, shard: Int, _ log: Log, _ causes: SharedCauses) {
        (self.client, self.shard, self.log) = (client, shard, log)
        trouble = Trouble("what a next coordinator has to know can't be kept", log, causes)
    }

    var why: String? { trouble.sentence }
    /// When `step` has something to do, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { phase == .idle || inFlight != nil ? .max : next_ns }
    /// What earlier coordinators have kept is known, and is this one's alone.
    var isOpen: Bool { phase == .open }

    // MARK: The beginning

    /// This coordinator has taken the Lease.
    func begin(as claimant: String) {
        stop()
        (self.claimant, phase, next_ns) = (claimant, .listing, 0)
    }

    /// It doesn't lead any more.
    func stop() {
        if let inFlight { client.cancel(inFlight) }
        (phase, shards, inFlight, pending, strange) = (.idle, [:], nil, nil, [])
    }

    /// The longest that a grant of an earlier coordinator may hold, ms.
    /// - Parameter budgets: those that there are.
    func earlierTTL_ms(_ budgets: [String]) -> UInt64 {
        // One that is gone by now may have been there a moment ago.
        let kept = (Array(shards.keys) + budgets).map { shards[$0]?.time.kept_s ?? GrantTime.longest_s }
        return (kept.max() ?? GrantTime.longest_s) * 1_000
    }

    /// What earlier coordinators knew of nodes.
    var records: [Fleet.NodeRecord] { shards.values.flatMap(\.records) }
    /// What an earlier coordinator had to give last, by budget.
    var earlierLimits: [String: Microwatts] { shards.compactMapValues(\.limit) }

    /// For how long grants of a budget may hold that is to have so long, s.
    func grant_s(_ budget: String, wanted wanted_s: UInt64, _ boot_ns: UInt64) -> UInt64 {
        shards[budget, default: Shard()].time.grant(wanted_s, boot_ns)
    }

    /// Lists and claims what there is, as long as that isn't done.
    func prepare(_ now_ns: UInt64) {
        guard inFlight == nil, now_ns >= next_ns else { return }
        switch phase {
        case .idle, .open: return
        case .listing:
            send(Resource.powerBudgetShards.list(.metadata)) { [self] answer in
                let list = try? JSON(answer.body, RecordKeeper.listInterest, within: .file)
                guard let items = list?["items"]?.elements else { return false }
                let names = items.compactMap { $0["metadata"]?["name"]?.text }
                phase = .claiming(names.compactMap(budget))
                return true
            }
        case .claiming(let budgets):
            guard let budget = budgets.first else { return phase = .open }
            claim(budget) { [self] in phase = .claiming(Array(budgets.dropFirst())) }
        }
    }

    /// Which budget's part is called so; nil where it is another's.
    private func budget(_ name: String) -> String? {
        let ending = ShardObject.name(of: "", shard: shard)
        return name.hasSuffix(ending) ? String(name.dropLast(ending.utf8.count)) : nil
    }

    private static let listInterest = JSONInterest.members([
        "items": .each(.members(["metadata": .members(["name": .all])]))
    ])

    private func claim(_ budget: String, then: @escaping () -> Void) {
        let patch: JSON = ["metadata": ["annotations": ["powercap.dev/coordinator": .text(claimant)]]]
        let name = ShardObject.name(of: budget, shard: shard)
        let isLate = isOpen
        send(Resource.powerBudgetShards.patch(name, .merge, patch, .whole)) { [self] answer in
            guard let object = try? JSON(answer.body, ShardObject.interest, within: .file),
                let version = object["metadata"]?["resourceVersion"]?.text
            else { return false }
            var shard = shards[budget] ?? Shard()
            (shard.exists, shard.version) = (true, version)
            do throws(JSONField.Problem) {
                let found = try ShardObject(object)
                let kept_s = found.grant_s
                (shard.records, shard.limit) = (found.records, found.limit)
                shard.time = isLate ? shard.time : GrantTime(kept_s: kept_s)
                if isLate { strange += found.records }
            } catch {
                // Its nodes count as if nobody had ever known them.
                log.error(
                    "what an earlier coordinator has kept can't be read", ("shard", .text(name)), ("why", .text(error.words)))
            }
            shards[budget] = shard
            then()
            return true
        } onAbsence: { [self] in
            shards[budget] = isLate ? Shard(time: shards[budget]?.time ?? GrantTime(kept_s: nil)) : nil
            then()
        }
    }

    // MARK: Writing

    /// - Parameter boot_ns: on CLOCK_BOOTTIME, as the coordinator counts.
    func step(_ coordinator: inout Coordinator, _ entries: [BudgetBook.Entry], _ now_ns: UInt64, _ boot_ns: UInt64) {
        guard isOpen, inFlight == nil, now_ns >= next_ns else { return }
        next_ns = now_ns + RecordKeeper.pause_ns
        for record in strange { coordinator.remember(record, now_ns: boot_ns) }
        strange = []
        if let done = pending, done.budgets.isDisjoint(with: entries.map(\.head.name)) {
            // What is of budgets that are gone keeps nobody waiting.
            coordinator.recorded(upTo: done.version)
            pending = nil
        }
        if pending == nil, let handed = coordinator.pendingRecords() {
            let names = Set(handed.records.map(\.node))
            let budgets = entries.map(\.head.name).filter { coordinator.records(of: $0).contains { names.contains($0.node) } }
            pending = (handed.version, Set(budgets))
        }
        let overviews = coordinator.overview(now_ns: boot_ns)
        for entry in entries {
            guard let overview = overviews.first(where: { $0.terms.name == entry.head.name }) else { continue }
            if write(entry, overview, coordinator, now_ns, boot_ns) { return }
        }
    }

    /// Writes what is most needed of a budget.
    /// - Returns: false where nothing is.
    private func write(
        _ entry: BudgetBook.Entry, _ overview: BudgetOverview, _ coordinator: Coordinator, _ now_ns: UInt64, _ boot_ns: UInt64
    ) -> Bool {
        let budget = entry.head.name
        let shard = shards[budget] ?? Shard()
        guard shard.exists else {
            create(entry)
            return true
        }
        guard let version = shard.version else {
            claim(budget) {}
            return true
        }
        let time_s = shard.time.due_s(entry.object?.grant_s ?? overview.terms.ttl_ms / 1_000, boot_ns)
        let numbers = [overview.counted, overview.demand, overview.minimum].map(\.milliwatts)
        let hasRecords = pending?.budgets.contains(budget) == true
        if hasRecords || shard.time.kept_s != time_s || isWorth(numbers, shard, overview, now_ns) {
            writeStatus(budget, version, overview, time_s, numbers, coordinator.records(of: budget), now_ns)
            return true
        }
        if shard.limit.map({ isFar($0, entry.limit) }) ?? true {
            let patch: JSON = [
                "metadata": ["resourceVersion": .text(version)],
                "spec": ["limitMilliwatts": .whole(min(entry.limit.milliwatts, RecordKeeper.most))],
            ]
            change(budget, patch) { [self] in shards[budget]?.limit = entry.limit }
            return true
        }
        return false
    }

    private func writeStatus(
        _ budget: String, _ version: String, _ overview: BudgetOverview, _ time_s: UInt64, _ numbers: [UInt64],
        _ records: [Fleet.NodeRecord], _ now_ns: UInt64
    ) {
        let whole = overview.counted + overview.contingency + overview.terms.reserve
        let powers = [overview.isWithin ? overview.terms.limit.milliwatts : whole.milliwatts] + numbers
        let capped = powers.map { JSON.whole(min($0, RecordKeeper.most)) }
        let patch: JSON = [
            "metadata": ["resourceVersion": .text(version)],
            "status": [
                "grantSeconds": .whole(time_s), "acknowledgedMilliwatts": capped[0], "countedMilliwatts": capped[1],
                "demandMilliwatts": capped[2], "minimumMilliwatts": capped[3], "nodes": .list(records.map(\.json)),
            ],
        ]
        shards[budget]?.time.sent(time_s)
        let records = pending?.version
        change(budget, patch, subresource: "status") { [self] in
            shards[budget]?.time.arrived(time_s)
            shards[budget]?.numbers = numbers
            shards[budget]?.numbers_ns = now_ns
            if pending?.version == records { pending?.budgets.remove(budget) }
        }
    }

    /// What isn't needed is told once a minute, where it has moved by more than 2 % of the limit.
    private func isWorth(_ numbers: [UInt64], _ shard: Shard, _ overview: BudgetOverview, _ now_ns: UInt64) -> Bool {
        guard let told = shard.numbers else { return true }
        let band = overview.terms.limit.milliwatts / 50
        return now_ns >= shard.numbers_ns + RecordKeeper.numbers_ns
            && zip(numbers, told).contains { max($0, $1) - min($0, $1) > band }
    }

    /// By more than 1 %.
    private func isFar(_ standing: Microwatts, _ limit: Microwatts) -> Bool {
        max(standing, limit) - min(standing, limit) > Microwatts(standing.rawValue / 100)
    }

    private func create(_ entry: BudgetBook.Entry) {
        let budget = entry.head.name
        send(Resource.powerBudgetShards.create(ShardObject.new(entry.head, shard: shard, entry.limit, claimant))) {
            [self] answer in
            var shard = shards[budget] ?? Shard()
            (shard.exists, shard.version, shard.limit) = (true, RecordKeeper.version(answer), entry.limit)
            shards[budget] = shard
            return true
        } onConflict: { [self] in
            // An earlier coordinator's was under way.
            shards[budget, default: Shard()].exists = true
        }
    }

    private func change(_ budget: String, _ patch: JSON, subresource: String? = nil, then: @escaping () -> Void) {
        let name = ShardObject.name(of: budget, shard: shard)
        send(Resource.powerBudgetShards.patch(name, .merge, patch, subresource: subresource)) { [self] answer in
            shards[budget]?.version = RecordKeeper.version(answer)
            then()
            return true
        } onAbsence: { [self] in
            shards[budget]?.exists = false
            shards[budget]?.version = nil
        } onConflict: { [self] in
            shards[budget]?.version = nil
        }
    }

    private static func version(_ answer: Answer) -> String? {
        (try? JSON(answer.body, .members(["metadata": .members(["resourceVersion": .all])]), within: .file))?["metadata"]?[
            "resourceVersion"]?.text
    }

    /// - Parameter onSuccess: false where the answer makes no sense.
    private func send(
        _ request: Request, onSuccess: @escaping (Answer) -> Bool, onAbsence: @escaping () -> Void = {},
        onConflict: @escaping () -> Void = {}
    ) {
        do throws(APIProblem) {
            inFlight = try client.send(request) { [weak self] result in
                guard let self else { return }
                inFlight = nil
                switch result {
                case .success(let answer):
                    guard onSuccess(answer) else { return failed(.failed(.garbled("the answer is no object"))) }
                    if trouble.end() { log.info("what a next coordinator has to know is kept again") }
                    next_ns = min(next_ns, isOpen ? next_ns : 0)
                case .failure(let problem) where problem.status == 409: onConflict()
                case .failure(let problem) where problem.status == 404 && request.method == .patch: onAbsence()
                case .failure(let problem): failed(problem)
                }
            }
        } catch { failed(error) }
    }

    private func failed(_ problem: APIProblem) { next_ns = trouble.met(problem, Clock.monotonic_ns) }
}
