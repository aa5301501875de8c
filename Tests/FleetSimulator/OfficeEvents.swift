import Fleet

// What coordinators do, and the API server.
extension World {
    mutating func handleOffices(_ event: Event) {
        switch event {
        case .reportArrives(let report, let office, let node, let generation):
            answer(event, report, office, node, generation)
        case .office(let number, let what, let generation):
            guard offices[number].generation == generation, offices[number].state != .dead else { return }
            if offices[number].state == .paused { offices[number].waiting.append(event) } else { work(number, what) }
        case .officeGoesOn(let number):
            guard offices[number].state == .paused else { return }
            note("office \(number) goes on")
            offices[number].state = .runs
            let waiting = offices[number].waiting
            offices[number].waiting = []
            for event in waiting { handleOffices(event) }
        case .officeStarts(let number):
            let office = offices[number]
            offices[number] = Office(rate: office.rate, offset_ns: office.offset_ns)
            offices[number].generation = office.generation + 1
            plan(number, .elects, after_ms: 0)
            plan(number, .ticks, after_ms: 500)
        case .wayIsFree(let node, let office): isOpen[node][office] = true
        case .storeIsBack(let number): offices[number].reachesStore = true
        case .leaseWriteArrives(let number, let generation, let version, let isRenewal, let sent_ns):
            writeLease(number, generation, version, isRenewal, sent_ns)
        case .partArrives(let request, let office, let generation, let number):
            answerPart(request, office, generation, number)
        case .recordsArrive(let number, let generation, let version, let records, let pending):
            let shard = number % temper.shards
            let isCurrent = version == recordsVersions[shard]
            if isCurrent {
                for record in records { self.records[shard][record.node] = record }
                recordsVersions[shard] += 1
            }
            reply(number, .recordsKept(isCurrent, pending: pending, version: recordsVersions[shard]), generation)
        case .trouble: makeTrouble()
        default: preconditionFailure("nobody does \(event)")
        }
    }

    private mutating func plan(_ number: Int, _ what: OfficeEvent, after_ms: UInt64) {
        queue.plan(.office(number, what, generation: offices[number].generation), at: now_ns + after_ms * 1_000_000)
    }

    /// From the API server; lost where it can't be reached.
    mutating func reply(_ number: Int, _ what: OfficeEvent, _ generation: Int) {
        guard offices[number].reachesStore else { return }
        queue.plan(.office(number, what, generation: generation), at: now_ns + storeDelay_ns())
    }

    mutating func storeDelay_ns() -> UInt64 {
        random.within(1...(random.once(in: temper.storeSlowOnce) ? temper.storeLongest_ms : 30)) * 1_000_000
    }

    private mutating func send(_ number: Int, _ event: Event) {
        guard offices[number].reachesStore else { return }
        queue.plan(event, at: now_ns + storeDelay_ns())
    }

    private mutating func answer(_ event: Event, _ report: Report, _ number: Int, _ node: Int, _ generation: Int) {
        switch offices[number].state {
        case .dead: return
        case .paused: return offices[number].waiting.append(event)
        case .runs: break
        }
        let clock_ns = offices[number].clock(now_ns)
        let grant = try? offices[number].coordinator?.answer(report, now_ns: clock_ns)
        for _ in 0..<(random.percent(temper.doubled) ? 2 : 1) {
            guard let delay_ns = delay_ns(), isOpen[node][number] else { continue }
            queue.plan(
                .answerArrives(grant, node: node, generation: generation, nonce: report.nonce), at: now_ns + delay_ns)
        }
    }

