internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Signals
internal import Text

extension Device {
    /// In place of real packages: one that may take all that the source ever gives.
    static func assumed(_ number: UInt32 = 0, _ configuration: Configuration) -> Device {
        let range = LimitRange(
            index: 0, floor: .zero, ceiling: configuration.policy.maxSource, original: configuration.policy.maxSource)
        return Device(
            name: DeviceName(package: number), zone: "assumed", reference: configuration.policy.maxSource, longTerm: range,
            shortTerm: range)
    }
}

enum PlanFormat: String, CaseIterable, Sendable { case table, chart, csv, json, svg }

enum PlanFlags {
    static let date = CommandFlag("--date", .date, default: PlanDay.today, "First day.")
    static let step = CommandFlag(
        "--step", .wholeSeconds(.second ... .day), default: .seconds(900),
        "Time between two lines, from local midnight on. Decisions are as far apart as STABILISATION_TIME says.")
    static let days = CommandFlag("--days", .count(1...3660), default: 1, "Number of days.")
    static let format = CommandFlag(
        "--format", short: "-o", .choice, default: PlanFormat.table,
        "What to print: a table, a chart for the terminal, data, or a chart as a picture.")
    static let zones = CommandFlag(
        "--zones", .file, default: nil,
        "The machine's zones, as `raplhelper --list --format json` prints them with the helper's --govern; - is standard input.")
    static let answer = CommandFlag(
        "--answer", ValueKind<String?>.answerFile, default: nil,
        "With SOURCE=http: a file with the service's answer, in place of asking it; - is standard input.")
    static let rest = CommandFlag(
        "--rest", .power(.zero ... .mostOfDevice), default: Microwatts.zero,
        "With BUDGET_OF=server: what the server is assumed to take beside its devices.")
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

extension ValueKind where Value == String? {
    fileprivate static let answerFile = ValueKind(words: file.words, parse: file.parse, show: { $0 ?? "ask the service" })
}

/// What the source goes by. A service is asked for it, but for where somebody has its answer.
/// - Parameter days: so many from the first one on.
private func planData(_ invocation: Invocation, _ settings: Settings, from first: LocalDay, days: Int) throws(UsageError)
    -> SourceData?
{
    let given = PlanFlags.answer.given(in: invocation)
    guard settings.configuration.policy.source == .http else {
        if let given { throw .fileWithoutSource(given, settings.given("SOURCE"), needs: "http") }
        return try settings.sourceData(from: first, days: days)
    }
    guard let given, let path = try PlanFlags.answer.value(in: invocation) else { return try settings.fetchedData() }
    let bytes: [UInt8]
    do throws(GivenFile.Problem) {
        bytes =
            try path == "-"
            ? GivenFile.standardInput(atMost: SignalReader.largest) : GivenFile.contents(of: path, atMost: SignalReader.largest)
    } catch { throw .sourceFile(given, DataProblem(error).words) }
    return try settings.fetchedData(answer: bytes)
}

/// What the limit is divided over: nil where there is nothing, which is said.
private func plannedDevices(_ invocation: Invocation, _ settings: Settings) throws(UsageError) -> [Device]? {
    let (configuration, policy) = (settings.configuration, settings.configuration.policy)
    /// What `run` would find and this doesn't.
    func complainOfServices(_ why: String) {
        if configuration.devices.addresses.isEmpty || !policy.govern.contains(.gpu) { return }
        complain("the devices of DEVICE_URL have no part: \(why)")
    }
    if let assumed = PlanFlags.assumed.given(in: invocation) {
        if let zones = PlanFlags.zones.given(in: invocation) { throw .contradiction(assumed, zones) }
        let count = try PlanFlags.assumed.value(in: invocation)
        complainOfServices("packages alone are assumed")
        if policy.govern.contains(.gpu) { complain("gpu is in GOVERN, and none is assumed: packages have all of the limit") }
        return (0..<UInt32(count)).map { .assumed($0, configuration) }
    }
    if let path = try PlanFlags.zones.value(in: invocation) {
        do throws(ZoneFileProblem) {
            let zones = try ZoneFile.read(path, policy)
            complainOfServices("services aren't asked where the zones are given")
            for word in policy.missing(in: zones) { complain("\(word.rawValue) is in GOVERN, and isn't in \(path.printable)") }
            return Device.all(in: zones, policy)
        } catch { throw .zoneFile(Given(name: PlanFlags.zones.name, text: path), error) }
    }
    do throws(NothingGoverned) { return try governedDevices(settings) } catch {
        complain("\(error.sentence). To plan without a helper, give --zones FILE or --assume-packages 1")
        return nil
    }
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
    if configuration.policy.source == .granted { throw .unforeseen(settings.given("SOURCE")) }
    if format == .svg || format == .chart, days > chartDays, let given = PlanFlags.days.given(in: invocation) {
        throw .chartTooLong(given, highest: chartDays)
    }
    let rest = try PlanFlags.rest.value(in: invocation)
    let isOfServer = configuration.policy.budgetOf == .server
    if !isOfServer, let given = PlanFlags.rest.given(in: invocation) {
        throw .missingBeside(given, "BUDGET_OF=server")
    }
    let data = try planData(invocation, settings, from: date.day(at: .now), days: days)
    guard let devices = try plannedDevices(invocation, settings) else { return 1 }
    let assumed = PlanFlags.assumed.given(in: invocation)
    try settings.check(devices)
    var plan = Plan(
        configuration, devices, data: data, rest: isOfServer ? rest : .zero, first: date.day(at: .now), days: days, step: step)
    plan.isAssumed = assumed != nil
    if plan.startSeconds == plan.endSeconds, let given = PlanFlags.date.given(in: invocation) {
        throw .value(given, .unknownName, PlanFlags.date.kind.words)
    }
    if plan.isAssumed {
        let count = devices.count == 1 ? "one package," : "\(devices.count) packages, each"
        complain("assuming \(count) with MAX_SOURCE, \(configuration.policy.maxSource.words), as ceiling and reference")
    }
    if isOfServer {
        complain(
            "BUDGET_OF=server: beside its devices the server is assumed to take \(rest.words) (--rest); `run` goes by its meter, and aims a "
                + "little below the limit")
    }
    for device in devices {
        if let why = device.ungoverned {
            complain("\(device.name.text) is not governed: \(why). It keeps what it has, and the others share the rest")
        }
    }
    return printing { output throws(Errno) in
        switch format {
        case .table: try plan.writeTable(to: &output, columns: StandardStream.output.columns)
        case .chart: PlanText(plan, width: Swift.min(StandardStream.output.columns ?? 80, 160)).write(to: &output)
        case .csv: try plan.writeCSV(to: &output)
        case .json: try plan.writeJSON(to: &output)
        case .svg: output.append(PlanChart(plan).svg)
        }
    }
}
