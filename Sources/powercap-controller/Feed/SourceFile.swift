internal import Kubernetes
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Signals

/// The file that the configured source goes by: where it is, and how it is read.
struct SourceFile: Sendable {
    let path: String
    /// As it was configured, for sentences.
    let given: Given
    private let source: SourceName
    private let columns: Table.Columns
    /// nil where the file has lines of this program's own form.
    private let mapping: SourceMapping?
    /// What makes powers of the values; nil where they are powers.
    private let map: SignalMap?
    /// MAX_SOURCE: a power above it is a mistake, and what a signal stands for is cut off.
    private let peak: Microwatts
    /// For how long a value of now is one, and a day's schedule is followed when the next day has none.
    private let staleAfter: Milliseconds

    /// In bytes: a year of quarter hours has 0.9 MB.
    static let largest = 1 << 20

    /// nil where the source goes by no file.
    init?(_ settings: Settings) {
        let configuration = settings.configuration
        (source, mapping, peak) = (configuration.policy.source, configuration.sourceMapping, configuration.policy.maxSource)
        columns = mapping?.periods ?? Table.Columns(value: configuration.sourceColumn.map { [$0] } ?? [])
        map = configuration.valueMap ?? (mapping == nil ? nil : .watts)
        staleAfter = configuration.policy.staleAfter
        switch source {
        case .schedule: given = settings.given("SCHEDULE_FILE")
        case .series: given = settings.given("SERIES_FILE")
        case .solar, .sun, .constant, .http, .granted, .demo: return nil
        }
        guard let path = source == .schedule ? configuration.scheduleFile : configuration.seriesFile else { return nil }
        self.path = path
    }

    /// Whether it is a directory of files which are each of one day.
    var isDirectory: Bool { source == .schedule && DatedFiles.isDirectory(path) }

    /// What tells one state of it from another; nil where it isn't there. Of a directory that of the files which are read for that day, too.
    func version(on day: LocalDay) -> [FileVersion]? {
        guard let own = try? FileVersion(of: path) else { return nil }
        guard isDirectory, let dated = try? DatedFiles(of: path, from: day, through: day.adding(days: 1)) else { return [own] }
        return [own] + dated.files.compactMap { try? FileVersion(of: "\(path)/\($0.name)") }
    }

    /// Reads it as it is now: of a directory what is of these days, and of the last day before them.
    func points(from first: LocalDay, through last: LocalDay) throws(DataProblem) -> SourceData.Points {
        guard source == .schedule, let dated = try DatedFiles(of: path, from: first, through: last) else { return try points() }
        var days: [DatedSchedules.Day] = []
        for file in dated.files {
            do throws(DataProblem) { days.append(try day(file)) } catch {
                // That tomorrow's isn't right yet changes nothing today.
                if file.day <= first || days.isEmpty { throw .file(file.name, error) }
            }
        }
        return .dated(DatedSchedules(days))
    }

    private func day(_ file: DatedFiles.File) throws(DataProblem) -> DatedSchedules.Day {
        let schedule = try schedule(in: try contents(of: "\(path)/\(file.name)"))
        let end = file.day.adding(days: 1).start
        return DatedSchedules.Day(
            start: file.day.start, schedule: schedule,
            outdated: SourceData.Outdated(
                since: Moment(seconds: end), stale: Moment(seconds: end + Int64(clamping: staleAfter.rawValue / 1_000))))
    }

    private func contents(of path: String) throws(DataProblem) -> [UInt8] {
        do throws(GivenFile.Problem) { return try GivenFile.contents(of: path, atMost: SourceFile.largest) } catch {
            throw DataProblem(error)
        }
    }

    /// Reads a file as it is now.
    func points() throws(DataProblem) -> SourceData.Points {
        // Before it is read: what it says is at least so old.
        let modified = (try? FileVersion(of: path))?.modified_s
        let bytes = try contents(of: path)
        let now = Clock.wall.seconds
        return try points(in: bytes, modified: min(modified ?? now, now))
    }

    /// - Parameter modified: when these bytes were written, in seconds since 1970: a value that is of now is of then.
    func points(in bytes: [UInt8], modified: Int64 = 0) throws(DataProblem) -> SourceData.Points {
        if bytes.count > SourceFile.largest { throw .tooLarge }
        if source == .schedule { return .schedule(try schedule(in: bytes)) }
        guard let reader = mapping?.reader else { return .series(try series(in: bytes)) }
        let signal: Signal
        do throws(SignalProblem) { signal = try reader.read(bytes) } catch { throw DataProblem(error) }
        guard let series = Series(signal, through: map ?? .watts, peak: peak, now: modified, for: staleAfter) else {
            throw .noValues
        }
        return .series(series)
    }

    private func schedule(in bytes: [UInt8]) throws(DataProblem) -> Schedule {
        if bytes.count > SourceFile.largest { throw .tooLarge }
        var (periods, lines): ([Schedule.Period], [Int]) = ([], [])
        try rows(of: bytes) { row throws(DataProblem) in
            guard let (days, from, to) = SourceFile.period(row.time) else { throw .line(row.line, .noPeriod(row.time)) }
            periods.append(
                map == nil
                    ? Schedule.Period(days: days, from: from, to: to, power: try power(row))
                    : Schedule.Period(days: days, from: from, to: to, signal: (try signal(row) ?? .nan) * (mapping?.factor ?? 1)))
            lines.append(row.line)
        }
        if periods.isEmpty { throw .empty }
        do throws(Schedule.Overlap) { return try Schedule(periods, through: map, peak: peak) } catch {
            throw .line(lines[error.second], .overlap(line: lines[error.first]))
        }
    }

