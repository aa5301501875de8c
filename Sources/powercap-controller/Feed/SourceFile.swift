internal import Kubernetes
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// The file that the configured source goes by: where it is, and how it is read.
struct SourceFile: Sendable {
    let path: String
    /// As it was configured, for sentences.
    let given: Given
    private let source: SourceName
    private let column: String?
    /// What makes powers of the values; nil where they are powers.
    private let map: SignalMap?
    /// MAX_SOURCE: a power above it is a mistake.
    private let peak: Microwatts

    /// nil where the source goes by no file.
    init?(_ settings: Settings) {
        let configuration = settings.configuration
        (source, column, peak) = (configuration.policy.source, configuration.sourceColumn, configuration.policy.maxSource)
        map = configuration.valueMap
        switch source {
        case .schedule: given = settings.given("SCHEDULE_FILE")
        case .series: given = settings.given("SERIES_FILE")
        case .solar, .sun, .constant, .demo: return nil
        }
        guard let path = source == .schedule ? configuration.scheduleFile : configuration.seriesFile else { return nil }
        self.path = path
    }

    /// Reads it as it is now.
    func points() throws(DataProblem) -> SourceData.Points {
        let bytes: [UInt8]
        do throws(GivenFile.Problem) { bytes = try GivenFile.contents(of: path, atMost: DataTable.largest) } catch {
            throw DataProblem(error)
        }
        return try points(in: bytes)
    }

    func points(in bytes: [UInt8]) throws(DataProblem) -> SourceData.Points {
        source == .schedule ? .schedule(try schedule(in: bytes)) : .series(try series(in: bytes))
    }

    private func schedule(in bytes: [UInt8]) throws(DataProblem) -> Schedule {
        var (periods, lines): ([Schedule.Period], [Int]) = ([], [])
        try DataTable.read(bytes, column: column) { row throws(DataProblem) in
            guard let (days, from, to) = SourceFile.period(row.time) else { throw .line(row.line, .noPeriod(row.time)) }
            periods.append(
                map == nil
                    ? Schedule.Period(days: days, from: from, to: to, power: try power(row))
                    : Schedule.Period(days: days, from: from, to: to, signal: try signal(row) ?? .nan))
            lines.append(row.line)
        }
        if periods.isEmpty { throw .empty }
        do throws(Schedule.Overlap) { return try Schedule(periods, through: map, peak: peak) } catch {
            throw .line(lines[error.second], .overlap(line: lines[error.first]))
        }
    }

    private func series(in bytes: [UInt8]) throws(DataProblem) -> Series {
        var (points, signals): ([Series.Point], [SignalPoint]) = ([], [])
        try DataTable.read(bytes, column: column) { row throws(DataProblem) in
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
    private func signal(_ row: DataTable.Row) throws(DataProblem) -> Double? {
        if ["nan", "null"].contains(row.value.lowercased()) { return nil }
        guard let value = number(row.value) else {
            let words = ValueWords(
                noun: "a number", placeholder: "NUMBER", valid: "a number without a unit, such as 245 or -12.5")
            let problem: ValueProblem = row.value.isEmpty ? .empty : .malformed
            throw .line(row.line, .value(UsageError.value(Given(name: "value", text: row.value), problem, words).sentence))
        }
        return value
    }

    /// 0, or as much as an option takes, and at most MAX_SOURCE: a number without its unit, or with another, is noticed.
    private func power(_ row: DataTable.Row) throws(DataProblem) -> Microwatts {
        do throws(ValueProblem) {
            let value = try UnitScale.power.parse(row.value)
            if value > peak.rawValue { throw .tooHigh }
            if value > 0, value < Microwatts.watts(1).rawValue { throw .tooLow }
            return Microwatts(value)
        } catch {
            let words = ValueWords(
                noun: "a power", placeholder: "POWER",
                valid: "0, or microwatts (40000000) or a number with uW, mW, W or kW (40W), from 1 W to MAX_SOURCE",
                smallest: "1 uW",
                lowest: "1 W", highest: "MAX_SOURCE, \(peak.words)")
            throw .line(row.line, .value(UsageError.value(Given(name: "value", text: row.value), error, words).sentence))
        }
    }
}

extension Settings {
    /// What the source goes by, as its file has it now; nil where it goes by none.
    func sourceData() throws(UsageError) -> SourceData? {
        guard let file = SourceFile(self) else { return nil }
        do throws(DataProblem) { return SourceData(try file.points()) } catch { throw .sourceFile(file.given, error.words) }
    }
}
