internal import Fleet
internal import JSON
internal import Kubernetes
internal import LinuxSystem
internal import Logging
internal import Metrics
internal import PowercapProtocol

/// What a coordinator has while it has the Lease: the ledger, budgets with their sources, and what is written for whoever comes next. It is thrown
/// away when another one has the Lease; where this one only couldn't renew it for a while nothing has been granted by anybody, and it goes on.
final class Leader {
    let epoch: UInt64
    /// When it took the Lease, on CLOCK_BOOTTIME.
    let began_ns: UInt64
    let book: BudgetBook
    let records: RecordKeeper
    let statuses: StatusKeeper
    private let events: EventKeeper
    /// nil before everything is known that has to be.
    private(set) var coordinator: Fleet.Coordinator?
    /// For how long nodes that aren't heard count at their ceilings.
    private(set) var earlierTTL_ns: UInt64 = 0
    /// How long it took from the Lease until every node was heard, or had its time; nil where that isn't over.
    private(set) var takeover_ns: UInt64?
    /// Of several shards the one that divides budgets over them; nil where that is another's to do.
    let parent: Parent?
    private let shard: Int
    /// What people call this coordinator.
    private let name: String
    private let sharding: Sharding
    /// How long it took to find anew what nodes should have.
    private(set) var allocations = Leader.noAllocations
    static let noAllocations = Histogram(bounds: [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5])
    private let log: Log
    private var terms: [BudgetTerms] = []
    private var followsParent = false
    private var overviews: (all: [BudgetOverview], at_ns: UInt64) = ([], 0)
    /// Of the collections, which states were taken.
    private var taken: (budgets: UInt64, nodes: UInt64) = (0, 0)

    init(
        _ term: LeaseElection.Term, _ now_ns: UInt64, records: RecordKeeper, statuses: StatusKeeper, events: EventKeeper,
        parent: Parent?, _ options: CoordinateOptions, identity: String, _ log: Log
    ) {
        (epoch, began_ns) = (term.epoch, now_ns)
        (self.records, self.statuses, self.events, self.log) = (records, statuses, events, log)
        (self.parent, shard, sharding, name) = (parent, options.shard, options.sharding, options.identity)
        book = BudgetBook(log, followsSources: options.shard == 0)
        records.begin(as: "\(identity) \(term.epoch)")
    }

    /// Nothing more is written.
    func end() {
        records.stop()
        statuses.stop()
        events.stop()
        parent?.stop()
    }

    /// When `step` has something to do, on CLOCK_MONOTONIC.
    func due_ns(_ now_ns: UInt64) -> UInt64 {
        guard coordinator != nil else { return records.due_ns }
        return min(
            now_ns + Leader.tick_ns, book.due_ns, records.due_ns, statuses.due_ns, events.due_ns,
            sharding.count > 1 ? parent?.due_ns ?? .max : .max)
    }

    /// Often enough for whatever ends by itself.
    private static let tick_ns: UInt64 = 250_000_000

    // MARK: A step

    /// - Parameters:
    ///   - parts: metadata of all shards' objects, where there are several.
    ///   - followsParent: somebody divides budgets over shards.
    ///   - now_ns: on CLOCK_MONOTONIC.
    ///   - boot_ns: on CLOCK_BOOTTIME.
    func step(
        _ term: LeaseElection.Term, _ budgets: Collection<JSON>, _ nodes: Collection<FleetNode>, parts: Collection<PartHead>?,
        followsParent: Bool, _ now_ns: UInt64, _ boot_ns: UInt64
    ) {
        // Whoever wrote for it now might write over what another one has written.
        guard term.isValid(at: boot_ns) else { return }
        records.prepare(now_ns)
        guard records.isOpen, coordinator != nil || budgets.isListed && nodes.isListed else { return }
        follow(budgets, nodes, now_ns)
        if let parts { records.note(generations: parts.objects.mapValues(\.generation)) }
        self.followsParent = followsParent
        if coordinator == nil { open(term, now_ns, boot_ns) }
        renew(term)
        apply(boot_ns)
        if coordinator != nil { timed { coordinator!.tick(now_ns: boot_ns) } }
        if coordinator != nil {
            records.step(
                &coordinator!, book.entries, grant_s: book.longestGrant_s, isBeginning: isBeginning(boot_ns), now_ns, boot_ns)
        }
        parent?.step(book.entries, versions: parts?.objects.mapValues(\.version) ?? [:], now_ns, boot_ns)
        noteTakeover(boot_ns)
        if shard == 0 { statuses.step(book.entries, now_ns) { [self] in status($0, boot_ns) } }
        events.step(book.entries, now_ns)
    }