    private func series(in bytes: [UInt8]) throws(DataProblem) -> Series {
        var (points, signals): ([Series.Point], [SignalPoint]) = ([], [])
        try rows(of: bytes) { row throws(DataProblem) in
            // Nothing here is finer than a second.
            guard let time = Timestamp.moment(row.time)?.seconds else { throw .line(row.line, .noTime(row.time)) }
            if let last = points.last?.seconds ?? signals.last?.seconds, time <= last {
                throw .line(row.line, .notLater(row.time))
            }
            if map == nil {
                points.append(Series.Point(seconds: time, power: row.value.isEmpty ? nil : try power(row)))
            } else {
                signals.append(SignalPoint(seconds: time, value: row.value.isEmpty ? nil : try signal(row)))
            }
        }
        if let map, let series = Series(signals: signals, through: map, peak: peak, dayOf: { LocalDay(.at($0)).number }) {
            return series
        }
        if points.isEmpty { throw .empty }
        return Series(points)
    }

    private func rows(of bytes: [UInt8], _ take: (Table.Row) throws(DataProblem) -> Void) throws(DataProblem) {
        var table = Table(bytes, columns)
        while let row = try SourceFile.next(&table) { try take(row) }
    }

    private static func next(_ table: inout Table) throws(DataProblem) -> Table.Row? {
        do throws(Table.Problem) { return try table.next() } catch { throw DataProblem(error) }
    }

    /// `08:00-18:00`, `Sat 08:00-18:00`, `Mon-Fri 22:00-06:00`.
    private static func period(_ text: String) -> (WeekDays, TimeOfDay, TimeOfDay)? {
        let words = text.split(separator: " ")
        guard 1...2 ~= words.count, let times = words.last?.split(separator: "-", omittingEmptySubsequences: false),
            times.count == 2, let from = try? ValueKind.timeOfDay.parse(String(times[0])),
            let to = try? ValueKind.timeOfDay.parse(String(times[1])), from != to, from.minutes < 1_440,
            // Midnight is a day's end as 24:00, and its beginning as 00:00.
            to.minutes > 0 || from.minutes > 0
        else { return nil }
        if words.count == 1 { return (.all, from, to) }
        let names = words[0].split(separator: "-", omittingEmptySubsequences: false)
        let days = names.compactMap { name in WeekDays.names.firstIndex { $0 == name } }
        guard 1...2 ~= names.count, days.count == names.count else { return nil }
        return (WeekDays(from: days[0], through: days[days.count - 1]), from, to)
    }

    /// nil where the program that wrote it had none.
    private func signal(_ row: Table.Row) throws(DataProblem) -> Double? { try SourceFile.signal(row.value, line: row.line) }

    /// nil where the program that wrote it had none.
    static func signal(_ text: String, line: Int) throws(DataProblem) -> Double? {
        if ["nan", "null"].contains(text.lowercased()) { return nil }
        guard let value = number(text) else {
            let words = ValueWords(
                noun: "a number", placeholder: "NUMBER", valid: "a number without a unit, such as 245 or -12.5")
            let problem: ValueProblem = text.isEmpty ? .empty : .malformed
            throw .line(line, .value(UsageError.value(Given(name: "value", text: text), problem, words).sentence))
        }
        return value
    }

    /// 0, or as much as an option takes, and at most MAX_SOURCE: a number without its unit, or with another, is noticed.
    private func power(_ row: Table.Row) throws(DataProblem) -> Microwatts {
        try SourceFile.power(row.value, line: row.line, peak)
    }

    /// As above.
    static func power(_ text: String, line: Int, _ peak: Microwatts) throws(DataProblem) -> Microwatts {
        do throws(ValueProblem) {
            let value = try UnitScale.power.parse(text)
            if value > peak.rawValue { throw .tooHigh }
            if value > 0, value < Microwatts.watts(1).rawValue { throw .tooLow }
            return Microwatts(value)
        } catch {
            let words = ValueWords(
                noun: "a power", placeholder: "POWER",
                valid: "0, or microwatts (40000000) or a number with uW, mW, W or kW (40W), from 1 W to MAX_SOURCE",
                smallest: "1 uW",
                lowest: "1 W", highest: "MAX_SOURCE, \(peak.words)")
            throw .line(line, .value(UsageError.value(Given(name: "value", text: text), error, words).sentence))
        }
    }
}

extension Series {
    /// The powers that go with what a service says; nil where it says nothing of any time.
    /// - Parameters:
    ///   - peak: MAX_SOURCE.
    ///   - now: when it said what is of now, in seconds since 1970.
    ///   - time: how long that is so; then there are no data.
    init?(_ signal: Signal, through map: SignalMap, peak: Microwatts, now: Int64, for time: Milliseconds) {
        let (points, end): ([SignalPoint], Int64)
        switch signal {
        case .now(let value):
            end = now + Int64(time.rawValue / 1_000)
            points = [SignalPoint(seconds: now, value: value)] + (now < end ? [SignalPoint(seconds: end, value: nil)] : [])
        case .points(let values, let last):
            (points, end) = (values.map { SignalPoint(seconds: $0.seconds, value: $0.value) }, last)
        }
        self.init(signals: points, end: end, through: map, peak: peak) { LocalDay(.at($0)).number }
    }
}

extension Settings {
    /// What the source goes by, as its file has it now; nil where it goes by none.
    /// - Parameters:
    ///   - first: of the days that are looked at; nil is today.
    ///   - count: how many these are.
    func sourceData(from first: LocalDay? = nil, days count: Int = 1) throws(UsageError) -> SourceData? {
        guard let file = SourceFile(self) else { return nil }
        let first = first ?? LocalDay(Moment.now.local)
        do throws(DataProblem) { return SourceData(try file.points(from: first, through: first.adding(days: count))) } catch {
            throw .sourceFile(file.given, error.words)
        }
    }
}
