import Fleet
import PowercapProtocol

// What nodes do.
extension World {
    mutating func handle(_ event: Event) {
        switch event {
        case .agentWakes(let index, let number):
            if number == machines[index].wakeNumber { act(index) }
        case .agentStarts(let index, let generation): startAgent(index, generation)
        case .writeLands(let index, let token, let limit, let rest): write(index, token, limit, rest)
        case .renewalLands(let index, let token): renew(index, token)
        case .leaseMayEnd(let index): endLease(index)
        case .bootUnitActs(let index, let boot):
            guard machines[index].bootNumber == boot, machines[index].state == .firmware, let rest = machines[index].fallback
            else { return }
            machines[index].register = min(machines[index].register, rest)
        case .nodeIsUp(let index, let boot):
            guard machines[index].bootNumber == boot, machines[index].state == .firmware else { return }
            machines[index].state = .up
            machines[index].helperIsUp = true
            queue.plan(.agentStarts(index, generation: machines[index].generation), at: now_ns + random.below(4 * Self.second_ns))
        case .nodeBoots(let index): comeUp(index)
        case .nodeWakesUp(let index): wakeUp(index)
        case .helperStarts(let index, let boot): startHelper(index, boot)
        case .nodeIsLetUp(let index):
            machines[index].heldBack = nil
            act(index)
        case .answerArrives(let grant, let index, let generation, let nonce): hear(index, grant, generation, nonce)
        default: handleOffices(event)
        }
    }

    private func isAwake(_ index: Int, _ generation: Int) -> Bool {
        machines[index].agentIsUp && machines[index].generation == generation && machines[index].state == .up
    }

    // MARK: The agent

    private mutating func startAgent(_ index: Int, _ generation: Int) {
        guard machines[index].state == .up || machines[index].state == .asleep, machines[index].generation == generation,
            !machines[index].agentIsUp
        else { return }
        let machine = machines[index]
        machines[index].agentIsUp = true
        machines[index].isInControl = false
        machines[index].tenure = Tenure(
            node: machine.name, boot: .number(machine.bootNumber, of: machine.name), lease_ns: Machine.lease_ns)
        machines[index].tenure.rules = rules
        (machines[index].writing, machines[index].waitsUntil_ns) = (nil, nil)
        act(index)
    }

    /// Does what is due, and plans when to look again.
    private mutating func act(_ index: Int) {
        guard machines[index].state == .up, machines[index].agentIsUp else { return }
        if !machines[index].isInControl {
            guard machines[index].helperIsUp else { return wake(index, at: now_ns + Self.second_ns / 2) }
            machines[index].token += 1
            machines[index].isInControl = true
            machines[index].writing = nil
            extendLease(index)
            machines[index].renews_ns = now_ns + 2 * Self.second_ns
        }
        let clock_ns = machines[index].clock(now_ns)
        if now_ns >= machines[index].renews_ns {
            queue.plan(.renewalLands(index, token: machines[index].token), at: now_ns + latency_ns())
            machines[index].renews_ns = now_ns + 2 * Self.second_ns
        }
        if let waitsUntil_ns = machines[index].waitsUntil_ns, clock_ns >= waitsUntil_ns {
            machines[index].waitsUntil_ns = nil
            machines[index].tenure.fail(retryAfter_ms: nil, now_ns: clock_ns, using: &random)
            machines[index].office = anyOffice(of: index)
        }
        startWrite(index, clock_ns)
        if machines[index].waitsUntil_ns == nil, clock_ns >= machines[index].tenure.asksAgain_ns { ask(index, clock_ns) }
        let machine = machines[index]
        var next_ns = machine.renews_ns
        let ask_ns = machine.waitsUntil_ns ?? machine.tenure.asksAgain_ns
        for clock_ns in [ask_ns, machine.tenure.ends_ns ?? 0] where clock_ns > machine.clock(now_ns) {
            next_ns = min(next_ns, machine.time(of: clock_ns) + 1_000_000)
        }
        wake(index, at: max(next_ns, now_ns + 1_000_000))
    }

    private mutating func wake(_ index: Int, at time_ns: UInt64) {
        machines[index].wakeNumber += 1
        queue.plan(.agentWakes(index, number: machines[index].wakeNumber), at: time_ns)
    }

