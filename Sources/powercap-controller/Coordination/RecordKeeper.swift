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
    let shard: Int
    let sharding: Sharding
    private let log: Log
    private var trouble: Trouble
    private(set) var phase = Phase.idle
    /// What this coordinator is called in a claim; it has been called so at no other time.
    private var claimant = ""
    var shards: [String: KeptShard] = [:]
    /// Records that are being kept: of this version, and in which budgets that isn't done.
    private var pending: (version: UInt64, budgets: Set<String>)?
    /// What was found that somebody else had written meanwhile.
    private var strange: [Fleet.NodeRecord] = []
    var time = GrantTime(earlier_s: GrantTime.range.upperBound)
    private var inFlight: Exchange?
    private var next_ns: UInt64 = 0

    enum Phase: Equatable {
        case idle, listing
        /// There are parts of another number of shards: which one, and how many it says.
        case blocked(String, Int)
        /// Budgets whose part is still to be claimed.
        case claiming([String])
        case open
    }

    /// Between two writes, so that what comes together is written together.
    private static let pause_ns: UInt64 = 500_000_000
    private static let blocked_ns: UInt64 = 10_000_000_000

    init(_ client: APIClient, shard: Int, of sharding: Sharding, _ log: Log, _ causes: SharedCauses) {
        (self.client, self.shard, self.sharding, self.log) = (client, shard, sharding, log)
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

    /// Lists and claims what there is, as long as that isn't done.
    func prepare(_ now_ns: UInt64) {
        guard inFlight == nil, now_ns >= next_ns else { return }
        switch phase {
        case .idle, .open: return
        case .listing, .blocked:
            send(Resource.powerBudgetShards.list(.metadata)) { [self] answer in
                let list = try? JSON(answer.body, RecordKeeper.listInterest, within: .file)
                guard let items = list?["items"]?.elements else { return false }
                let names = items.compactMap { $0["metadata"]?["name"]?.text }
                if let other = items.first(where: { ShardObject.shards($0) != sharding.count }) {
                    block(other["metadata"]?["name"]?.text ?? "", ShardObject.shards(other))
                } else {
                    phase = .claiming(names.compactMap(budget))
                }
                return true
            }
        case .claiming(let budgets):
            guard let budget = budgets.first else { return phase = .open }
            claim(budget) { [self] in phase = .claiming(Array(budgets.dropFirst())) }
        }
    }

    /// Nodes that another division counts would be counted by nobody, or twice.
    private func block(_ name: String, _ shards: Int) {
        let before = phase
        phase = .blocked(name, shards)
        next_ns = Clock.monotonic_ns + RecordKeeper.blocked_ns
        if before != phase, let obstacle { log.error("nothing is granted", ("why", .text(obstacle))) }
    }

    /// Which budget's part is called so; nil where it is another's.
    private func budget(_ name: String) -> String? {
        let ending = ShardObject.name(of: "", shard: shard)
        return name.hasSuffix(ending) ? String(name.dropLast(ending.utf8.count)) : nil
    }

    private static let listInterest = JSONInterest.members([
        "items": .each(.members(["metadata": .members(["name": .all, "labels": .all])]))
    ])

    private func claim(_ budget: String, then: @escaping () -> Void) {
        let patch: JSON = ["metadata": ["annotations": ["powercap.dev/coordinator": .text(claimant)]]]
        let name = ShardObject.name(of: budget, shard: shard)
        let isLate = isOpen
        send(Resource.powerBudgetShards.patch(name, .merge, patch, .whole)) { [self] answer in
            guard let object = try? JSON(answer.body, ShardObject.interest, within: .file),
                let version = object["metadata"]?["resourceVersion"]?.text
            else { return false }
            var shard = shards[budget] ?? KeptShard()
            (shard.exists, shard.version) = (true, version)
            do throws(JSONField.Problem) {
                let found = try ShardObject(object)
                guard found.shards == sharding.count else {
                    block(name, found.shards)
                    return true
                }
                (shard.records, shard.limit) = (found.records, found.limit)
                shard.generation = object["metadata"]?["generation"]?.integer ?? 0
                shard.part = Part(given: found.limit ?? .zero, acknowledged: found.acknowledged)
                if sharding.count > 1 { shard.report = found.report }
                shard.know(grant_s: found.grant_s)
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
            shards[budget] = nil
            then()
        }
    }

    // MARK: Writing

    /// - Parameters:
    ///   - grant_s: the longest that grants of a budget are to hold.
    ///   - boot_ns: on CLOCK_BOOTTIME, as the coordinator counts.
    ///   - isBeginning: not every node has had the time to be heard.
    func step(
        _ coordinator: inout Coordinator, _ entries: [BudgetBook.Entry], grant_s: UInt64, isBeginning: Bool, _ now_ns: UInt64,
        _ boot_ns: UInt64
    ) {
        guard isOpen, inFlight == nil, now_ns >= next_ns else { return }
        next_ns = now_ns + RecordKeeper.pause_ns
        if !strange.isEmpty {
            for record in strange { coordinator.remember(record, now_ns: boot_ns) }
            strange = []
            // Before that nobody can say what nodes want.
            coordinator.tick(now_ns: boot_ns)
        }
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
        let time_s = time.due_s(grant_s, isAfterEarlier: coordinator.isAfterEarlierGrants(now_ns: boot_ns), boot_ns)
        for entry in entries {
            guard let overview = overviews.first(where: { $0.terms.name == entry.head.name }) else { continue }
            if write(entry, overview, coordinator, time_s, isBeginning, now_ns, boot_ns) { return }
        }
    }

    /// Writes what is most needed of a budget.
    /// - Returns: false where nothing is.
    private func write(
        _ entry: BudgetBook.Entry, _ overview: BudgetOverview, _ coordinator: Coordinator, _ time_s: UInt64, _ isBeginning: Bool,
        _ now_ns: UInt64, _ boot_ns: UInt64
    ) -> Bool {
        let budget = entry.head.name
        let shard = shards[budget] ?? KeptShard()
        guard shard.exists else {
            create(entry)
            return true
        }
        guard let version = shard.version else {
            claim(budget) {}
            return true
        }
        guard let report = report(overview, shard, coordinator, isBeginning, boot_ns) else { return false }
        let whole = overview.counted + overview.contingency + overview.terms.reserve
        let due = sharding.count > 1 ? shard.part?.due(whole: whole.roundedUpToMilliwatts, isBeginning: isBeginning) : nil
        let hasRecords = pending?.budgets.contains(budget) == true
        if hasRecords || due != nil || shard.grant_s != time_s
            || shard.isWorth(report, overview.terms.limit, isShared: sharding.count > 1, now_ns)
        {
            let acknowledged =
                sharding.count > 1
                ? due ?? shard.part?.acknowledged ?? whole : overview.isWithin ? overview.terms.limit : whole
            writeStatus(budget, version, acknowledged, time_s, report, coordinator.records(of: budget), now_ns)
            return true
        }
        if sharding.count > 1 { return false }
        if shard.isFar(from: entry.limit) {
            let patch: JSON = [
                "metadata": ["resourceVersion": .text(version)],
                "spec": ["limitMilliwatts": .whole(min(entry.limit.milliwatts, ShardReport.most))],
            ]
            change(budget, patch) { [self] in shards[budget]?.limit = entry.limit }
            return true
        }
        return false
    }

    private func writeStatus(
        _ budget: String, _ version: String, _ acknowledged: Microwatts, _ time_s: UInt64, _ report: ShardReport,
        _ records: [Fleet.NodeRecord], _ now_ns: UInt64
    ) {
        let patch = report.patch(version, acknowledged: acknowledged, grant_s: time_s, records)
        shards[budget]?.sent(grant_s: time_s)
        let records = pending?.version
        change(budget, patch, subresource: "status") { [self] in
            shards[budget]?.know(grant_s: time_s)
            shards[budget]?.report = report
            shards[budget]?.report_ns = now_ns
            if let given = shards[budget]?.part?.given { shards[budget]?.part?.know(given: given, acknowledged: acknowledged) }
            if pending?.version == records { pending?.budgets.remove(budget) }
        }
    }

    private func create(_ entry: BudgetBook.Entry) {
        let budget = entry.head.name
        // Of several shards each has nothing until the parent gives it something.
        let limit = sharding.count > 1 ? .zero : entry.limit
        let object = ShardObject.new(entry.head, shard: shard, of: sharding.count, limit, claimant)
        send(Resource.powerBudgetShards.create(object)) { [self] answer in
            var shard = shards[budget] ?? KeptShard()
            (shard.exists, shard.version, shard.limit) = (true, RecordKeeper.version(answer), limit)
            (shard.part, shard.report, shard.generation) = (Part(given: limit, acknowledged: nil), nil, 1)
            shard.know(grant_s: nil)
            shards[budget] = shard
            return true
        } onConflict: { [self] in
            // An earlier coordinator's was under way.
            shards[budget, default: KeptShard()].exists = true
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
