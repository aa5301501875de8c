internal import Fleet
internal import HTTP
internal import JSON
internal import Kubernetes
internal import LinuxSystem
internal import Logging
internal import PowercapProtocol

/// Divides budgets over shards while it leads shard 0: reads what each shard acknowledges and wants, and writes what it may give. One request at a time.
///
/// Each object is claimed before the first change: a write that makes another state of it, so that what an earlier parent has under way is
/// refused. The same is done where it isn't known what became of a change.
final class Parent {
    private let client: APIClient
    private let shards: Int
    private let claimant: String
    private let log: Log
    private var trouble: Trouble
    private var budgets: [String: Budget] = [:]
    private var inFlight: Exchange?
    private var next_ns: UInt64 = 0
    /// Counts what has to be a new state.
    private var claims = 0

    /// One budget's parts.
    struct Budget {
        fileprivate(set) var apportionment: Apportionment
        /// By shard; nil where nobody has said anything, or the object is gone.
        fileprivate(set) var shards: [ShardObject?]
        /// Of the state that is known; nil where it has to be claimed.
        fileprivate var versions: [String?]
        /// What was written at the last claim.
        fileprivate var claims: [String?]
        fileprivate var absent_ns: [UInt64]
    }

    /// What isn't there is looked for so often.
    private static let retry_ns: UInt64 = 2_000_000_000

    init(_ client: APIClient, shards: Int, claimant: String, _ log: Log, _ causes: SharedCauses) {
        (self.client, self.shards, self.claimant, self.log) = (client, shards, claimant, log)
        trouble = Trouble("budgets can't be divided over shards", log, causes)
    }

    var why: String? { trouble.sentence }
    /// When `step` has something to do, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { inFlight == nil ? next_ns : .max }

    func stop() {
        if let inFlight { client.cancel(inFlight) }
        inFlight = nil
    }

    func budget(_ name: String) -> Budget? { budgets[name] }

    /// - Parameters:
    ///   - versions: of the objects as a watch saw them last, by name: another one than is known is read.
    ///   - boot_ns: on CLOCK_BOOTTIME.
    func step(_ entries: [BudgetBook.Entry], versions: [String: String], _ now_ns: UInt64, _ boot_ns: UInt64) {
        guard inFlight == nil, now_ns >= next_ns else { return }
        next_ns = now_ns + 250_000_000
        let names = Set(entries.map(\.head.name))
        for name in budgets.keys where !names.contains(name) { budgets[name] = nil }
        for name in names where budgets[name] == nil {
            budgets[name] = Budget(
                apportionment: Apportionment(shards: shards), shards: Array(repeating: nil, count: shards),
                versions: Array(repeating: nil, count: shards), claims: Array(repeating: nil, count: shards),
                absent_ns: Array(repeating: 0, count: shards))
        }
        for entry in entries where read(entry.head.name, versions, now_ns) { return }
        for entry in entries where change(entry, now_ns, boot_ns) { return }
    }

    /// Reads what isn't known as it is now.
    private func read(_ name: String, _ seen: [String: String], _ now_ns: UInt64) -> Bool {
        guard let budget = budgets[name] else { return false }
        for shard in 0..<shards {
            let object = ShardObject.name(of: name, shard: shard)
            if budget.versions[shard] == nil {
                guard now_ns >= budget.absent_ns[shard] else { continue }
                claims += 1
                claim(name, shard, "\(claimant) \(claims)")
                return true
            }
            if let version = seen[object], version != budget.versions[shard], let claim = budget.claims[shard] {
                // Nothing changes by it, and the answer is newer than whatever a watch shows.
                self.claim(name, shard, claim)
                return true
            }
        }
        return false
    }

    private func claim(_ name: String, _ shard: Int, _ words: String) {
        let patch: JSON = ["metadata": ["annotations": ["powercap.dev/parent": .text(words)]]]
        send(Resource.powerBudgetShards.patch(ShardObject.name(of: name, shard: shard), .merge, patch, .whole)) { [self] answer in
            guard let object = try? JSON(answer.body, ShardObject.interest, within: .file), let found = try? ShardObject(object),
                let version = object["metadata"]?["resourceVersion"]?.text
            else { return false }
            guard found.shards == shards else {
                lose(name, shard)
                return true
            }
            budgets[name]?.claims[shard] = words
            budgets[name]?.versions[shard] = version
            budgets[name]?.shards[shard] = found
            budgets[name]?.apportionment.know(
                shard, Part(given: found.limit ?? .zero, acknowledged: found.acknowledged), found.report.wants)
            return true
        } otherwise: { [self] problem in
            guard problem.status == 404 else { return false }
            lose(name, shard)
            return true
        }
    }

