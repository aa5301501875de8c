import PowercapProtocol

/// The zones, and what the helper does with their limits as a whole.
struct Machine {
    var zones: [MockZone] = []

    subscript(zone id: Name) -> Int? { zones.firstIndex { $0.id == id } }

    func index(of id: Name?) -> UInt16? { id.flatMap { self[zone: $0] }.map { UInt16($0) } }

    /// Applies a batch as a whole or not at all, checked in the order of the helper.
    mutating func apply(_ items: [ApplyItem]) throws(Failure) -> [AppliedItem] {
        var targets: [(zone: Int, register: Int)] = []
        for (number, item) in items.enumerated() {
            let target = try target(of: item, UInt16(number))
            if targets.contains(where: { $0 == target }) { throw Failure(.duplicateItem, item: UInt16(number)) }
            targets.append(target)
        }
        let before = zones
        var applied: [AppliedItem] = []
        for (number, (target, item)) in zip(targets, items).enumerated() {
            do throws(Failure) {
                try zones[target.zone].registers[target.register].write(item, number: UInt16(number))
            } catch {
                zones = before
                if error.code == .locked { zones[target.zone].registers[target.register].obstacle = .locked }
                throw error
            }
            applied.append(
                AppliedItem(
                    effective: zones[target.zone].registers[target.register].limit,
                    effectiveWindow_us: item.window_us ?? 0))
        }
        return applied
    }

    private func target(of item: ApplyItem, _ number: UInt16) throws(Failure) -> (zone: Int, register: Int) {
        guard zones.indices.contains(Int(item.zone)) else { throw Failure(.unknownZone, item: number) }
        let zone = zones[Int(item.zone)]
        if zone.isGone { throw Failure(.zoneGone, errno: 19, item: number) }
        guard let position = zone.registers.firstIndex(where: { $0.index == item.constraint }) else {
            throw Failure(.unknownConstraint, item: number)
        }
        if let code = zone.registers[position].refusal(of: item) { throw Failure(code, item: number) }
        let errno = zone.registers[position].readErrno
        if errno != 0 { throw Failure(.readFailed, errno: UInt16(errno), item: number) }
        return (Int(item.zone), position)
    }

    mutating func end(_ disposal: LimitDisposal) -> Released {
        if disposal == .hold { return Released() }
        var outcome = Released()
        for zone in zones.indices {
            for register in zones[zone].registers.indices {
                let restoration =
                    disposal == .fallback
                    ? zones[zone].registers[register].fallBack() : zones[zone].registers[register].restore()
                switch restoration {
                case nil: break
                case .restored: outcome.restored += 1
                case .foreign: outcome.foreign += 1
                case .failed: outcome.failed += 1
                case .fallback: outcome.fallback += 1
                }
            }
        }
        return outcome
    }

    /// Every limit that is in force: ` intel-rapl:0/long_term=45000000 …`.
    var limits: String {
        var text = ""
        for zone in zones {
            for register in zone.registers { text += " \(zone.id.string)/\(register.name.string)=\(register.limit.rawValue)" }
        }
        return text
    }
}
