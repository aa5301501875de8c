import Fleet
import PowercapProtocol

/// A shard's part of a budget as the API server has it.
struct StoredPart {
    var version: Int
    var given: UInt64 = 0
    var acknowledged: UInt64?
    var wants = ShardDemand()

    var part: Part { Part(given: Microwatts(given), acknowledged: acknowledged.map { Microwatts($0) }) }
}

/// What an office asks the API server about a part.
struct PartRequest {
    enum Kind {
        case read, create, claim
        case give(UInt64)
        case acknowledge(UInt64, ShardDemand)
    }

    let budget: Int
    let shard: Int
    /// Of the state that it is about.
    var version: Int?
    let kind: Kind
}

/// An office's knowledge of parts: its own shard's, and where it is the parent everybody's.
struct PartDesk {
    /// Of its own shard, by budget; nil is not known.
    var own: [(part: Part, version: Int)?] = [nil, nil]
    var isAbsent = [false, false]
    var told: [ShardDemand?] = [nil, nil]
    /// By budget; nil where it isn't the parent.
    var parent: [Apportionment]?
    /// By budget and shard; nil has to be claimed.
    var versions: [[Int?]] = []
    var sign = ParentSign()
    /// What is under way, and until when it is waited for.
    var request: (number: Int, until_ns: UInt64, what: PartRequest)?
    var number = 0
    var turn = 0
}

// What shards and their parent do with parts of budgets.
extension World {
    func terms(_ number: Int) -> [BudgetTerms] {
        guard temper.shards > 1 else { return offices[number].heard }
        return offices[number].heard.enumerated().map { budget, terms in
            var terms = terms
            let isLed = offices[number].desk.sign.isThere(offices[number].clock(now_ns))
            terms.limit = offices[number].desk.own[budget]?.part.usable(followsParent: isLed) ?? .zero
            return terms
        }
    }

    private mutating func setTerms(_ number: Int) {
        let terms = terms(number)
        guard terms != offices[number].set else { return }
        offices[number].set = terms
        offices[number].coordinator?.set(terms)
    }

    /// Does what is due: one request at a time.
    mutating func workOnParts(_ number: Int, refreshes: Bool) {
        guard temper.shards > 1, let coordinator = offices[number].coordinator else { return }
        setTerms(number)
        let clock_ns = offices[number].clock(now_ns)
        offices[number].coordinator?.tick(now_ns: clock_ns)
        guard coordinator.leadership.isValid(at: clock_ns) || !rules.fences else { return }
        if let request = offices[number].desk.request {
            guard clock_ns >= request.until_ns else { return }
            // What became of it isn't known.
            offices[number].desk.request = nil
            forget(number, request.what)
        }
        let shard = number % temper.shards
        if shard == 0, offices[number].desk.parent == nil {
            var apportionment = Apportionment(shards: temper.shards)
            apportionment.rules = rules
            offices[number].desk.parent = [apportionment, apportionment]
            offices[number].desk.versions = Array(repeating: Array(repeating: nil, count: temper.shards), count: 2)
        }
        guard
            let request = ownRequest(number, shard, clock_ns) ?? parentRequest(number, clock_ns)
                ?? refresh(number, shard, refreshes)
        else { return }
        offices[number].desk.number += 1
        offices[number].desk.request = (offices[number].desk.number, clock_ns + 4 * Self.second_ns, request)
        guard offices[number].reachesStore else { return }
        queue.plan(
            .partArrives(request, office: number, generation: offices[number].generation, number: offices[number].desk.number),
            at: now_ns + (stopsWhileGiving(number, request) ? random.within(5...25) * Self.second_ns : storeDelay_ns()))
    }

    /// A parent that is stopped as it writes, with its request on its way for long.
    private mutating func stopsWhileGiving(_ number: Int, _ request: PartRequest) -> Bool {
        guard case .give = request.kind, temper.stopsParents, random.once(in: 3) else { return false }
        note("office \(number) is paused while it gives")
        offices[number].state = .paused
        queue.plan(.officeGoesOn(number), at: now_ns + random.within(10...40) * Self.second_ns)
        return true
    }

    private mutating func forget(_ number: Int, _ request: PartRequest) {
        switch request.kind {
        case .claim, .give: offices[number].desk.versions[request.budget][request.shard] = nil
        case .read where request.shard != number % temper.shards: break
        case .read, .create, .acknowledge: offices[number].desk.own[request.budget] = nil
        }
    }

