internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// What a configuration would have made of a recording: its own decisions, with the code that `run` has, at the recorded times, and what
/// the devices would have drawn under them.
///
/// A device at its limit doesn't show what it would have liked to draw. Where the configuration gives it more than it had, it would have
/// drawn between what it drew and all of that: both are added up. What the configuration doesn't govern stays as it was recorded.
struct Replay {
    let configuration: Configuration
    /// What the source goes by; nil where that is a formula.
    let data: SourceData?

    /// Runs the recording through the configuration.
    func outcome(of recording: Recording) -> Outcome {
        var outcome = Outcome(recording)
        let (policy, source) = (configuration.policy, powerSource(for: configuration.policy, data: data))
        let governed = recording.governed(by: policy)
        let devices = governed.map { recording.devices[$0] }
        var shared = policy.split == .demand ? SharedPower(devices) : nil
        var server =
            policy.budgetOf == .server
            ? recording.samples.first.map { ReplayedServer(recording, governed: governed, from: $0) } : nil
        var (decision, reading): (Decision?, SourceReading?)
        var ask_ms = Int64.min
        for (earlier, later) in zip(recording.samples, recording.samples.dropFirst()) {
            let now_ms = earlier.time_ms
            let isDue = now_ms >= ask_ms
            if isDue {
                let moment = Moment(milliseconds: now_ms)
                let found = source.reading(at: moment, for: devices, policy) { Moment(seconds: $0) }
                let apart_ms = now_ms + Int64(clamping: configuration.stabilisationTime.rawValue)
                ask_ms =
                    [apart_ms, source.nextStep(after: moment).map { $0 * 1_000 }, found.nextLook_ms].compactMap { $0 }.min()
                    ?? .max
                reading = found
            }
            let isMoving = decision?.shape?.nextMove(policy).map { $0 <= now_ms } == true
            if let reading, isDue || isMoving || shared?.isNews == true || server?.isNews == true {
                decision = decide(
                    devices: devices, policy: policy, reading: reading,
                    workload: Workload(demands: shared?.demands), server: server?.loop, last: decision, at_ms: now_ms)
                if let loop = decision?.server?.loop { server?.loop = loop }
            }
            let own = (decision?.devices ?? []).map(\.longTerm)
            var limits = earlier.devices.map(\.limit)
            for (index, limit) in zip(governed, own) { limits[index] = limit }
            let drawn = outcome.note(from: earlier, to: later, limits: limits, ofServer: decision?.server?.limit)
            shared?.note(governed.map { drawn[$0] }, under: own, until_ms: later.time_ms)
            server?.note(later, drawn, under: limits)
        }
        return outcome
    }

    /// The recording itself, in the same terms.
    static func recorded(_ recording: Recording) -> Outcome {
        var outcome = Outcome(recording)
        for (earlier, later) in zip(recording.samples, recording.samples.dropFirst()) {
            _ = outcome.note(from: earlier, to: later, limits: earlier.devices.map(\.limit))
        }
        return outcome
    }
}

extension Moment {
    fileprivate init(milliseconds: Int64) {
        let (seconds, rest) = (milliseconds / 1_000, milliseconds % 1_000)
        self.init(seconds: seconds, nanoseconds: UInt32(rest) * 1_000_000)
    }
}

extension Replay {
    /// Sums over the times of which it is known what was drawn.
    struct Outcome: Equatable {
        private let ceilings: [Microwatts]
        private var last: [Microwatts?]
        /// Devices times milliseconds that were counted.
        private(set) var counted_ms: UInt64 = 0
        /// Devices times milliseconds of which it isn't known what was drawn, or under which limit.
        private(set) var unknown_ms: UInt64 = 0
        /// Within the recording, whatever is known of it.
        private(set) var span_ms: UInt64 = 0
        /// In µW·ms. What was drawn, but for what the limit would have kept back.
        private(set) var least: UInt128 = 0
        /// The same, where devices whose limit hid what they wanted take all that they are given.
        private(set) var most: UInt128 = 0
        /// What was drawn in the recording.
        private(set) var drawn: UInt128 = 0
        /// The limits.
        private(set) var allowed: UInt128 = 0
        /// Devices times milliseconds in which the device draws as much as it may.
        private(set) var limited_ms: UInt64 = 0
        /// The same, of which only more than the recording could tell.
        private(set) var perhapsLimited_ms: UInt64 = 0
        /// Limits that became others.
        private(set) var changes: UInt64 = 0
        /// Of the whole server; nil where the recording has no meter of it.
        private(set) var server: ServerOutcome?

        init(_ recording: Recording) {
            ceilings = recording.devices.map(\.longTerm.ceiling)
            last = recording.devices.map { _ in nil }
            server = recording.hasMeter ? ServerOutcome() : nil
        }

        /// At so much of its limit a device is held by it: meters and limits differ by a percent.
        private static let heldPercent: UInt64 = 98

        private static func isHeld(_ power: Microwatts, by limit: Microwatts) -> Bool {
            UInt128(power.rawValue) * 100 >= UInt128(limit.rawValue) * UInt128(heldPercent)
        }

        /// - Parameters:
        ///   - limits: what is in force in between; nil where that isn't known.
        ///   - whole: the whole server's limit; nil where there is none.
        /// - Returns: what each device then draws at most; nil where that isn't known.
        fileprivate mutating func note(
            from earlier: Recording.Sample, to later: Recording.Sample, limits: [Microwatts?], ofServer whole: Microwatts? = nil
        ) -> [Microwatts?] {
            var all: [Microwatts?] = limits.map { _ in nil }
            let time_ms = UInt64(later.time_ms - earlier.time_ms)
            span_ms += time_ms
            var devices = ServerOutcome.Devices()
            for (index, limit) in limits.enumerated() {
                guard let limit else {
                    unknown_ms += time_ms
                    continue
                }
                if let before = last[index], before != limit { changes += 1 }
                last[index] = limit
                guard let power = later.devices[index].power else {
                    unknown_ms += time_ms
                    continue
                }
                // The limit may have changed in between: it is the lower one that hides.
                let recorded = [earlier.devices[index].limit, later.devices[index].limit].compactMap { $0 }.min()
                let isHidden = recorded.map { Outcome.isHeld(power, by: $0) } ?? false
                let least = min(power, limit)
                let most = isHidden ? max(least, min(limit, ceilings[index])) : least
                all[index] = most
                devices.add(power, least: least, most: most)
                counted_ms += time_ms
                self.least += UInt128(least.rawValue) * UInt128(time_ms)
                self.most += UInt128(most.rawValue) * UInt128(time_ms)
                drawn += UInt128(power.rawValue) * UInt128(time_ms)
                allowed += UInt128(limit.rawValue) * UInt128(time_ms)
                if Outcome.isHeld(power, by: limit) { limited_ms += time_ms } else if isHidden { perhapsLimited_ms += time_ms }
            }
            if let meter = later.server { server?.note(meter, devices, limit: whole, for: time_ms) }
            return all
        }
    }
}