    private func follow(_ budgets: Collection<JSON>, _ nodes: Collection<FleetNode>, _ now_ns: UInt64) {
        if taken.budgets != budgets.generation {
            taken.budgets = budgets.generation
            // What a part had is not what the whole has.
            book.take(budgets: budgets.objects, earlier: sharding.count > 1 ? [:] : records.earlierLimits, now_ns)
        }
        if taken.nodes != nodes.generation {
            taken.nodes = nodes.generation
            book.take(nodes: sharding.count > 1 ? nodes.objects.filter { sharding.shard(of: $0.key) == shard } : nodes.objects)
        }
        book.refresh(now_ns)
    }

    private func open(_ term: LeaseElection.Term, _ now_ns: UInt64, _ boot_ns: UInt64) {
        let earlier_ms = records.open(book.entries.map(\.head.name))
        earlierTTL_ns = earlier_ms * 1_000_000
        var coordinator = Fleet.Coordinator(
            leadership: Leadership(epoch: term.epoch, sent_ns: term.validUntil_ns, duration_ns: 0), earlierTTL_ms: earlier_ms)
        terms = terms(boot_ns)
        coordinator.set(terms)
        for (name, memberships) in book.takeMoved(all: true) { coordinator.place(name, in: memberships, now_ns: boot_ns) }
        var known = 0
        // A node that isn't there any more isn't counted: nobody can ask for it.
        for record in records.records where book.nodes[record.node] != nil {
            coordinator.remember(record, now_ns: boot_ns)
            known += 1
        }
        coordinator.tick(now_ns: boot_ns)
        self.coordinator = coordinator
        log.info(
            "answering nodes", ("epoch", .number(epoch)), ("budgets", .number(UInt64(terms.count))),
            ("nodes", .number(UInt64(book.nodes.count))), ("records", .number(UInt64(known))),
            ("waits_ms", .number(earlier_ms)))
        let event = BudgetEvent.takenOver(name, shard: shard, wait_s: earlier_ms / 1_000)
        for entry in book.entries { events.record(event, on: entry.head, now_ns) }
    }

    private func renew(_ term: LeaseElection.Term) {
        // What it was shortened by, it is shortened by already.
        coordinator?.leadership.renew(sent_ns: term.validUntil_ns, duration_ns: 0)
    }

    private func terms(_ boot_ns: UInt64) -> [BudgetTerms] {
        let whole = book.terms(mostGrant_s: records.mostGrant_s(book.entries, wanted: book.longestGrant_s, boot_ns))
        guard sharding.count > 1 else { return whole }
        return whole.map { terms in
            var terms = terms
            // The parent has taken the reserve off the whole.
            (terms.limit, terms.reserve) = (records.limit(of: terms.name, followsParent: followsParent), .zero)
            return terms
        }
    }

    private func apply(_ boot_ns: UInt64) {
        let terms = terms(boot_ns)
        if terms != self.terms {
            coordinator?.set(terms)
            for (old, new) in pairs(self.terms, terms) where old.limit != new.limit {
                log.debug(
                    "a budget's limit is another",
                    [("budget", .text(new.name)), ("limit_uw", .power(new.limit)), ("before_uw", .power(old.limit))])
            }
        }
        self.terms = terms
        for (name, memberships) in book.takeMoved() { coordinator?.place(name, in: memberships, now_ns: boot_ns) }
    }

