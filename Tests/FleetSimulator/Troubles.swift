import Fleet
import PowercapProtocol

// What goes wrong, and what is changed on purpose.
extension World {
    mutating func makeTrouble() {
        queue.plan(.trouble, at: now_ns + random.within(1...(2 * temper.troubleEvery_ms)) * 1_000_000)
        let kinds = Temper.all.filter { temper.weights[$0]! > 0 }
        var left = random.below(kinds.reduce(0) { $0 + temper.weights[$1]! })
        for kind in kinds {
            if left < temper.weights[kind]! { return make(kind) }
            left -= temper.weights[kind]!
        }
    }

    private mutating func make(_ kind: Trouble) {
        let index = Int(random.below(UInt64(machines.count)))
        let number = Int(random.below(UInt64(offices.count)))
        let name = machines[index].name
        switch kind {
        case .agentDies:
            guard machines[index].agentIsUp, machines[index].state == .up else { return }
            note("the agent of \(name) dies")
            machines[index].agentIsUp = false
            machines[index].isInControl = false
            machines[index].generation += 1
            queue.plan(
                .agentStarts(index, generation: machines[index].generation),
                at: now_ns + random.within(200...(random.once(in: 2) ? 3_000 : 60_000)) * 1_000_000)
        case .nodeReboots:
            guard machines[index].state == .up, mayJump(index) else { return }
            note("\(name) reboots: a jump")
            counts.jumps += 1
            machines[index].isJumping = true
            goDown(index, to: .firmware)
            boot(index)
        case .nodeIsOff:
            guard machines[index].state == .up else { return }
            note("\(name) goes off")
            goDown(index, to: .off)
            queue.plan(.nodeBoots(index), at: now_ns + random.within(1...120) * Self.second_ns)
        case .nodeSleeps:
            guard machines[index].state == .up, temper.contingency > 0 else { return }
            note("\(name) falls asleep")
            machines[index].state = .asleep
            machines[index].wentOff_ns = now_ns
            queue.plan(.nodeWakesUp(index), at: now_ns + random.within(1...60) * Self.second_ns)
        case .helperDies:
            guard machines[index].state == .up, machines[index].helperIsUp, mayJump(index) else { return }
            note("the helper of \(name) dies")
            counts.jumps += 1
            machines[index].isJumping = true
            machines[index].helperIsUp = false
            machines[index].isInControl = false
            machines[index].token += 1
            (machines[index].leaseEnds_ns, machines[index].writing) = (nil, nil)
            queue.plan(
                .helperStarts(index, boot: machines[index].bootNumber), at: now_ns + random.within(500...40_000) * 1_000_000)
        case .nodeIsCutOff:
            note("\(name) is cut off")
            let isWhole = random.once(in: 2)
            for office in offices.indices where isWhole || office == number {
                isOpen[index][office] = false
                queue.plan(.wayIsFree(node: index, office: office), at: now_ns + random.within(1...60) * Self.second_ns)
            }
        case .officePauses:
            guard offices[number].state == .runs else { return }
            note("office \(number) is paused")
            offices[number].state = .paused
            queue.plan(.officeGoesOn(number), at: now_ns + random.within(500...40_000) * 1_000_000)
        case .officeDies:
            guard offices[number].state == .runs else { return }
            note("office \(number) dies")
            offices[number].state = .dead
            offices[number].coordinator = nil
            queue.plan(.officeStarts(number), at: now_ns + random.within(500...20_000) * 1_000_000)
        case .storeIsAway:
            note("office \(number) can't reach the API server")
            offices[number].reachesStore = false
            queue.plan(.storeIsBack(number), at: now_ns + random.within(1...40) * Self.second_ns)
        case .budgetChanges: changeBudgets()
        case .minimumChanges:
            site.minimum = .watts(random.within(0...60))
            note("the minimum is \(site.minimum.rawValue / 1_000_000) W")
            tellOffices()
        case .membershipChanges:
            // What joins is off: it is switched on when there is room for it.
            guard !machines[index].isMember || machines.count(where: \.isMember) > 1 else { return }
            if !machines[index].isMember, machines[index].state != .off {
                goDown(index, to: .off)
                queue.plan(.nodeBoots(index), at: now_ns + random.within(60...120) * Self.second_ns)
            }
            machines[index].isMember.toggle()
            machines[index].joined_ns = now_ns
            note("\(name) \(machines[index].isMember ? "joins" : "leaves")")
            tellOffices()
        case .nodeIsHeldBack:
            guard machines[index].heldBack == nil else { return }
            machines[index].heldBack = random.within(machines[index].floor...machines[index].ceiling)
            note("\(name) is held back")
            queue.plan(.nodeIsLetUp(index), at: now_ns + random.within(500...15_000) * 1_000_000)
        case .partIsLost:
            let (budget, shard) = (Int(random.below(2)), Int(random.below(UInt64(temper.shards))))
            note("somebody deletes the part of shard \(shard) of budget \(budget)")
            parts[budget][shard] = nil
        case .parentIsAway:
            note("no coordinator of shard 0 can reach the API server")
            let ends_ns = now_ns + random.within(30...200) * Self.second_ns
            for office in stride(from: 0, to: offices.count, by: temper.shards) {
                offices[office].reachesStore = false
                queue.plan(.storeIsBack(office), at: ends_ns)
            }
        case .demand:
            machines[index].demand = random.within(machines[index].floor...machines[index].ceiling)
            machines[index].tenure.hurry(now_ns: machines[index].clock(now_ns))
        }
    }
}