    private mutating func ask(_ index: Int, _ clock_ns: UInt64) {
        let machine = machines[index]
        let standing = Tenure.Standing(
            inForce: Microwatts(machine.mostInForce), rest: Microwatts(machine.mostRest), floor: Microwatts(machine.floor),
            ceiling: Microwatts(machine.ceiling), demand: Microwatts(machine.demand),
            bootsAtRest: machine.bootsAtRest && machine.fallback != nil)
        let report = machines[index].tenure.ask(standing, now_ns: clock_ns)
        machines[index].nonce = report.nonce
        machines[index].waitsUntil_ns = clock_ns + temper.patience_ms * 1_000_000
        let office = random.once(in: 20) ? anyOffice(of: index) : machine.office
        for _ in 0..<(random.percent(temper.doubled) ? 2 : 1) {
            guard let delay_ns = delay_ns(), isOpen[index][office] else { continue }
            queue.plan(
                .reportArrives(report, office: office, node: index, generation: machine.generation), at: now_ns + delay_ns)
        }
    }

    private mutating func hear(_ index: Int, _ grant: Grant?, _ generation: Int, _ nonce: UInt64) {
        guard machines[index].agentIsUp, machines[index].generation == generation else { return }
        guard machines[index].state == .up else {
            return queue.plan(
                .answerArrives(grant, node: index, generation: generation, nonce: nonce), at: now_ns + Self.second_ns)
        }
        let clock_ns = machines[index].clock(now_ns)
        let isNewest = nonce == machines[index].nonce
        if let grant {
            if machines[index].tenure.take(grant, now_ns: clock_ns, using: &random) == .taken { counts.taken += 1 }
        } else if isNewest {
            machines[index].tenure.fail(retryAfter_ms: nil, now_ns: clock_ns, using: &random)
            machines[index].office = anyOffice(of: index)
        }
        if isNewest { machines[index].waitsUntil_ns = nil }
        act(index)
    }

    /// One write at a time: the helper answers before the next.
    private mutating func startWrite(_ index: Int, _ clock_ns: UInt64) {
        let machine = machines[index]
        guard machine.writing == nil else { return }
        let held = machine.fallback.map { Microwatts($0) }
        let floor = Microwatts(machine.floor)
        let granted = machine.tenure.limit(at: clock_ns)?.rawValue
        let goal = granted ?? machine.tenure.rest(held: held, inForce: Microwatts(machine.register), floor: floor).rawValue
        let limit = min(max(min(goal, machine.heldBack ?? goal), machine.floor), machine.ceiling)
        let rest = machine.tenure.rest(held: held, inForce: Microwatts(limit), floor: floor).rawValue
        guard limit != machine.register || rest != machine.fallback else { return }
        machines[index].writing = (limit, rest)
        counts.writes += 1
        queue.plan(.writeLands(index, token: machine.token, limit: limit, rest: rest), at: now_ns + latency_ns())
    }

    // MARK: The helper

    private mutating func latency_ns() -> UInt64 { random.within(1...(random.once(in: 10) ? 350 : 20)) * 1_000_000 }

    private mutating func write(_ index: Int, _ token: Int, _ limit: UInt64, _ rest: UInt64) {
        if machines[index].state == .asleep {
            return queue.plan(.writeLands(index, token: token, limit: limit, rest: rest), at: now_ns + Self.second_ns / 10)
        }
        guard machines[index].state == .up, machines[index].token == token else { return }
        let isLower = limit < machines[index].register
        if machines[index].helperIsUp, let end_ns = machines[index].leaseEnds_ns, now_ns <= end_ns {
            (machines[index].register, machines[index].fallback) = (limit, min(rest, limit))
        } else {
            machines[index].isInControl = false
        }
        guard machines[index].agentIsUp else { return }
        machines[index].writing = nil
        if isLower { machines[index].tenure.hurry(now_ns: machines[index].clock(now_ns)) }
        act(index)
    }

    private mutating func renew(_ index: Int, _ token: Int) {
        if machines[index].state == .asleep {
            return queue.plan(.renewalLands(index, token: token), at: now_ns + Self.second_ns / 10)
        }
        guard machines[index].state == .up, machines[index].token == token, machines[index].helperIsUp,
            let end_ns = machines[index].leaseEnds_ns, now_ns <= end_ns
        else { return }
        extendLease(index)
    }

