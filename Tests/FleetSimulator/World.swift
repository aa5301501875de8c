package import Fleet
import PowercapProtocol

/// Nodes with their helpers and agents, coordinators, the network between them, the API server, and what goes wrong: all of it is decided by a
/// seed. The nodes' agents and the coordinators are the program's own code. After every step what is in force is added up.
package struct World {
    let rules: Rules
    let temper: Temper
    var random: Seeded
    var queue = EventQueue()
    package private(set) var now_ns: UInt64 = 1_000_000_000_000
    package private(set) var steps = 0
    /// What was broken, and how.
    package private(set) var broken: String?
    /// What happened last, for who looks into it.
    package private(set) var trace: [String] = []
    let isTraced: Bool

    var machines: [Machine] = []
    var offices: [Office] = []
    /// Whether messages pass between a node and an office.
    var isOpen: [[Bool]] = []

    // The API server.
    var leases: [Lease]
    var records: [[String: NodeRecord]]
    var recordsVersions: [Int]
    /// By budget and shard; nil where there is no such object.
    var parts: [[StoredPart?]]
    var partsVersion = 0
    var site: BudgetTerms
    var row: BudgetTerms
    /// Every limit and when it began, for each of the two.
    private var limits: [[(since_ns: UInt64, limit: UInt64)]] = [[], []]

    // For who judges the simulation: what it reaches.
    package var counts = Counts()

    package struct Counts: Sendable {
        package var taken = 0
        package var leaders = 0
        package var jumps = 0
        package var writes = 0

        package init() {}
    }

    static let ttl_ns: UInt64 = 20_000_000_000
    /// Until what nobody hears counts at its ceiling, and others have gone down for that, wherever a coordinator was paused.
    static let settling_ns = 2 * ttl_ns + 12 * second_ns
    static let second_ns: UInt64 = 1_000_000_000

    package init(seed: UInt64, rules: Rules = Rules(), isTraced: Bool = false) {
        random = Seeded(seed)
        (self.rules, self.isTraced) = (rules, isTraced)
        // Every other world has one shard, and no parent.
        temper = Temper(&random, shards: seed % 2 == 0 ? 1 : Int(2 + seed / 2 % 2))
        leases = Array(repeating: Lease(), count: temper.shards)
        records = Array(repeating: [:], count: temper.shards)
        recordsVersions = Array(repeating: 0, count: temper.shards)
        parts = Array(repeating: Array(repeating: nil, count: temper.shards), count: 2)
        let sharding = Sharding(temper.shards)
        site = BudgetTerms(name: "site", limit: .zero, maximum: .watts(300), contingencyNodes: temper.contingency)
        row = BudgetTerms(name: "row", limit: .zero, maximum: .watts(300), contingencyNodes: temper.contingency)
        for number in 0..<temper.nodes {
            let floor = random.within(5...20) * 1_000_000
            let machine = Machine(
                name: "n\(number)", floor: floor, ceiling: random.within(100...300) * 1_000_000, rest: floor,
                rate: Int64(random.below(2_001)) - 1_000, bootsAtRest: !random.once(in: 3) || temper.shards > 1,
                isInRow: random.once(in: 2))
            machines.append(machine)
            machines[number].tenure.rules = rules
            machines[number].shard = sharding.shard(of: machine.name)
            machines[number].office = machines[number].shard
        }
        for number in 0..<temper.offices * temper.shards {
            offices.append(
                Office(rate: Int64(random.below(2_001)) - 1_000, offset_ns: random.below(1_000) * Self.second_ns))
            queue.plan(.officeStarts(number), at: now_ns + random.below(3 * Self.second_ns))
        }
        isOpen = Array(repeating: Array(repeating: true, count: offices.count), count: machines.count)
        changeBudgets()
        for number in machines.indices {
            machines[number].booted_ns = now_ns - random.within(1...1_000) * Self.second_ns
            queue.plan(.agentStarts(number, generation: 0), at: now_ns + random.below(5 * Self.second_ns))
        }
        queue.plan(.trouble, at: now_ns + 10 * Self.second_ns)
    }

    /// Lets so many things happen, or fewer where something breaks.
    package mutating func run(steps count: Int) {
        for _ in 0..<count where broken == nil { step() }
    }

    private mutating func step() {
        guard let (time_ns, event) = queue.next() else { return }
        now_ns = time_ns
        steps += 1
        handle(event)
        endJumps()
        check()
    }

    // MARK: What is looked at

    /// Sums of what is in force, against the highest limit that may still be in force.
    private mutating func check() {
        for budget in 0..<2 {
            let members = machines.filter { $0.isMember && (budget == 0 || $0.isInRow) }
            let sum = members.reduce(0) { $0 + $1.inForce }
            // What a coordinator hears late it answers late: a second, and what its Lease allows to a process that was paused.
            // Of several shards each goes on for a while without the parent, and hears of it over the API server.
            let longer_ns = temper.shards == 1 ? 0 : ParentSign.patience_ns + 20 * Self.second_ns
            let start_ns = now_ns - Self.ttl_ns - 10 * Self.second_ns - longer_ns
            let last = limits[budget].last { $0.since_ns <= start_ns }?.since_ns ?? 0
            let allowed = limits[budget].filter { $0.since_ns >= last }.map(\.limit).max() ?? 0
            guard sum > allowed else { continue }
            let all = members.map { "\($0.name) \($0.inForce / 1_000_000)\($0.isJumping ? " (jumps)" : "")" }
            broken = "\(budget == 0 ? "site" : "row"): \(sum) µW in force, \(allowed) allowed: " + all.joined(separator: ", ")
        }
    }

    mutating func note(_ text: String) {
        if isTraced { trace.append("\((now_ns - 1_000_000_000_000) / 1_000_000) ms: \(text)") }
    }

    /// The coordinator of a shard whose Lease is valid, with its office's number.
    func leader(of shard: Int) -> (office: Int, coordinator: Coordinator)? {
        for (number, office) in offices.enumerated() where number % temper.shards == shard {
            guard let coordinator = office.coordinator, coordinator.leadership.isValid(at: office.clock(now_ns)) else { continue }
            return (number, coordinator)
        }
        return nil
    }

    /// A node has ended its jump when it counts as what it is, and there is room for the next again.
    private mutating func endJumps() {
        for index in machines.indices where machines[index].isJumping {
            guard let (_, coordinator) = leader(of: machines[index].shard), coordinator.isWithinAll else { continue }
            let machine = machines[index]
            guard machine.state == .up, machine.helperIsUp, machine.isInControl || machine.leaseEnds_ns == nil else { continue }
            if coordinator.counted(machine.name) ?? 0 >= machine.mostInForce { machines[index].isJumping = false }
        }
    }

    /// The promise is about K of them at once, when there is room for them.
    func mayJump(_ index: Int) -> Bool {
        let shard = machines[index].shard
        guard machines.count(where: { $0.isJumping && $0.shard == shard }) < temper.contingency,
            let (_, coordinator) = leader(of: shard)
        else { return false }
        return coordinator.isWithinAll && machines[index].isMember
    }

    /// Whether a node may come up at its ceiling without being one of the K: it has been silent for so long that it counts at that, and that
    /// others have gone down.
    func mayComeUp(_ index: Int) -> Bool {
        let machine = machines[index]
        guard !machine.bootsAtRest, now_ns >= machine.wentOff_ns + Self.settling_ns else { return false }
        return [0, 1].allSatisfy { budget in
            let terms = budget == 0 ? site : row
            let members = machines.indices.filter { machines[$0].isMember && (budget == 0 || machines[$0].isInRow) }
            let least = members.map { other in
                let isHigh =
                    other == index || machines[other].state == .firmware || (!machines[other].bootsAtRest && !isSettled(other))
                return isHigh ? machines[other].ceiling : max(machines[other].floor, 60_000_000)
            }
            let gaps = zip(members, least).map { machines[$0].ceiling - min(machines[$0].ceiling, $1) }.sorted(by: >)
            let limit = limits[budget].filter { $0.since_ns + 3 * Self.ttl_ns >= now_ns }.map(\.limit).min() ?? 0
            return !machine.isMember || budget == 1 && !machine.isInRow
                || least.reduce(0, +) + gaps.prefix(temper.contingency).reduce(0, +) <= min(limit, terms.limit.rawValue)
        }
    }

    private func isSettled(_ index: Int) -> Bool { machines[index].state == .up && machines[index].isInControl }

    // MARK: What is set

    mutating func changeBudgets() {
        for budget in 0..<2 {
            let members = machines.filter { budget == 0 || $0.isInRow }
            let ceilings = members.map(\.ceiling).sorted(by: >)
            // Those that may jump, and one that comes up at its ceiling.
            let jumps =
                temper.contingency * temper.shards
                + (temper.weights[.nodeIsOff]! > 0 && members.contains { !$0.bootsAtRest } ? 1 : 0)
            let least = UInt64(members.count) * 60_000_000 + ceilings.prefix(jumps).reduce(0, +)
            // Less than all could have.
            let most = max(least + 1, ceilings.reduce(0, +) * 9 / 10)
            let limit = random.within(least...most)
            limits[budget].append((now_ns, limit))
            if budget == 0 { site.limit = Microwatts(limit) } else { row.limit = Microwatts(limit) }
        }
        note("limits are \(site.limit.rawValue / 1_000_000) and \(row.limit.rawValue / 1_000_000) W")
        tellOffices()
    }

    /// Each hears of it within a second.
    mutating func tellOffices() {
        for number in offices.indices {
            queue.plan(
                .office(number, .hearsOfBudgets, generation: offices[number].generation),
                at: now_ns + random.below(Self.second_ns))
        }
    }

    /// One of the shard's that a node belongs to.
    mutating func anyOffice(of index: Int) -> Int {
        Int(random.below(UInt64(temper.offices))) * temper.shards + machines[index].shard
    }

    // MARK: Messages

    /// How long a message is under way; nil: it is lost.
    mutating func delay_ns() -> UInt64? {
        if random.percent(temper.lost) { return nil }
        let longest_ms = random.once(in: temper.slowOnce) ? temper.longest_ms : 20
        return random.within(1...longest_ms) * 1_000_000
    }
}

extension Microwatts {
    static func watts(_ count: UInt64) -> Microwatts { Microwatts(count * 1_000_000) }
}
