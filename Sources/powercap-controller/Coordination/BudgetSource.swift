internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// What gives a budget its power in place of a fixed one: a source, as a node's controller has it, which is asked here once for all nodes.
final class BudgetSource {
    private let settings: Settings
    private let source: FollowedSource
    private let began_ns: UInt64
    /// What an earlier coordinator had last: it holds until the first answer is there, or none came in time.
    private let earlier: Microwatts?

    private static let patience_ns: UInt64 = 15_000_000_000

    /// - Throws: which option isn't as it has to be, or why its file can't be used.
    init(_ options: [String: String], earlier: Microwatts?, _ log: Log, _ now_ns: UInt64) throws(UsageError) {
        settings = try BudgetSource.settings(options)
        (self.earlier, began_ns) = (earlier, now_ns)
        let feed = try settings.feed(log)
        let live: (any LiveFeed)?
        do throws(Errno) { live = try settings.liveFeed(log) } catch {
            throw .unanswered("\(error.explanation) (\(error.name))")
        }
        source = FollowedSource(settings.configuration.policy, feed, live: live)
        source.start()
    }

    /// For waiting on.
    var descriptorNumbers: [Int32] { [source.descriptorNumber, source.liveDescriptorNumber].compactMap { $0 } }
    /// When it is to be asked though nothing happened, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { source.due_ns }

    /// Takes what has happened.
    func take() { _ = (source.take(), source.takeLive()) }

    /// It hasn't answered since this coordinator began, and may still do so.
    func isAwaited(_ now_ns: UInt64) -> Bool {
        source.reading.lack?.cause == .notFetched && now_ns < began_ns + BudgetSource.patience_ns
    }

    /// What there is to be given from now on: the least of so long a time.
    func power(for lead_ms: Int64, _ now_ns: UInt64) -> Microwatts {
        let least = source.least(for: lead_ms)
        guard source.reading.lack?.cause == .notFetched, let earlier, now_ns < began_ns + BudgetSource.patience_ns else {
            return least
        }
        return earlier
    }

    /// Why the source says nothing of the moment, or nothing newer can be had; nil where neither is so.
    var lack: String? {
        guard source.reading.lack == nil else { return "the source says nothing of now" + (trouble.map { ": \($0)" } ?? "") }
        return trouble
    }

    private var trouble: String? { source.state.file.flatMap { file in file.problem.map { "\(file.path) \($0)" } } }

    // MARK: Options

    /// The options of sources. LOOK_AHEAD isn't among them: a fall that is known is always looked for, as long before as grants hold.
    static let variables: Set<String> = [
        "SOURCE", "DATA_PROVIDER", "MAX_SOURCE", "ALPHA", "SOLAR_FROM", "SOLAR_TO", "LATITUDE", "LONGITUDE", "SCHEDULE_FILE",
        "SERIES_FILE", "SOURCE_COLUMN", "SOURCE_URL", "SOURCE_URL_FILE", "SOURCE_HEADER_FILE", "SOURCE_BODY_FILE",
        "SOURCE_LOGIN_FILE", "SOURCE_LOGIN_URL", "SOURCE_LOGIN_TOKEN", "SOURCE_CA_FILE", "SOURCE_REFRESH", "SOURCE_PRESET",
        "SOURCE_VALUE", "SOURCE_TIME", "SOURCE_START", "SOURCE_STEP", "SOURCE_TIMEZONE", "SOURCE_STAMP", "SOURCE_NULL",
        "SOURCE_FACTOR", "SIGNAL_MAP", "POWER_CALC_MODE", "SIGNAL_UNIT", "STALE_AFTER", "ON_STALE", "LIVE_FILE", "LIVE_VALUE",
        "LIVE_URL", "LIVE_URL_FILE", "LIVE_HEADER_FILE", "LIVE_LOGIN_FILE", "LIVE_CA_FILE", "LIVE_REFRESH", "LIVE_FOR",
    ]

    /// Sources that a budget can have.
    private static let none: Set<String> = ["demo", "granted"]

    static func settings(_ options: [String: String]) throws(UsageError) -> Settings {
        for name in options.keys.sorted() where !variables.contains(name) {
            throw .budgetOption(name, nearest: nearest(to: name, among: variables.sorted()))
        }
        let source = options["SOURCE"] ?? (options["DATA_PROVIDER"] == nil ? nil : "")
        guard let source else { throw .budgetLacks("SOURCE", "it says what gives the power, such as solar, schedule or http") }
        if none.contains(source) { throw .budgetSource(source) }
        guard options["MAX_SOURCE"] != nil else {
            throw .budgetLacks("MAX_SOURCE", "it says what the source gives at most, and its default is a single node's")
        }
        return try Settings(flags: [:]) { options[$0] }
    }
}