    private func pairs(_ old: [BudgetTerms], _ new: [BudgetTerms]) -> [(BudgetTerms, BudgetTerms)] {
        new.compactMap { term in old.first { $0.name == term.name }.map { ($0, term) } }
    }

    // MARK: Answers

    func answer(_ report: Report, _ boot_ns: UInt64) throws(Refusal) -> Grant {
        guard coordinator != nil else { throw .notLeading }
        let before = Clock.monotonic_ns
        let allocated = coordinator!.allocationCount
        defer { note(since: before, allocated) }
        return try coordinator!.answer(report, now_ns: boot_ns)
    }

    private func timed(_ work: () -> Void) {
        let (before, allocated) = (Clock.monotonic_ns, coordinator?.allocationCount ?? 0)
        work()
        note(since: before, allocated)
    }

    private func note(since began_ns: UInt64, _ allocated: UInt64) {
        guard let coordinator, coordinator.allocationCount != allocated else { return }
        allocations.note(Double(Clock.monotonic_ns - began_ns) / 1e9)
    }

    // MARK: What is so

    /// Of each budget, at most a second old.
    func overview(_ boot_ns: UInt64) -> [BudgetOverview] {
        if boot_ns >= overviews.at_ns + Leader.fresh_ns || overviews.all.count != terms.count {
            overviews = (coordinator?.overview(now_ns: boot_ns) ?? [], boot_ns)
        }
        return overviews.all
    }

    private static let fresh_ns: UInt64 = 900_000_000

    /// Not every node has had the time to be heard.
    func isBeginning(_ boot_ns: UInt64) -> Bool { takeover_ns == nil && boot_ns < began_ns + earlierTTL_ns + Leader.settling_ns }

    private static let settling_ns: UInt64 = 5_000_000_000

    private func noteTakeover(_ boot_ns: UInt64) {
        guard takeover_ns == nil else { return }
        let isHeard = overview(boot_ns).allSatisfy { $0.silent == 0 }
        if isHeard || !isBeginning(boot_ns) { takeover_ns = boot_ns - began_ns }
    }

    func facts(_ entry: BudgetBook.Entry, _ boot_ns: UInt64) -> BudgetCondition.Facts {
        BudgetCondition.Facts(
            problem: entry.problem, isHeld: entry.object != nil, lack: entry.lack, isBeginning: isBeginning(boot_ns),
            overview: overview(boot_ns).first { $0.terms.name == entry.head.name })
    }

    private func status(_ entry: BudgetBook.Entry, _ boot_ns: UInt64) -> BudgetStatus {
        let facts = whole(entry, boot_ns)
        return BudgetStatus(
            generation: entry.head.generation, conditions: BudgetCondition.all(facts), overview: facts.overview,
            shards: parts(of: entry) ?? facts.overview.map { [ShardStatus($0)] } ?? [])
    }

    /// What is so of a whole budget, where it is kept in several shards of all of them.
    func whole(_ entry: BudgetBook.Entry, _ boot_ns: UInt64) -> BudgetCondition.Facts {
        var facts = facts(entry, boot_ns)
        guard let budget = parent?.budget(entry.head.name) else { return facts }
        let own = facts.overview
        let terms = BudgetTerms(
            name: entry.head.name, limit: entry.limit, reserve: entry.object?.reserve ?? .zero,
            contingencyNodes: entry.object?.contingencyNodes ?? 1, ttl_ms: own?.terms.ttl_ms ?? 20_000)
        facts.overview = budget.overview(terms)
        facts.overview?.aboveMaximum = own?.aboveMaximum ?? []
        facts.missing = budget.unknown
        return facts
    }

    /// What stands on the parts of a budget; nil where there is one shard.
    func parts(of entry: BudgetBook.Entry) -> [ShardStatus]? {
        parent?.budget(entry.head.name)?.shards.compactMap { $0.map(ShardStatus.init) }
    }
}
