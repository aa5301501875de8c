internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

enum RecordFlags {
    static let interval = CommandFlag(
        "--interval", .time(Milliseconds(100) ... .hour), default: .seconds(2), "Time between two samples.")
    static let time = CommandFlag(
        "--for", .recordTime, default: nil, "How long it records.")
}

extension ValueKind where Value == Milliseconds? {
    /// nil is until somebody ends it.
    fileprivate static let recordTime: ValueKind = {
        let time = ValueKind<Milliseconds>.time(.second ... .seconds(366 * 86_400))
        return ValueKind(
            words: time.words, parse: { text throws(ValueProblem) in try time.parse(text) },
            show: { $0?.setting ?? "until it is interrupted" })
    }()
}

/// `powercap-controller record`: the exit status.
func recordCommand(_ invocation: Invocation, settings: Settings) throws(UsageError) -> Int32 {
    let interval = try RecordFlags.interval.value(in: invocation)
    let time = try RecordFlags.time.value(in: invocation)
    var recorder: Recorder
    do throws(NothingGoverned) { recorder = try Recorder(settings) } catch {
        complain(error.sentence)
        return 1
    }
    let start_ns = Clock.monotonic_ns
    let end_ns = time.map { start_ns + $0.nanoseconds } ?? .max
    var due_ns = start_ns
    do throws(Errno) {
        try StandardStream.output.writeAll(recorder.head)
        while true {
            // Each line at once: whoever ends this has what was seen until then.
            try StandardStream.output.writeAll(recorder.line())
            due_ns += interval.nanoseconds
            if due_ns > end_ns { return 0 }
            if due_ns > Clock.monotonic_ns { recorder.wait(until: due_ns) } else { due_ns = Clock.monotonic_ns }
        }
    } catch {
        complain("can't write to standard output: \(error.explanation) (\(error.name))")
        return 1
    }
}

/// Looks at a machine's devices, and comes back to a helper that was away.
private struct Recorder {
    private let settings: Settings
    /// Devices of services; nil where there are none.
    private let services: DeviceServices?
    /// Those of the first connection: what is recorded.
    private let devices: [Device]
    /// There was a meter of the whole server then.
    private let hasMeter: Bool
    /// Which one it is, by the rule that `run` has.
    private var watch: ServerWatch?
    /// nil while there is none.
    private var connection: Connection?
    /// What was last said about it.
    private var problem: HelperError?

    private struct Connection {
        let machine: Machine
        private let services: DeviceServices?
        private(set) var zones: HelperZones
        /// Of the services' devices as they were taken.
        private var generation: UInt64?
        var last: HelperSample?

        init(_ settings: Settings, _ services: DeviceServices?) throws(HelperError) {
            (machine, self.services) = (try Machine(settings, services), services)
            (zones, generation) = (try machine.zones(), services?.generation)
        }

        /// What each zone draws, by its id; nothing of one where that isn't known.
        mutating func look() throws(HelperError) -> (sample: HelperSample, power: [String: Microwatts]) {
            // Devices of services come and go.
            if generation != services?.generation { (zones, generation) = (try machine.zones(), services?.generation) }
            let now = try machine.sample()
            defer { last = now }
            var power: [String: Microwatts] = [:]
            for zone in zones.zones { power[zone.description.id.string] = zone.power(from: last ?? now, to: now) }
            return (now, power)
        }
    }

    init(_ settings: Settings) throws(NothingGoverned) {
        self.settings = settings
        services = Machine.services(settings)
        let policy = settings.configuration.policy
        let limits: NodeLimits
        do throws(HelperError) {
            let connection = try Connection(settings, services)
            limits = NodeLimits(connection.zones, try connection.machine.sample(), policy)
            self.connection = connection
        } catch { throw .helper(error) }
        devices = limits.devices
        if devices.isEmpty { throw NothingGoverned(in: limits.zones, policy) }
        for word in limits.missing { complain("\(word.rawValue) is in GOVERN, and isn't here") }
        hasMeter = limits.zones.contains { $0.kind == .server && !$0.isGone && limits.reading(of: $0) != .none }
        var whole = policy
        whole.budgetScope = .server
        watch = hasMeter ? ServerWatch(whole) : nil
    }

    var head: [UInt8] { RecordingFile.head(devices, hasMeter: hasMeter) }

    mutating func line() -> [UInt8] { RecordingFile.line(next(), hasMeter: hasMeter) }

    /// Services are asked meanwhile.
    func wait(until due_ns: UInt64) {
        while let services, Clock.monotonic_ns < due_ns {
            services.wait(until: due_ns)
            _ = services.step(Clock.monotonic_ns)
        }
        let now_ns = Clock.monotonic_ns
        if now_ns < due_ns { Clock.sleep(milliseconds: UInt32((due_ns - now_ns + 999_999) / 1_000_000)) }
    }

    /// Where the helper is away nothing is known of the devices.
    private mutating func next() -> Recording.Sample {
        let wall = Clock.wall
        let time_ms = wall.seconds * 1_000 + Int64(wall.nanoseconds / 1_000_000)
        do throws(HelperError) {
            if connection == nil { connection = try Connection(settings, services) }
            if let (sample, power) = try connection?.look(), let zones = connection?.zones {
                if problem != nil { complain("the helper answers again") }
                problem = nil
                return reading(of: NodeLimits(zones, sample, settings.configuration.policy), power, at: time_ms)
            }
        } catch {
            connection = nil
            if problem != error { complain("\(error.sentence). What is missing until it answers is left empty") }
            problem = error
        }
        return Recording.Sample(time_ms: time_ms, devices: devices.map { _ in Recording.Reading(power: nil, limit: nil) })
    }

    private mutating func reading(
        of limits: NodeLimits, _ power: [String: Microwatts], at time_ms: Int64
    ) -> Recording.Sample {
        watch?.note(limits, power, at: Clock.monotonic_ns)
        let readings = devices.map { device in
            guard let entry = limits.parts.first(where: { $0.device.name == device.name }),
                limits.zones.contains(where: { $0.id == entry.device.zone && !$0.isGone })
            else { return Recording.Reading(power: nil, limit: nil) }
            // What sleeps isn't measured, so that it sleeps on.
            let drawn = power[entry.device.zone] ?? (limits.isSuspended(entry) ? .zero : nil)
            return Recording.Reading(
                power: drawn.map { min($0, device.most) }, limit: limits.inForce(entry).limit.map { min($0, device.most) })
        }
        let server = watch?.meter.flatMap { power[$0] }.map { min($0, .mostOfDevice) }
        return Recording.Sample(time_ms: time_ms, devices: readings, server: server)
    }
}