    private func lose(_ name: String, _ shard: Int) {
        budgets[name]?.absent_ns[shard] = Clock.monotonic_ns + Parent.retry_ns
        budgets[name]?.versions[shard] = nil
        budgets[name]?.shards[shard] = nil
        budgets[name]?.apportionment.lose(shard)
    }

    private func change(_ entry: BudgetBook.Entry, _ now_ns: UInt64, _ boot_ns: UInt64) -> Bool {
        let name = entry.head.name
        // A source that has just been asked for the first time gives nothing yet: that is no reason to take anything away.
        guard entry.source?.isAwaited(now_ns) != true else { return false }
        // As objects have it: what is rounded down there has to fit.
        let limit = entry.limit - (entry.object?.reserve ?? .zero)
        guard let change = budgets[name]?.apportionment.next(limit: limit, now_ns: boot_ns),
            let version = budgets[name]?.versions[change.shard]
        else { return false }
        let given = Microwatts(change.limit.milliwatts * 1_000)
        let patch: JSON = [
            "metadata": ["resourceVersion": .text(version)], "spec": ["limitMilliwatts": .whole(given.milliwatts)],
        ]
        let request = Resource.powerBudgetShards.patch(ShardObject.name(of: name, shard: change.shard), .merge, patch, .whole)
        send(request) { [self] answer in
            guard let object = try? JSON(answer.body, ShardObject.interest, within: .file), let found = try? ShardObject(object),
                let version = object["metadata"]?["resourceVersion"]?.text
            else {
                budgets[name]?.versions[change.shard] = nil
                return false
            }
            budgets[name]?.versions[change.shard] = version
            budgets[name]?.shards[change.shard] = found
            budgets[name]?.apportionment.know(
                change.shard, Part(given: found.limit ?? .zero, acknowledged: found.acknowledged), found.report.wants)
            log.debug(
                "a shard's part is another",
                [
                    ("budget", .text(name)), ("shard", .number(UInt64(change.shard))), ("limit_uw", .power(given)),
                ])
            return true
        } otherwise: { [self] problem in
            budgets[name]?.versions[change.shard] = nil
            return problem.status == 409 || problem.status == 404
        }
        return true
    }

    /// - Parameters:
    ///   - onSuccess: false where the answer makes no sense.
    ///   - otherwise: whether the problem is none.
    private func send(
        _ request: Request, onSuccess: @escaping (Answer) -> Bool, otherwise: @escaping (APIProblem) -> Bool
    ) {
        do throws(APIProblem) {
            inFlight = try client.send(request) { [weak self] result in
                guard let self else { return }
                inFlight = nil
                switch result {
                case .success(let answer):
                    guard onSuccess(answer) else { return failed(.failed(.garbled("the answer is no part of a budget"))) }
                    next_ns = 0
                    if trouble.end() { log.info("budgets are divided over shards again") }
                case .failure(let problem):
                    if otherwise(problem) { next_ns = 0 } else { failed(problem) }
                }
            }
        } catch { failed(error) }
    }

    private func failed(_ problem: APIProblem) { next_ns = trouble.met(problem, Clock.monotonic_ns) }
}

extension Parent.Budget {
    /// What is so of the whole budget; nil where a shard hasn't said it.
    func overview(_ terms: BudgetTerms) -> BudgetOverview? {
        let reports = shards.compactMap { $0?.report }
        guard reports.count == shards.count, unknown.isEmpty else { return nil }
        func sum(_ power: (ShardReport) -> Microwatts) -> Microwatts { reports.reduce(.zero) { $0 + power($1) } }
        return BudgetOverview(
            terms: terms, counted: sum(\.counted), contingency: sum(\.contingency), inForce: sum(\.inForce),
            demand: sum(\.demand),
            minimum: sum(\.wants.minimum), nodes: reports.reduce(0) { $0 + $1.nodes },
            silent: reports.reduce(0) { $0 + $1.silent }, aboveMaximum: [])
    }

    /// Shards of which nobody knows what their nodes have.
    var unknown: [Int] { apportionment.unknown }
}
