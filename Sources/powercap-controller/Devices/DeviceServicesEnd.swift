internal import LinuxSystem
internal import Logging
internal import PowercapProtocol

// What becomes of devices' limits when control ends (P6, P18).

extension DeviceServices {
    /// Of each device that was changed, what was done.
    struct Ending {
        let disposal: LimitDisposal
        /// What was seen before says nothing: another party may have come since. On CLOCK_MONOTONIC.
        let since_ns: UInt64
        /// By the device's id.
        var outcomes: [String: Outcome] = [:]
        /// What is to be in force was asked for.
        var asked: Set<String> = []
    }

    /// What became of a device's limit.
    enum Outcome: Equatable, Sendable {
        /// Its original is back.
        case restored
        /// It had its original already.
        case original
        case held
        case fallback
        /// Another party's limit is left.
        case foreign
        /// Its original is kept in the file.
        case failed
    }

    /// Ends control, and waits for the outcome at most so long.
    func release(_ disposal: LimitDisposal, patience_ms: Int32) -> Released {
        var released = Released()
        for outcome in end(disposal, patience_ms: patience_ms).map(\.outcome) {
            switch outcome {
            case .restored: released.restored += 1
            case .foreign: released.foreign += 1
            case .fallback: released.fallback += 1
            case .failed: released.failed += 1
            case .original, .held: break
            }
        }
        return released
    }

    /// The same.
    /// - Returns: every device that was changed, by its id. What is to be put back and couldn't be stays in the file, and is told.
    func end(_ disposal: LimitDisposal, patience_ms: Int32) -> [(device: String, outcome: Outcome)] {
        let changed = saved.map(\.id)
        if disposal == .hold { return changed.map { ($0, .held) } }
        let since_ns = Clock.monotonic_ns
        ending = Ending(disposal: disposal, since_ns: since_ns)
        let end_ns = since_ns + UInt64(max(patience_ms, 0)) * 1_000_000
        while let before = ending, before.outcomes.count < changed.count, Clock.monotonic_ns < end_ns {
            for service in services where service.seen_ns < since_ns { service.lookNow() }
            _ = step(Clock.monotonic_ns)
            // Who has just had the last outcome waits for nothing any more.
            if ending?.outcomes.count == before.outcomes.count { wait(until: end_ns) }
        }
        defer { ending = nil }
        return changed.map { id in
            let outcome = ending?.outcomes[id] ?? .failed
            if outcome == .failed { tellFailed(id) }
            return (id, outcome)
        }
    }

    private func tellFailed(_ id: String) {
        let problem = services.first { $0.devices.contains { $0.id == id } }?.problem ?? services.compactMap(\.problem).first
        log.error(
            "a device's original limit isn't back: it is kept for the next start, and for `powercap-controller cleanup`",
            ("device", .text(id)), ("file", .text(file.path)), ("why", .text(problem?.words ?? "it wasn't done in its time")))
    }

    /// Of each device that was seen since the end began, and has nothing under way: what is to be done, or what was.
    func goOnEnding() {
        guard let ending else { return }
        for entry in saved where ending.outcomes[entry.id] == nil {
            guard let service = ids.first(where: { $0.id == entry.id }).map({ services[$0.service] }),
                service.seen_ns >= ending.since_ns,
                let device = service.devices.first(where: { $0.id == entry.id }), !device.isWriting
            else { continue }
            let wasAsked = ending.asked.contains(entry.id)
            switch DeviceEnding(entry, limit: device.limit, step: device.found.step, fallback: device.fallback, ending.disposal) {
            case .unknown: continue
            case .foreign:
                log.warning("another party has set a device's limit, and it stays", ("device", .text(entry.id)))
                conclude(entry.id, .foreign, isOver: true)
            case .asIs where device.limit == entry.original: conclude(entry.id, wasAsked ? .restored : .original, isOver: true)
            case .asIs: conclude(entry.id, .fallback, isOver: false)
            // It was asked for, and isn't so.
            case .set where wasAsked: conclude(entry.id, .failed, isOver: false)
            case .set(let limit, let mode):
                self.ending?.asked.insert(entry.id)
                // A fallback limit is this program's doing as any other; the original isn't.
                if ending.disposal == .fallback, let power = limit.power, limit != entry.original { try? save([(device, power)]) }
                service.ask(ServedDevice.Wanted(limit: limit, mode: mode), of: entry.id)
            }
        }
    }

    private func conclude(_ id: String, _ outcome: Outcome, isOver: Bool) {
        ending?.outcomes[id] = outcome
        if isOver { forget(id) }
    }
}