    private mutating func work(_ number: Int, _ what: OfficeEvent) {
        let clock_ns = offices[number].clock(now_ns)
        switch what {
        case .elects:
            // Read, then judge; the snapshot is of when the store answers.
            reply(number, .seesLease(leases[number % temper.shards]), offices[number].generation)
            if temper.shards > 1 {
                reply(number, .seesParent(version: leases[0].version, sent_ns: clock_ns), offices[number].generation)
            }
            plan(number, .elects, after_ms: random.within(1_000...2_000))
        case .seesLease(let lease):
            if lease.version != offices[number].seen.version { offices[number].seen_ns = clock_ns }
            offices[number].seen = lease
            let isOwn = lease.holder == identity(number)
            // What was given up is taken like another's, with an epoch of its own.
            let isHeld = isOwn && (offices[number].leadership != nil || offices[number].coordinator != nil)
            guard isOwn || lease.holder < 0 || clock_ns >= offices[number].seen_ns + Office.leaseDuration_ns else {
                return giveUp(number)
            }
            let event = Event.leaseWriteArrives(
                office: number, generation: offices[number].generation, version: lease.version, isRenewal: isHeld,
                sent_ns: clock_ns)
            send(number, event)
        case .leaseWritten(let isWritten, let sent_ns, let epoch, let version):
            guard isWritten else { return }
            offices[number].seen.version = version
            if offices[number].coordinator != nil {
                offices[number].coordinator?.leadership.renew(sent_ns: sent_ns, duration_ns: Office.leaseDuration_ns)
            } else if offices[number].leadership != nil {
                offices[number].leadership?.renew(sent_ns: sent_ns, duration_ns: Office.leaseDuration_ns)
            } else {
                offices[number].leadership = Leadership(epoch: epoch, sent_ns: sent_ns, duration_ns: Office.leaseDuration_ns)
                let shard = number % temper.shards
                reply(number, .readsRecords(records[shard], version: recordsVersions[shard]), offices[number].generation)
            }
        case .readsRecords(let records, let version): lead(number, records, version)
        case .keepsRecords:
            guard offices[number].coordinator != nil, !offices[number].isKeeping,
                let pending = offices[number].coordinator?.pendingRecords()
            else { return }
            offices[number].isKeeping = true
            let event = Event.recordsArrive(
                office: number, generation: offices[number].generation, version: offices[number].recordsVersion,
                records: pending.records, pending: Int(pending.version))
            send(number, event)
        case .recordsKept(let isKept, let pending, let version):
            offices[number].isKeeping = false
            guard isKept else { return giveUp(number) }
            offices[number].recordsVersion = version
            offices[number].coordinator?.recorded(upTo: UInt64(pending))
        case .ticks:
            offices[number].coordinator?.tick(now_ns: clock_ns)
            if random.once(in: temper.keepsEvery_ms / 1_000) { plan(number, .keepsRecords, after_ms: random.below(2_000)) }
            workOnParts(number, refreshes: true)
            plan(number, .ticks, after_ms: 1_000)
        case .hearsOfBudgets:
            offices[number].heard = [site, row]
            let terms = terms(number)
            offices[number].set = terms
            offices[number].coordinator?.set(terms)
            placeAll(number, clock_ns)
        case .seesParent(let version, let sent_ns): offices[number].desk.sign.read("\(version)", now_ns: sent_ns)
        case .partAnswered(let request, let what, let isDone, let state):
            guard offices[number].desk.request?.number == request else { return }
            hearOfPart(number, what, isDone, state)
        }
    }

    private func identity(_ number: Int) -> Int { number + 10 * offices[number].generation }

    private mutating func writeLease(_ number: Int, _ generation: Int, _ version: Int, _ isRenewal: Bool, _ sent_ns: UInt64) {
        let shard = number % temper.shards
        let isCurrent = version == leases[shard].version
        if isCurrent {
            leases[shard].version += 1
            if !isRenewal {
                leases[shard].transitions += 1
                leases[shard].holder = number + 10 * generation
            }
        }
        let lease = leases[shard]
        reply(
            number, .leaseWritten(isCurrent, sent_ns: sent_ns, epoch: lease.transitions, version: lease.version), generation)
    }

    private mutating func lead(_ number: Int, _ records: [String: NodeRecord], _ version: Int) {
        guard let leadership = offices[number].leadership else { return }
        counts.leaders += 1
        note("office \(number) leads with epoch \(leadership.epoch)")
        var coordinator = Coordinator(leadership: leadership, earlierTTL_ms: Self.ttl_ns / 1_000_000)
        coordinator.rules = rules
        offices[number].heard = [site, row]
        let sign = offices[number].desk.sign
        offices[number].desk = PartDesk()
        offices[number].desk.sign = sign
        offices[number].ledSince_ns = offices[number].clock(now_ns)
        offices[number].set = terms(number)
        coordinator.set(offices[number].set)
        offices[number].coordinator = coordinator
        offices[number].leadership = nil
        offices[number].recordsVersion = version
        offices[number].isKeeping = false
        let clock_ns = offices[number].clock(now_ns)
        placeAll(number, clock_ns)
        for machine in machines {
            if let record = records[machine.name] { offices[number].coordinator?.remember(record, now_ns: clock_ns) }
        }
    }

    private mutating func placeAll(_ number: Int, _ clock_ns: UInt64) {
        for machine in machines where machine.shard == number % temper.shards {
            let places = !machine.isMember ? [] : [Membership("site")] + (machine.isInRow ? [Membership("row")] : [])
            offices[number].coordinator?.place(machine.name, in: places, now_ns: clock_ns)
        }
    }

    private mutating func giveUp(_ number: Int) {
        (offices[number].coordinator, offices[number].leadership) = (nil, nil)
        offices[number].desk.request = nil
    }
}
