internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// What `run` does from one moment to another: a sequence of lines, each made when it is asked for.
///
/// `time powercap-controller plan --days 365 --step 1m --format csv > year.csv` is half a million of them.
struct Plan: Sequence {
    let configuration: Configuration
    let packages: [Package]
    /// The packages are not real ones.
    var isAssumed = false
    let first: LocalDay
    let days: Int
    let step: Milliseconds
    let startSeconds: Int64
    let endSeconds: Int64

    init(_ configuration: Configuration, _ packages: [Package], first: LocalDay, days: Int, step: Milliseconds) {
        (self.configuration, self.packages, self.first, self.days, self.step) = (configuration, packages, first, days, step)
        startSeconds = first.start
        endSeconds = first.adding(days: days).start
    }

    struct Line {
        let moment: Moment
        /// What the source gives then.
        let source: Microwatts
        /// What is in force then. It was made when `run` decided last.
        let decision: Decision
    }

    struct Iterator: IteratorProtocol {
        fileprivate let plan: Plan
        fileprivate let source: any PowerSource
        fileprivate var nextSeconds: Int64
        fileprivate var last: (decision: Decision, at_ms: UInt64)?

        /// `run` decides every STABILISATION_TIME, here from the first midnight on. What it decides between two lines is passed over:
        /// no decision depends on the one before while nothing pauses it.
        mutating func next() -> Line? {
            guard nextSeconds < plan.endSeconds else { return nil }
            let moment = Moment(seconds: nextSeconds)
            nextSeconds += Int64(plan.step.rawValue / 1_000)
            let elapsed_ms = UInt64(moment.seconds - plan.startSeconds) * 1_000
            let decided_ms = elapsed_ms - elapsed_ms % plan.configuration.stabilisationTime.rawValue
            let reading = source.reading(at: moment)
            if let last, last.at_ms == decided_ms { return Line(moment: moment, source: reading.power, decision: last.decision) }
            let decision = decide(
                packages: plan.packages, policy: plan.configuration.policy,
                reading: decided_ms == elapsed_ms ? reading : source.reading(at: plan.moment(after_ms: decided_ms)),
                last: last?.decision)
            last = (decision, decided_ms)
            return Line(moment: moment, source: reading.power, decision: decision)
        }
    }

    private func moment(after_ms: UInt64) -> Moment {
        Moment(seconds: startSeconds + Int64(after_ms / 1_000), nanoseconds: UInt32(after_ms % 1_000) * 1_000_000)
    }

    func makeIterator() -> Iterator {
        Iterator(plan: self, source: powerSource(for: configuration.policy), nextSeconds: startSeconds)
    }

    /// `2026-06-21`, or `2026-06-21 to 2026-06-23`.
    var dates: String { first.text + (days == 1 ? "" : " to " + first.adding(days: days - 1).text) }

    /// The zone's name, as far as it is known.
    var timeZone: String {
        if let name = configuration.timeZone { return name }
        if let name = Process.environment("TZ"), !name.isEmpty { return name }
        return "the host's time zone"
    }

    /// One line about the source, for headings.
    var sourceWords: String {
        let peak = configuration.policy.maxSource.words + (configuration.policy.pmaxFunction == .sum ? "" : " for each package")
        return switch configuration.policy.source {
        case .solar:
            "solar source, peak \(peak), alpha \(ValueKind.number(atMost: 100).show(configuration.policy.alpha))" + solarDay
        case .sun: "the sun over \(place) in a clear sky, \(peak) at 1000 W per square metre"
        case .constant: "static source of \(peak)"
        case .demo: "demonstration, peak \(peak): a day from 04:00 to 20:00 in \(DemoSource.day.words)"
        }
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
        return "a decision every \(stabilisation.words)"
            + (stabilisation == step ? "" : ", shown every \(step.words): the one then in force")
    }
}

extension Package {
    /// In place of real packages: one that may take all that the source ever gives.
    static func assumed(_ number: UInt32 = 0, _ configuration: Configuration) -> Package {
        let range = LimitRange(
            index: 0, floor: .zero, ceiling: configuration.policy.maxSource, original: configuration.policy.maxSource)
        return Package(
            name: PackageName(package: number), zone: "assumed", reference: configuration.policy.maxSource, longTerm: range,
            shortTerm: range)
    }
}