    private func ownRequest(_ number: Int, _ shard: Int, _ clock_ns: UInt64) -> PartRequest? {
        let desk = offices[number].desk
        for budget in 0..<2 {
            guard let own = desk.own[budget] else {
                return PartRequest(budget: budget, shard: shard, kind: desk.isAbsent[budget] ? .create : .read)
            }
            let terms = offices[number].heard[budget]
            guard let overview = offices[number].coordinator?.overview(now_ns: clock_ns)[budget],
                let wants = offices[number].coordinator?.demand(of: terms.name, now_ns: clock_ns)
            else { continue }
            let isBeginning = clock_ns < offices[number].ledSince_ns + Self.ttl_ns
            let due = own.part.due(whole: overview.counted + overview.contingency, isBeginning: isBeginning)
            guard due != nil || desk.told[budget] != wants else { continue }
            let power = due ?? own.part.acknowledged ?? .zero
            return PartRequest(
                budget: budget, shard: shard, version: own.version, kind: .acknowledge(power.rawValue, wants))
        }
        return nil
    }

    private mutating func parentRequest(_ number: Int, _ clock_ns: UInt64) -> PartRequest? {
        guard offices[number].desk.parent != nil else { return nil }
        for budget in 0..<2 {
            for (shard, version) in offices[number].desk.versions[budget].enumerated() where version == nil {
                return PartRequest(budget: budget, shard: shard, kind: .claim)
            }
        }
        for budget in 0..<2 {
            let limit = offices[number].heard[budget].limit
            guard let change = offices[number].desk.parent![budget].next(limit: limit, now_ns: clock_ns),
                let version = offices[number].desk.versions[budget][change.shard], version >= 0
            else { continue }
            return PartRequest(budget: budget, shard: change.shard, version: version, kind: .give(change.limit.rawValue))
        }
        return nil
    }

    /// In place of a watch.
    private mutating func refresh(_ number: Int, _ shard: Int, _ isDue: Bool) -> PartRequest? {
        guard isDue else { return nil }
        offices[number].desk.turn += 1
        let turn = offices[number].desk.turn
        let isOwn = offices[number].desk.parent == nil || turn % 3 == 0
        return PartRequest(budget: turn / 3 % 2, shard: isOwn ? shard : turn % temper.shards, kind: .read)
    }

    // MARK: The API server

    mutating func answerPart(_ request: PartRequest, _ office: Int, _ generation: Int, _ number: Int) {
        let (budget, shard) = (request.budget, request.shard)
        var isDone = true
        func isCurrent() -> Bool { request.version == parts[budget][shard]?.version }
        switch request.kind {
        case .read: break
        case .create: if parts[budget][shard] == nil { parts[budget][shard] = StoredPart(version: nextVersion()) }
        case .claim: if rules.claimsParts, parts[budget][shard] != nil { parts[budget][shard]!.version = nextVersion() }
        case .give(let limit):
            isDone = isCurrent()
            if isDone { (parts[budget][shard]!.given, parts[budget][shard]!.version) = (limit, nextVersion()) }
        case .acknowledge(let power, let wants):
            isDone = isCurrent()
            if isDone {
                (parts[budget][shard]!.acknowledged, parts[budget][shard]!.wants) = (power, wants)
                parts[budget][shard]!.version = nextVersion()
            }
        }
        note("office \(office): \(request.words) of \(budget == 0 ? "site" : "row")-\(shard)\(isDone ? "" : " refused")")
        reply(office, .partAnswered(number, request, isDone: isDone, parts[budget][shard]), generation)
    }

    private mutating func nextVersion() -> Int {
        partsVersion += 1
        return partsVersion
    }

    mutating func hearOfPart(_ number: Int, _ request: PartRequest, _ isDone: Bool, _ state: StoredPart?) {
        let (budget, shard) = (request.budget, request.shard)
        offices[number].desk.request = nil
        guard isDone else { return forget(number, request) }
        if shard == number % temper.shards {
            offices[number].desk.isAbsent[budget] = state == nil
            if let state {
                var part = offices[number].desk.own[budget]?.part ?? state.part
                part.rules = rules
                part.know(given: state.part.given, acknowledged: state.part.acknowledged)
                offices[number].desk.own[budget] = (part, state.version)
                offices[number].desk.told[budget] = state.wants
            } else {
                offices[number].desk.own[budget] = nil
            }
        }
        if offices[number].desk.parent != nil, offices[number].desk.versions[budget][shard] != nil || request.isClaim {
            if let state {
                offices[number].desk.versions[budget][shard] = state.version
                offices[number].desk.parent![budget].know(shard, state.part, state.wants)
            } else {
                offices[number].desk.versions[budget][shard] = -1
                offices[number].desk.parent![budget].lose(shard)
            }
        }
        workOnParts(number, refreshes: false)
    }
}

extension PartRequest {
    fileprivate var words: String {
        switch kind {
        case .read, .create, .claim: "\(kind)"
        case .give(let limit): "give \(limit / 1_000_000) W"
        case .acknowledge(let power, let wants):
            "acknowledge \(power / 1_000_000) W, minimum \(wants.minimum.rawValue / 1_000_000) W"
        }
    }

    fileprivate var isClaim: Bool { if case .claim = kind { true } else { false } }
}
