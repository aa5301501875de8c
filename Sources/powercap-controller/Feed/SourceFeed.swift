internal import LinuxSystem
internal import Logging
internal import Policy

/// What the source goes by, kept as its file is: read again when that becomes another. A bad one, or none, leaves what was last read in use,
/// for STALE_AFTER.
final class SourceFeed {
    private let file: SourceFile
    private let log: Log
    private let staleAfter: Milliseconds
    private(set) var data: SourceData
    /// What is wrong with the file since `data` was read, behind its path; nil where nothing is.
    private(set) var problem: DataProblem?
    /// Of the file that `data` or `problem` is of; nil where it was away.
    private var version: [FileVersion]?
    /// Another one that can't be used, and since when it is there, on CLOCK_MONOTONIC.
    private var unsettled: (version: [FileVersion]?, since_ns: UInt64)?
    /// For so long a bad file has to stay the same.
    private static let settling_ns: UInt64 = 1_000_000_000
    /// nil where nothing can be watched: then the file is looked at for each decision.
    private let watch: DirectoryWatch?

    /// - Throws: the file can't be used.
    /// - Returns: nil where the source goes by no file.
    init?(_ settings: Settings, _ log: Log) throws(UsageError) {
        guard let file = SourceFile(settings) else { return nil }
        (self.file, self.log, staleAfter) = (file, log, settings.configuration.policy.staleAfter)
        let parent = file.path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(file.path[..<$0]) } ?? ""
        let directory = file.isDirectory ? file.path : parent.isEmpty ? "/" : parent
        do throws(Errno) {
            let watch = try DirectoryWatch(directory)
            // What changes from here on is noticed, also before the loop begins.
            try watch.resume()
            self.watch = watch
        } catch {
            watch = nil
            log.warning(
                "the source's file can't be watched: it is looked at for each decision",
                ("path", .text(file.path)), ("errno", .text(error.name)))
        }
        let today = LocalDay(Moment.now.local)
        version = file.version(on: today)
        do throws(DataProblem) { data = SourceData(try file.points(from: today, through: today.adding(days: 1))) } catch {
            throw .sourceFile(file.given, error.words)
        }
    }

    var path: String { file.path }

    /// Readable when something happened beside the file; nil where nothing is watched.
    var descriptorNumber: Int32? { watch?.descriptorNumber }

    /// Takes what has happened beside the file.
    func take() { _ = watch?.take() }

    /// When it is to be looked at again though nothing happens, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { unsettled.map { $0.since_ns + SourceFeed.settling_ns } ?? .max }

    /// Looks whether the file is another one, and reads it then.
    /// - Returns: whether there are other data, or they have become outdated.
    func refresh() -> Bool {
        try? watch?.resume()
        // Before it is read: a change in between is seen the next time.
        let today = LocalDay(Moment.now.local)
        let found = file.version(on: today)
        if found == version {
            unsettled = nil
            return false
        }
        do throws(DataProblem) {
            data = SourceData(try file.points(from: today, through: today.adding(days: 1)))
            log.info(
                problem == nil ? "the source's file was read again" : "the source's file can be used again",
                ("path", .text(file.path)))
            (version, problem, unsettled) = (found, nil, nil)
            return true
        } catch { return note(error, found) }
    }

    /// Whoever writes it may not be done: it is bad when it has been the same for a while.
    private func note(_ problem: DataProblem, _ found: [FileVersion]?) -> Bool {
        let now_ns = Clock.monotonic_ns
        guard let unsettled, unsettled.version == found else {
            unsettled = (found, now_ns)
            return false
        }
        if now_ns < due_ns { return false }
        (version, self.unsettled) = (found, nil)
        if problem != self.problem {
            log.error(
                "the source's file can't be used: what it said before is", ("path", .text(file.path)),
                ("why", .text(problem.words)), ("until", .text("it is \(staleAfter.words) old")))
        }
        self.problem = problem
        if data.outdated != nil { return false }
        let now = Moment.now
        data.outdated = SourceData.Outdated(
            since: now, stale: Moment(seconds: now.seconds + Int64(clamping: staleAfter.rawValue / 1_000)))
        return true
    }
}
