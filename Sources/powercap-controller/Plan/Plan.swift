internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// What `run` does from one moment to another: a sequence of lines, each made when it is asked for.
///
/// `time powercap-controller plan --days 365 --step 1m --format csv > year.csv` is half a million of them.
struct Plan: Sequence {
    let configuration: Configuration
    let devices: [Device]
    /// What the source goes by; nil where that is a formula.
    let data: SourceData?
    /// The packages are not real ones.
    var isAssumed = false
    /// What the server is assumed to take beside its devices, with BUDGET_OF=server.
    let rest: Microwatts
    let first: LocalDay
    let days: Int
    let step: Milliseconds
    let startSeconds: Int64
    let endSeconds: Int64

    init(
        _ configuration: Configuration, _ devices: [Device], data: SourceData? = nil, rest: Microwatts = .zero, first: LocalDay,
        days: Int, step: Milliseconds
    ) {
        (self.configuration, self.devices, self.data, self.rest) = (configuration, devices, data, rest)
        (self.first, self.days, self.step) = (first, days, step)
        startSeconds = first.start
        endSeconds = first.adding(days: days).start
    }

    struct Line {
        let moment: Moment
        /// What the source gives then.
        let source: Microwatts
        /// What that comes from, in its own unit; nil where the power itself is what the source says.
        let signal: Double?
        /// What is in force then. It was made when `run` decided last.
        let decision: Decision
    }

    struct Iterator: IteratorProtocol {
        fileprivate let plan: Plan
        fileprivate let source: any PowerSource
        fileprivate var nextSeconds: Int64
        fileprivate var last: (decision: Decision, at_ms: UInt64)?
        /// nil where no decision depends on the one before.
        fileprivate var course: Course?

        /// `run` decides every STABILISATION_TIME, here from the first midnight on. What it decides between two lines is passed over:
        /// unless the policy is shaped, no decision depends on the one before while nothing pauses it. Where data make a step it decides at once, so what is in force
        /// is what is given.
        mutating func next() -> Line? {
            guard nextSeconds < plan.endSeconds else { return nil }
            let moment = Moment(seconds: nextSeconds)
            nextSeconds += Int64(plan.step.rawValue / 1_000)
            let elapsed_ms = UInt64(moment.seconds - plan.startSeconds) * 1_000
            let decided_ms =
                plan.data != nil ? elapsed_ms : elapsed_ms - elapsed_ms % plan.configuration.stabilisationTime.rawValue
            let reading = source.reading(at: moment)
            if let decision = course?.decision(at: moment.seconds * 1_000) {
                return Line(moment: moment, source: reading.power, signal: reading.signal, decision: decision)
            }
            if let last, last.at_ms == decided_ms {
                return Line(moment: moment, source: reading.power, signal: reading.signal, decision: last.decision)
            }
            let decision = decide(
                devices: plan.devices, policy: plan.configuration.policy,
                reading: decided_ms == elapsed_ms ? reading : source.reading(at: plan.moment(after_ms: decided_ms)),
                rest: plan.rest, last: last?.decision)
            last = (decision, decided_ms)
            return Line(moment: moment, source: reading.power, signal: reading.signal, decision: decision)
        }
    }

    private func moment(after_ms: UInt64) -> Moment {
        Moment(seconds: startSeconds + Int64(after_ms / 1_000), nanoseconds: UInt32(after_ms % 1_000) * 1_000_000)
    }

    func makeIterator() -> Iterator {
        let policy = configuration.policy
        let source = powerSource(for: policy, data: data)
        var iterator = Iterator(plan: self, source: source, nextSeconds: startSeconds)
        if policy.isShaped {
            iterator.course = Course(
                devices, policy, source, from: startSeconds * 1_000, apart: data == nil ? configuration.stabilisationTime : nil,
                rest: rest
            ) { Moment(seconds: $0) }
        }
        return iterator
    }

    /// `2026-06-21`, or `2026-06-21 to 2026-06-23`.
    var dates: String { first.text + (days == 1 ? "" : " to " + first.adding(days: days - 1).text) }

    /// The zone's name, as far as it is known.
    var timeZone: String { configuration.timeZoneWords }

    /// One line about the source, for headings.
    var sourceWords: String {
        let peak = configuration.policy.maxSource.words + (configuration.policy.pmaxFunction == .sum ? "" : " for each package")
        return switch configuration.policy.source {
        case .solar:
            "solar source, peak \(peak), alpha \(ValueKind.number(atMost: 100).show(configuration.policy.alpha))" + solarDay
        case .sun: "the sun over \(place) in a clear sky, \(peak) at 1000 W per square metre"
        case .constant: "static source of \(peak)"
        case .schedule: "the schedule of \(fileName)"
        case .series: "the series of \(fileName)"
        case .http: "what \(configuration.askedService.place.printable) answered"
        case .granted: "what is granted"
        case .demo: "demonstration, peak \(peak): a day from 04:00 to 20:00 in \(SourceName.demoDay.words)"
        }
    }

    /// Of the source's file, without its directory.
    private var fileName: String {
        let path = configuration.scheduleFile ?? configuration.seriesFile ?? "?"
        return (path.split(separator: "/").last.map { String($0) } ?? path).printable
    }

    /// The solar curve's day, where it is not the usual one.
    private var solarDay: String {
        let (from, to) = (configuration.policy.solarFrom, configuration.policy.solarTo)
        let usual = PowerPolicy()
        return (from, to) == (usual.solarFrom, usual.solarTo) ? "" : ", from \(from.text) to \(to.text)"
    }

    /// `52.52 N 13.405 E`
    private var place: String {
        func words(_ angle: Degrees?, _ positive: String, _ negative: String) -> String {
            guard let angle else { return "?" }
            let isNegative = angle.millionths < 0
            return Degrees(millionths: abs(angle.millionths)).text + " " + (isNegative ? negative : positive)
        }
        return words(configuration.policy.latitude, "N", "S") + " " + words(configuration.policy.longitude, "E", "W")
    }

    /// How often something is decided, and what is seen of it.
    var cadence: String {
        let stabilisation = configuration.stabilisationTime
        let shape = configuration.policy.isShaped ? ", and on the way from one to the next" : ""
        if data != nil { return "a decision at each of its steps\(shape), shown every \(step.words)" }
        return "a decision every \(stabilisation.words)\(shape)"
            + (stabilisation == step ? "" : ", shown every \(step.words): the one then in force")
    }
}
