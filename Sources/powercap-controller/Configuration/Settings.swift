internal import Policy
internal import PowercapProtocol

/// The configuration in effect, and where each value came from.
struct Settings: Sendable {
    enum Origin: String, Sendable {
        case standard = "default"
        case environment, file, flag
    }

    let configuration: Configuration
    /// For each option of `Option.all`.
    let origins: [(origin: Origin, given: Given)]
    /// Where the API server is, as the kubelet tells every container; empty outside of a cluster.
    let serviceHost: String
    let servicePort: String

    /// - Parameters:
    ///   - flags: values by flag name, with its dashes; other commands' flags are passed over.
    ///   - environment: a variable's value, nil where it is unset.
    ///   - file: wins over the environment, as in a unit.
    init(flags: [String: String], environment: (String) -> String?, file: EnvironmentFile? = nil) throws(UsageError) {
        var configuration = Configuration()
        var origins: [(origin: Origin, given: Given)] = []
        for option in Option.all {
            let origin: Origin
            let given: Given
            if let text = flags[option.flag] {
                (origin, given) = (.flag, Given(name: option.flag, text: text))
            } else if let file, let found = file.last(option.variable) {
                origin = .file
                given = Given(name: option.variable, text: found.value, place: "\(file.path):\(found.line)")
            } else if let text = environment(option.variable) {
                (origin, given) = (.environment, Given(name: option.variable, text: text))
            } else {
                origins.append((.standard, Given(name: option.variable, text: option.standard, isDefault: true)))
                continue
            }
            do { try option.read(given.text, &configuration) } catch { throw .value(given, error, option.words) }
            origins.append((origin, given))
        }
        try Settings.follow(configuration.dataProvider, &configuration, &origins)
        try Settings.followGrants(&configuration, &origins)
        if let former = file?.last(FormerName.address)?.value ?? environment(FormerName.address), !former.isEmpty {
            throw .formerAddress(Given(name: FormerName.address, text: former))
        }
        serviceHost = environment("KUBERNETES_SERVICE_HOST") ?? ""
        servicePort = environment("KUBERNETES_SERVICE_PORT") ?? "443"
        self.configuration = configuration
        self.origins = origins
        if configuration.timeZone == nil, let zone = environment("TZ") { try Settings.check(hostZone: zone) }
        if configuration.policy.source != .granted, configuration.policy.raplMinPower > configuration.policy.maxSource {
            throw .floorAbovePeak(
                floor: given("RAPL_MIN_POWER"), peak: given("MAX_SOURCE"), peakPower: configuration.policy.maxSource)
        }
        try checkSource()
        try checkWork()
        try checkGoverned()
        try checkMapping()
        try checkGrants()
        try checkDevices()
    }

    /// Sets what a provider stands for, as if it had been given where that was.
    private static func follow(
        _ provider: DataProvider?, _ configuration: inout Configuration, _ origins: inout [(origin: Origin, given: Given)]
    ) throws(UsageError) {
        guard let provider, let place = Option.all.firstIndex(where: { $0.variable == "DATA_PROVIDER" }) else { return }
        for (index, option) in Option.all.enumerated() {
            guard let text = provider.stands.first(where: { $0.variable == option.variable })?.text else { continue }
            if origins[index].origin == .standard {
                let given = Given(name: option.variable, text: text, place: origins[place].given.words)
                do { try option.read(text, &configuration) } catch { throw .value(given, error, option.words) }
                origins[index] = (origins[place].origin, given)
            } else if option.variable == "SOURCE", origins[index].given.text != text {
                throw .contradiction(origins[place].given, origins[index].given)
            }
        }
    }

    /// Refuses what would have no effect.
    private func checkWork() throws(UsageError) {
        let policy = configuration.policy
        if policy.split == .demand, policy.pmaxFunction != .sum {
            throw .withoutEffect(given("SPLIT"), given("PMAX_FUNC"), needs: "PMAX_FUNC=sum, where packages share one limit")
        }
        if configuration.onExit == .fallback, policy.fallbackLimit == nil, policy.source != .granted {
            throw .noFallback(given("ON_EXIT"))
        }
        if policy.qosHint == .on, policy.strategy != .idleDown {
            throw .withoutEffect(given("QOS"), given("STRATEGY"), needs: "STRATEGY=idle-down")
        }
    }

