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
    do throws(NoPackages) { recorder = try Recorder(helper: settings.configuration.helperSocket) } catch {
        complain(error.sentence)
        return 1
    }
    let start_ns = Clock.monotonic_ns
    let end_ns = time.map { start_ns + $0.nanoseconds } ?? .max
    var due_ns = start_ns
    do throws(Errno) {
        try StandardStream.output.writeAll(RecordingFile.head(recorder.devices))
        while true {
            // Each line at once: whoever ends this has what was seen until then.
            try StandardStream.output.writeAll(RecordingFile.line(recorder.next()))
            due_ns += interval.nanoseconds
            if due_ns > end_ns { return 0 }
            let now_ns = Clock.monotonic_ns
            if due_ns > now_ns {
                Clock.sleep(milliseconds: UInt32((due_ns - now_ns + 999_999) / 1_000_000))
            } else {
                due_ns = now_ns
            }
        }
    } catch {
        complain("can't write to standard output: \(error.explanation) (\(error.name))")
        return 1
    }
}

/// Looks at a helper's packages, and comes back to a helper that was away.
private struct Recorder {
    private let path: String
    /// Those of the first connection: what is recorded.
    let devices: [Device]
    /// nil while there is none.
    private var connection: Connection?
    /// What was last said about it.
    private var problem: HelperError?

    private struct Connection {
        let client: HelperClient
        let zones: HelperZones
        var last: HelperSample?

        init(_ path: String) throws(HelperError) {
            client = try HelperClient(connecting: path, isAskedAgain: true)
            zones = try client.zones()
        }

        mutating func look(at devices: [Device]) throws(HelperError) -> [Recording.Reading] {
            let now = try client.sample()
            defer { last = now }
            let seen = [Zone](zones, now)
            return devices.map { device in
                let wire = zones.zones.first {
                    $0.description.name.string == device.name.text && $0.description.controlType.string == InForce.governed
                }
                guard let description = wire?.description, let later = now.zone(description.index), !later.isGone else {
                    return Recording.Reading(power: nil, limit: nil)
                }
                let power: Microwatts? = last.flatMap { last in
                    last.zone(description.index).flatMap { earlier in
                        averagePower(
                            from: earlier.reading, at: last.time_ns, to: later.reading, at: now.time_ns,
                            range: description.maxEnergyRange)
                    }
                }
                let limit = InForce(of: "long_term", package: device.name.text, in: seen).limit
                return Recording.Reading(power: power, limit: limit.map { min($0, .registerMaximum) })
            }
        }
    }

    init(helper path: String) throws(NoPackages) {
        self.path = path
        let (zones, sample): (HelperZones, HelperSample)
        do throws(HelperError) {
            let connection = try Connection(path)
            (zones, sample) = (connection.zones, try connection.client.sample())
            self.connection = connection
        } catch { throw .helper(error) }
        devices = NodeLimits(zones, sample).devices
        if devices.isEmpty { throw NoPackages(in: [Zone](zones, sample)) }
    }

    /// Where the helper is away nothing is known of the packages.
    mutating func next() -> Recording.Sample {
        let wall = Clock.wall
        let time_ms = wall.seconds * 1_000 + Int64(wall.nanoseconds / 1_000_000)
        do throws(HelperError) {
            if connection == nil { connection = try Connection(path) }
            if let readings = try connection?.look(at: devices) {
                if problem != nil { complain("the helper answers again") }
                problem = nil
                return Recording.Sample(time_ms: time_ms, devices: readings)
            }
        } catch {
            connection = nil
            if problem != error { complain("\(error.sentence). What is missing until it answers is left empty") }
            problem = error
        }
        return Recording.Sample(time_ms: time_ms, devices: devices.map { _ in Recording.Reading(power: nil, limit: nil) })
    }
}