    private mutating func extendLease(_ index: Int) {
        let end_ns = now_ns + Machine.lease_ns
        machines[index].leaseEnds_ns = end_ns
        queue.plan(.leaseMayEnd(index), at: end_ns + random.within(1...100) * 1_000_000)
    }

    /// The fallback is set instead of the original, where there is one.
    private mutating func endLease(_ index: Int) {
        guard machines[index].state == .up, machines[index].helperIsUp, let end_ns = machines[index].leaseEnds_ns, now_ns > end_ns
        else { return }
        machines[index].leaseEnds_ns = nil
        machines[index].token += 1
        machines[index].isInControl = false
        machines[index].writing = nil
        machines[index].register = machines[index].fallback.map { min($0, machines[index].register) } ?? machines[index].ceiling
    }

    private mutating func startHelper(_ index: Int, _ boot: UInt64) {
        guard machines[index].bootNumber == boot, !machines[index].helperIsUp else { return }
        if machines[index].state == .asleep { return queue.plan(.helperStarts(index, boot: boot), at: now_ns + Self.second_ns) }
        guard machines[index].state == .up else { return }
        machines[index].helperIsUp = true
        machines[index].register = machines[index].fallback.map { min($0, machines[index].register) } ?? machines[index].ceiling
    }

    // MARK: The machine

    mutating func goDown(_ index: Int, to state: Machine.State) {
        machines[index].state = state
        machines[index].wentOff_ns = now_ns
        machines[index].agentIsUp = false
        machines[index].isInControl = false
        machines[index].helperIsUp = false
        machines[index].generation += 1
        machines[index].token += 1
        (machines[index].leaseEnds_ns, machines[index].writing) = (nil, nil)
        machines[index].bootNumber += 1
    }

    mutating func boot(_ index: Int) {
        machines[index].state = .firmware
        // Where no jump is covered something else holds a node that boots, such as a management controller.
        let isHeld = machines[index].bootsAtRest && temper.contingency == 0
        machines[index].register = isHeld ? machines[index].fallback! : machines[index].ceiling
        machines[index].booted_ns = now_ns
        let boot = machines[index].bootNumber
        if machines[index].bootsAtRest {
            queue.plan(.bootUnitActs(index, boot: boot), at: now_ns + random.within(500...3_000) * 1_000_000)
        } else {
            machines[index].fallback = nil
        }
        queue.plan(.nodeIsUp(index, boot: boot), at: now_ns + random.within(4...20) * Self.second_ns)
    }

    private mutating func comeUp(_ index: Int) {
        guard machines[index].state == .off else { return }
        // What joins is switched on when it counts, and others have gone down for it.
        guard
            !machines[index].isMember || now_ns >= machines[index].joined_ns + Self.settling_ns || machines[index].joined_ns == 0
        else {
            return queue.plan(.nodeBoots(index), at: machines[index].joined_ns + Self.settling_ns)
        }
        if !machines[index].isMember || machines[index].bootsAtRest && temper.contingency == 0 {
            note("\(machines[index].name) comes up")
        } else if mayComeUp(index) {
            note("\(machines[index].name) comes up at its ceiling")
        } else if mayJump(index) {
            note("\(machines[index].name) comes up: a jump")
            machines[index].isJumping = true
            counts.jumps += 1
        } else {
            return queue.plan(.nodeBoots(index), at: now_ns + random.within(1...10) * Self.second_ns)
        }
        boot(index)
    }

    private mutating func wakeUp(_ index: Int) {
        guard machines[index].state == .asleep else { return }
        // What was in force comes back, whether or not it has ended since.
        guard mayJump(index) else { return queue.plan(.nodeWakesUp(index), at: now_ns + random.within(1...10) * Self.second_ns) }
        machines[index].isJumping = true
        counts.jumps += 1
        machines[index].state = .up
        // The helper's lease goes by the time awake.
        if machines[index].leaseEnds_ns != nil { extendLease(index) }
        if random.once(in: 2) { machines[index].register = machines[index].ceiling }
        note("\(machines[index].name) wakes up")
        act(index)
    }
}