    /// Refuses a source that lacks what it goes by, and what no source goes by.
    private func checkSource() throws(UsageError) {
        let policy = configuration.policy
        if policy.solarTo.minutes < policy.solarFrom.minutes + 60 {
            throw .noDay(from: given("SOLAR_FROM"), to: given("SOLAR_TO"))
        }
        let place = [("LATITUDE", policy.latitude), ("LONGITUDE", policy.longitude)]
        if policy.source == .sun {
            let missing = place.filter { $0.1 == nil }.map(\.0)
            if !missing.isEmpty { throw .noPlace(given("SOURCE"), missing: missing) }
        } else if let (variable, _) = place.first(where: { $0.1 != nil }) {
            throw .placeWithoutSun(given(variable), given("SOURCE"))
        }
        let files = [
            ("SCHEDULE_FILE", SourceName.schedule, configuration.scheduleFile),
            ("SERIES_FILE", .series, configuration.seriesFile),
        ]
        for (variable, source, path) in files where (policy.source == source) != (path != nil) {
            throw path == nil
                ? .noSourceFile(given("SOURCE"), missing: variable)
                : .fileWithoutSource(given(variable), given("SOURCE"), needs: source.rawValue)
        }
        try checkService()
        try checkLiveService()
        let ofData = [
            ("SOURCE_COLUMN", configuration.sourceColumn != nil), ("SIGNAL_MAP", configuration.signalMap != nil),
            ("POWER_CALC_MODE", configuration.volumeWhole != nil), ("SIGNAL_UNIT", configuration.signalUnit != nil),
        ]
        // A live value may be a signal, too.
        let isMapped = policy.source.isFromData || configuration.isLive
        for (variable, isGiven) in ofData where isGiven && !(variable == "SIGNAL_MAP" ? isMapped : policy.source.isFromData) {
            throw .fileWithoutSource(given(variable), given("SOURCE"), needs: "schedule or SOURCE=series")
        }
        if policy.lookAhead != .off, !policy.source.isFromData {
            throw .nothingForetold(given("LOOK_AHEAD"), given("SOURCE"))
        }
        if !configuration.isLive, configuration.liveValue != nil { throw .nothingLive(given("LIVE_VALUE")) }
        if configuration.isLive, case .share = configuration.signalMap {
            throw .contradiction(given(configuration.liveFile == nil ? "LIVE_URL" : "LIVE_FILE"), given("SIGNAL_MAP"))
        }
        try checkMap()
    }

    /// Refuses powers that the source never has, and a whole that nothing is a share of.
    private func checkMap() throws(UsageError) {
        switch configuration.signalMap {
        case .line(let one, let other), .threshold(let one, let other):
            let peak = configuration.policy.maxSource
            if max(one.power, other.power) > peak { throw .mapAbovePeak(given("SIGNAL_MAP"), given("MAX_SOURCE"), peak) }
        case .share: return
        case .watts, nil: break
        }
        if configuration.volumeWhole != nil { throw .wholeWithoutShare(given("POWER_CALC_MODE")) }
    }

    /// The host's zone may come from TZ, and the C library takes a misspelt name there for UTC without a word: the curve would
    /// be hours off. A path, and a rule such as `CET-1CEST`, which has digits, are its own business (tzset(3)).
    private static func check(hostZone zone: String) throws(UsageError) {
        let name = zone.hasPrefix(":") ? String(zone.dropFirst()) : zone
        if name.isEmpty || name.hasPrefix("/") || name.contains(where: \.isNumber) { return }
        do { try TimeZoneDatabase.check(name) } catch {
            throw .value(Given(name: "TZ", text: zone), error, ValueKind<String?>.timeZone.words)
        }
    }

    /// Refuses a floor that a package can't be given. To be called once the packages are known, before the first limit.
    func check(_ devices: [Device]) throws(UsageError) {
        for device in devices where device.fixed == nil {
            let ceiling = device.longTerm.ceiling.roundedDown
            if configuration.policy.raplMinPower > ceiling {
                throw .floorAboveCeiling(floor: given("RAPL_MIN_POWER"), device: device.name.text, ceiling: ceiling)
            }
        }
    }

    /// A variable's value as it was given.
    func given(_ variable: String) -> Given {
        for (option, origin) in zip(Option.all, origins) where option.variable == variable { return origin.given }
        preconditionFailure("\(variable) is not in the table of options")
    }
}
