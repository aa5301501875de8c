internal import LinuxSystem

/// What the processors do, from files that everybody may read. What can't be read is left out, and said.
final class ProcessorWatch {
    /// What was seen between the last two looks; nil where nothing was.
    private(set) var activity: Activity?
    /// Why there is no activity; nil where there is, and before the first look.
    private(set) var problem: Errno?
    /// Why frequencies can't be compared; nil where they can, or no processor was busy yet.
    private(set) var frequencyProblem: Errno?

    struct Activity: Equatable, Sendable {
        /// How many processors there are.
        var processors = 0
        /// Their busy time together, as a number of processors.
        var busy = 0.0
        /// Physical packages whose busy processors run below their maximum.
        var slowed: Set<UInt32> = []
    }

    private let root: String
    private var buffer = [UInt8](repeating: 0, count: 16_384)
    private var last: ProcessorTimes?
    /// The physical package of each processor, as far as it was ever asked: firmware decides it, and nothing changes it.
    private var packages: [Int: UInt32?] = [:]

    /// As many of a package's busy processors are asked how fast they run: on a machine of hundreds that is enough to tell.
    static let mostAsked = 8
    /// A processor that was busy for so much of the time.
    static let busyShare = 0.5
    /// Of the maximum: what runs slower is slowed down. A governor that follows the load stays above it where the load is full.
    static let slowShare = 0.9
    private static let mostBytes = 1 << 20
    /// Kernels before 5.18 sleep for 10 ms over a processor's frequency (arch_freq_get_on_cpu of aperfmperf.c). Nobody waits for that again and
    /// again: after so many answers on end that took as long, it isn't asked any more.
    private static let mostSlowAnswers = 3
    private static let slowAnswer_ns: UInt64 = 5_000_000
    private var slowAnswers = 0

    /// - Parameter root: in front of `/proc` and `/sys`.
    init(root: String = "") { self.root = root }

    /// Looks what has happened since the last time.
    func look() {
        do throws(Errno) {
            let now = try times()
            let before = last
            (last, problem) = (now, nil)
            activity = before.map { activity(from: $0, to: now) }
        } catch { (last, activity, problem) = (nil, nil, error) }
    }

    private func times() throws(Errno) -> ProcessorTimes {
        let file = try Descriptor(opening: "\(root)/proc/stat", .read)
        // One read(2), one moment; and no more of the file than its beginning is copied.
        let count = try file.read(into: &buffer, from: 0, atMost: buffer.count)
        // A copy of the reference, not of the bytes: a span may not outlive the access to a property.
        let bytes = buffer
        let times = ProcessorTimes(bytes.span.extracting(0..<count))
        guard times.isCutOff, count == bytes.count, bytes.count < ProcessorWatch.mostBytes else { return times }
        buffer = [UInt8](repeating: 0, count: bytes.count * 2)
        return try self.times()
    }

    private func activity(from earlier: ProcessorTimes, to later: ProcessorTimes) -> Activity {
        var activity = Activity()
        var asked: [UInt32: (count: Int, now: UInt64, most: UInt64)] = [:]
        var index = 0
        for times in later.processors {
            let number = times.number
            activity.processors += 1
            // Both are in the order of the numbers. A processor that has come since is looked at the next time.
            while index < earlier.processors.count, earlier.processors[index].number < number { index += 1 }
            guard index < earlier.processors.count, earlier.processors[index].number == number else { continue }
            let share = times.busyShare(since: earlier.processors[index])
            activity.busy += share
            guard share >= ProcessorWatch.busyShare, let package = package(of: number) else { continue }
            var sums = asked[package] ?? (0, 0, 0)
            guard sums.count < ProcessorWatch.mostAsked else { continue }
            sums.count += 1
            if let (now, most) = frequencies(of: number) { (sums.now, sums.most) = (sums.now &+ now, sums.most &+ most) }
            asked[package] = sums
        }
        for (package, sums) in asked where Double(sums.now) < Double(sums.most) * ProcessorWatch.slowShare {
            activity.slowed.insert(package)
        }
        return activity
    }

    private func package(of processor: Int) -> UInt32? {
        if let known = packages[processor] { return known }
        let package = try? number("cpu\(processor)/topology/physical_package_id")
        packages[processor] = .some(package.flatMap { UInt32(exactly: $0) })
        return packages[processor] ?? nil
    }

    /// In kHz: how fast it runs, and may run.
    private func frequencies(of processor: Int) -> (now: UInt64, most: UInt64)? {
        guard slowAnswers < ProcessorWatch.mostSlowAnswers else { return nil }
        do throws(Errno) {
            let asked_ns = Clock.monotonic_ns
            let now = try number("cpu\(processor)/cpufreq/scaling_cur_freq")
            slowAnswers = Clock.monotonic_ns - asked_ns > ProcessorWatch.slowAnswer_ns ? slowAnswers + 1 : 0
            if slowAnswers == ProcessorWatch.mostSlowAnswers { throw .timedOut }
            let most = try number("cpu\(processor)/cpufreq/scaling_max_freq")
            frequencyProblem = nil
            return (now, most)
        } catch {
            frequencyProblem = error
            return nil
        }
    }

    private func number(_ file: String) throws(Errno) -> UInt64 {
        let descriptor = try Descriptor(opening: "\(root)/sys/devices/system/cpu/\(file)", .read)
        var digits = [UInt8](repeating: 0, count: 32)
        let count = try descriptor.read(into: &digits, from: 0, atMost: digits.count)
        let end = digits[..<count].firstIndex(of: UInt8(ascii: "\n")) ?? count
        guard let number = wholeNumber(digits.span.extracting(0..<end)) else { throw .badMessage }
        return number
    }
}
