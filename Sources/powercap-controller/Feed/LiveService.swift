internal import Logging
internal import Policy
internal import PowercapProtocol
internal import Signals

/// LIVE_URL: what a device or a server measures now, asked for again and again. What can't be had leaves the last value for as long as it is
/// fresh, counted from its answer.
final class LiveService: LiveFeed {
    private let service: Service
    private let map: SignalMap
    private let peak: Microwatts
    private let log: Log
    private(set) var value: LiveValue?
    /// Of the answer that `value` is, on CLOCK_BOOTTIME.
    private var taken_ns: UInt64 = 0
    /// The kind of problem that was told of.
    private var told: String?

    init(_ service: Service, _ configuration: Configuration, _ log: Log) {
        (self.service, self.log) = (service, log)
        (map, peak) = (configuration.valueMap ?? .watts, configuration.policy.maxSource)
    }

    var place: String { service.access.settings.place }
    var trouble: String? { service.problem?.sentence }
    var descriptorNumber: Int32? { service.descriptorNumber }
    var due_ns: UInt64 { service.due_ns }
    func start() { service.start() }
    func take() {}

    func refresh() -> Bool {
        guard service.step() else { return false }
        tell()
        guard let answer = service.answers.first ?? nil, answer.boot_ns != taken_ns else { return false }
        taken_ns = answer.boot_ns
        guard case .now(let number) = answer.signal else { return false }
        // That there is none, as at night, is what it says: the source is gone by.
        value = LiveValue(signal: number ?? .nan, through: map, peak: peak, after: value, since: answer.seconds)
        return true
    }

    /// Once for each problem, and once when it is over.
    private func tell() {
        if let problem = service.problem {
            if problem.kind != told {
                log.warning(
                    "the live value can't be fetched: the source is gone by when it is over", ("why", .text(problem.sentence)))
            }
            told = problem.kind
        } else {
            if told != nil { log.info("the live value can be fetched again", ("from", .text(place))) }
            told = nil
        }
    }
}