enum PlanFormat: String, CaseIterable, Sendable { case table, csv, json, svg }

enum PlanFlags {
    static let date = CommandFlag("--date", .date, default: PlanDay.today, "First day.")
    static let step = CommandFlag(
        "--step", .wholeSeconds(.second ... .day), default: .seconds(900),
        "Time between two lines, from local midnight on. Decisions are as far apart as STABILISATION_TIME says.")
    static let days = CommandFlag("--days", .count(1...3660), default: 1, "Number of days.")
    static let format = CommandFlag(
        "--format", short: "-o", .choice, default: PlanFormat.table, "What to print: a table, data, or a chart.")
    static let zones = CommandFlag(
        "--zones", .file, default: nil,
        "The machine's zones, as `raplhelper --list --format json` prints them; - is standard input.")
    static let assumed = CommandFlag(
        "--assume-packages", .count(1...64), default: 1,
        "Asks no helper: plans for so many packages, each of which may take all of MAX_SOURCE. Only where it is given.")
}

extension ValueKind where Value == Milliseconds {
    static func wholeSeconds(_ range: ClosedRange<Milliseconds>) -> ValueKind {
        let time = ValueKind.time(range)
        var words = time.words
        words.smallest = "1 s"
        return ValueKind(
            words: words,
            parse: { text throws(ValueProblem) in
                let value = try time.parse(text)
                if value.rawValue % 1_000 != 0 { throw .tooFine }
                return value
            },
            show: time.show)
    }
}

extension ValueKind where Value == String? {
    static let file = ValueKind(
        words: ValueWords(noun: "a file's name", placeholder: "FILE", valid: "a file's name, or - for standard input"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { throw .empty }
            return text
        },
        show: { $0 ?? "ask the running helper" })
}

/// More days than this are a band of ink.
private let chartDays = 31

/// `powercap-controller plan`.
func planCommand(_ invocation: Invocation, settings: Settings) throws(UsageError) -> Int32 {
    let configuration = settings.configuration
    let format = try PlanFlags.format.value(in: invocation)
    let days = try PlanFlags.days.value(in: invocation)
    let step = try PlanFlags.step.value(in: invocation)
    let date = try PlanFlags.date.value(in: invocation)
    if format == .svg, days > chartDays, let given = PlanFlags.days.given(in: invocation) {
        throw .chartTooLong(given, highest: chartDays)
    }
    let packages: [Package]
    let assumed = PlanFlags.assumed.given(in: invocation)
    if let assumed {
        if let zones = PlanFlags.zones.given(in: invocation) { throw .contradiction(assumed, zones) }
        let count = try PlanFlags.assumed.value(in: invocation)
        packages = (0..<UInt32(count)).map { .assumed($0, configuration) }
    } else if let path = try PlanFlags.zones.value(in: invocation) {
        do throws(ZoneFileProblem) { packages = Package.all(in: try ZoneFile.read(path)) } catch {
            throw .zoneFile(Given(name: PlanFlags.zones.name, text: path), error)
        }
    } else {
        do throws(NoPackages) { packages = try packagesOfRunningHelper(configuration) } catch {
            complain("\(error.sentence). To plan without a helper, give --zones FILE or --assume-packages 1")
            return 1
        }
    }
    try settings.check(packages)
    var plan = Plan(configuration, packages, first: date.day(at: .now), days: days, step: step)
    plan.isAssumed = assumed != nil
    if plan.startSeconds == plan.endSeconds, let given = PlanFlags.date.given(in: invocation) {
        throw .value(given, .unknownName, PlanFlags.date.kind.words)
    }
    if plan.isAssumed {
        let count = packages.count == 1 ? "one package," : "\(packages.count) packages, each"
        complain("assuming \(count) with MAX_SOURCE, \(configuration.policy.maxSource.words), as ceiling and reference")
    }
    for package in packages {
        if let why = package.ungoverned {
            complain("\(package.name.text) is not governed: \(why). It keeps what it has, and the others share the rest")
        }
    }
    return printing { output throws(Errno) in
        switch format {
        case .table: try plan.writeTable(to: &output, columns: StandardStream.output.columns)
        case .csv: try plan.writeCSV(to: &output)
        case .json: try plan.writeJSON(to: &output)
        case .svg: output.append(PlanChart(plan).svg)
        }
    }
}
