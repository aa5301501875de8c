internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// What SOURCE=http goes by: what its service said last. What can't be had leaves that in use, for STALE_AFTER beyond the time at which there
/// should have been something newer, whatever hours it covers.
final class FetchedFeed: Feed {
    private let service: Service
    /// nil where nobody reads it.
    private let log: Log?
    private let map: SignalMap
    private let policy: PowerPolicy
    private(set) var data = SourceData(.nothing(.notFetched))
    private var signal = FetchedSignal()
    private var series: Series?
    /// Of the answers that `signal` is made of.
    private var used: [Use] = []
    /// What was told of.
    private var told: String?
    private var hasTold = false

    /// An answer, by its address' number and time.
    private struct Use: Equatable {
        let index: Int
        let boot_ns: UInt64
        let seconds: Int64
        let stale_ns: UInt64
    }

    /// - Parameter map: what makes powers of what the service says.
    init(_ service: Service, _ map: SignalMap, _ policy: PowerPolicy, _ log: Log?) {
        (self.service, self.map, self.policy, self.log) = (service, map, policy, log)
    }

    var place: String { service.access.settings.place }
    var trouble: String? { service.problem?.sentence }
    var fetches: FetchState? { FetchState(last: service.completed, next: service.next, counts: service.counts) }
    var descriptorNumber: Int32? { service.descriptorNumber }

    var due_ns: UInt64 {
        let now_ns = Clock.boottime_ns
        let old_ns = (used.map(\.stale_ns) + [overdue_ns]).filter { $0 > now_ns && $0 != .max }.min()
        return min(service.due_ns, old_ns.map { Clock.monotonic_ns + ($0 - now_ns) } ?? .max)
    }

    func start() { service.start() }

    func take() {}

    /// Whether the service was asked, and that has come to its end.
    var isAnswered: Bool { service.hasEnded }

    /// Takes an answer that somebody else has had.
    func take(answer: [UInt8]) throws(ServiceProblem) {
        try service.take(answer)
        _ = refresh()
    }

    func refresh() -> Bool {
        if service.step() { tell() }
        let (boot_ns, wall) = (Clock.boottime_ns, Clock.wall.seconds)
        let fresh = fresh(boot_ns)
        // Answers that are all too old stay what the last good value is known by.
        if fresh.isEmpty { return !used.isEmpty && age(boot_ns, wall) }
        if fresh == used { return age(boot_ns, wall) }
        let isNews = fresh.contains { use in !used.contains { $0.index == use.index && $0.boot_ns == use.boot_ns } }
        // An address whose answer is too old, while others go on: from now on there is nothing of it.
        let isLess = fresh.count < used.count
        if isLess { signal = signal.cut(at: wall) }
        used = fresh
        if isNews || isLess { take(fresh, wall + seconds(until: fresh.map(\.stale_ns).max() ?? 0, boot_ns)) }
        _ = age(boot_ns, wall)
        return true
    }

    /// The answers that can be gone by.
    private func fresh(_ boot_ns: UInt64) -> [Use] {
        service.answers.enumerated().compactMap { index, answer in
            guard let answer else { return nil }
            let stale_ns = answer.expected_ns + policy.staleAfter.nanoseconds
            return stale_ns > boot_ns
                ? Use(index: index, boot_ns: answer.boot_ns, seconds: answer.seconds, stale_ns: stale_ns) : nil
        }
    }

    private func seconds(until ns: UInt64, _ boot_ns: UInt64) -> Int64 { Int64((max(ns, boot_ns) - boot_ns) / 1_000_000_000) }

    private func take(_ fresh: [Use], _ good: Int64) {
        let answers = fresh.compactMap { use in service.answers[use.index].map { (signal: $0.signal, given: $0.seconds) } }
        signal = FetchedSignal(answers, after: signal, good: good)
        series = Series(
            signals: signal.points, end: signal.end, through: map, peak: policy.maxSource, after: series,
            dayOf: { LocalDay(.at($0)).number })
        data = SourceData(series.map { .series($0) } ?? .nothing(.gap))
    }

    /// When there should be newer ones, on CLOCK_BOOTTIME.
    private var overdue_ns: UInt64 { used.map(\.stale_ns).max().map { $0 - policy.staleAfter.nanoseconds } ?? .max }

    /// Says since when the data are old, where newer ones should be there and aren't; anew each time, because the clock on the wall may have
    /// been set.
    /// - Returns: whether it says something else than before.
    private func age(_ boot_ns: UInt64, _ wall: Int64) -> Bool {
        if service.problem == nil, boot_ns < overdue_ns {
            let wasOutdated = data.outdated != nil
            data.outdated = nil
            return wasOutdated
        }
        guard let oldest = used.map(\.boot_ns).min(), let stale_ns = used.map(\.stale_ns).max() else { return false }
        func wallTime(_ ns: UInt64) -> Int64 {
            wall + Int64(clamping: ns) / 1_000_000_000 - Int64(clamping: boot_ns) / 1_000_000_000
        }
        let (since, stale) = (wallTime(oldest), wallTime(stale_ns))
        if let outdated = data.outdated, abs(outdated.since.seconds - since) <= 1, abs(outdated.stale.seconds - stale) <= 1 {
            return false
        }
        data.outdated = SourceData.Outdated(since: Moment(seconds: since), stale: Moment(seconds: stale))
        return true
    }

    /// Once for each problem, and once when it is over.
    private func tell() {
        guard let problem = service.problem else {
            if told != nil || !hasTold {
                log?.info(told == nil ? "the source was fetched" : "the source can be fetched again", ("from", .text(place)))
            }
            (told, hasTold) = (nil, true)
            return
        }
        if problem.kind != told {
            log?.error(
                "the source can't be fetched: what it said before is gone by", ("why", .text(problem.sentence)),
                ("until", .text("it is \(policy.staleAfter.words) overdue")))
        }
        (told, hasTold) = (problem.kind, true)
    }
}
