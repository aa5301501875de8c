internal import Policy
internal import PowercapProtocol
internal import Signals

/// What the options say of how an answer, or a file like one, is read: the preset's fields, and what is said instead of them.
struct SourceMapping: Equatable, Sendable {
    /// nil where the file has periods of the clock on the wall.
    let reader: SignalReader?
    /// Columns of such a file.
    let periods: Table.Columns?
    /// By which its values are multiplied.
    let factor: Double
}

extension Configuration {
    /// Says that answers of a service are read, and no file of this program's own form.
    var isMapped: Bool { sourcePreset != nil || sourceValue != nil || sourceTime != nil }

    private var factor: Double { sourceFactor ?? sourcePreset?.factor ?? 1 }

    /// The columns of a table with the fields that are named instead of the preset's.
    private func columns(time: [String], value: [String], only: [Table.Filter]) -> Table.Columns {
        var columns = Table.Columns(time: time, value: sourceColumn.map { [$0] } ?? value, only: only)
        if case .column(let name)? = sourceTime { columns.time = [name] }
        return columns
    }

    /// Where a document's values stand; nil where it is none, or where nothing says it.
    fileprivate var documentShape: DocumentShape? {
        var shape: DocumentShape
        if case .document(let value, let time, let start, let step)? = sourcePreset?.shape {
            shape = .preset(value, time, start, step)
            if let sourceValue { shape.value = sourceValue }
        } else if let sourceValue {
            shape = DocumentShape(value: sourceValue)
        } else {
            return nil
        }
        switch sourceTime {
        case .now?: (shape.time, shape.start, shape.steps) = (nil, nil, [])
        case .key?: (shape.time, shape.start) = (.key, nil)
        case .path(let path)?: shape.time = .path(path)
        case .column?, nil: break
        }
        if let sourceStart { shape.start = sourceStart }
        if !sourceSteps.isEmpty { shape.steps = sourceSteps }
        return shape
    }

    /// nil where the file has lines of this program's own form.
    var sourceMapping: SourceMapping? {
        guard isMapped else { return nil }
        let shape: SignalReader.Shape
        switch sourcePreset?.shape {
        case .periods(let value)?:
            return SourceMapping(reader: nil, periods: columns(time: [], value: value, only: []), factor: factor)
        case .table(let time, let value, let only)?:
            shape = .table(TableShape(columns(time: time, value: value, only: only), step: step))
        case .document?, nil:
            if let documentShape {
                shape = .document(documentShape)
            } else {
                shape = .table(TableShape(columns(time: [], value: [], only: []), step: step))
            }
        }
        let reader = SignalReader(
            shape, factor: factor, nulls: sourceNull ?? sourcePreset?.nulls ?? .none,
            stamp: sourceStamp ?? sourcePreset?.stamp ?? .start,
            zone: sourceTimeZone?.zone ?? .utc)
        return SourceMapping(reader: reader, periods: nil, factor: factor)
    }

    private var step: SignalDuration? { if case .duration(let duration)? = sourceSteps.first { duration } else { nil } }
}

extension DocumentShape {
    /// Of a preset's texts, which a test reads all of.
    fileprivate static func preset(_ value: String, _ time: String, _ start: String, _ step: String) -> DocumentShape {
        do throws(ValueProblem) {
            var shape = DocumentShape(value: try SignalPath(option: value))
            switch try ValueKind<SourceTime?>.sourceTime.parse(time) {
            case .path(let path)?: shape.time = .path(path)
            case .key?: shape.time = .key
            case .now?, .column?, nil: break
            }
            shape.start = try ValueKind<SignalPath?>.signalPath.parse(start)
            shape.steps = try ValueKind<[DocumentShape.Step]>.steps.parse(step)
            return shape
        } catch { preconditionFailure("a preset can't be read: \(value) \(time) \(start) \(step)") }
    }
}

extension Settings {
    /// The options that say how an answer is read, each with whether it is given.
    private var mappingOptions: [(variable: String, isGiven: Bool)] {
        [
            ("SOURCE_PRESET", configuration.sourcePreset != nil), ("SOURCE_VALUE", configuration.sourceValue != nil),
            ("SOURCE_TIME", configuration.sourceTime != nil), ("SOURCE_START", configuration.sourceStart != nil),
            ("SOURCE_STEP", !configuration.sourceSteps.isEmpty), ("SOURCE_TIMEZONE", configuration.sourceTimeZone != nil),
            ("SOURCE_STAMP", configuration.sourceStamp != nil), ("SOURCE_NULL", configuration.sourceNull != nil),
            ("SOURCE_FACTOR", configuration.sourceFactor != nil),
        ]
    }

    /// Refuses what says how an answer is read where there is none, and what contradicts itself.
    func checkMapping() throws(UsageError) {
        let source = configuration.policy.source
        let mapped = mappingOptions.filter(\.isGiven).map(\.variable)
        if let first = mapped.first {
            guard source.isFromData else { throw .fileWithoutSource(given(first), given("SOURCE"), needs: "series") }
            guard configuration.isMapped else {
                throw .mapping(
                    given(first), "has no effect: give SOURCE_PRESET, SOURCE_VALUE or SOURCE_TIME, too, or take \(first) away")
            }
        }
        if source == .schedule { return try checkPeriods(mapped) }
        if case .periods? = configuration.sourcePreset?.shape {
            throw .mapping(given("SOURCE_PRESET"), "has periods of the clock on the wall: give SOURCE=schedule and SCHEDULE_FILE")
        }
        guard configuration.isMapped else { return }
        try checkNulls()
        if case .table? = configuration.sourcePreset?.shape { return try checkTable() }
        if configuration.sourceValue == nil, configuration.sourcePreset == nil { return try checkTable() }
        try checkDocument()
    }

    /// Of a schedule a preset of periods, the column and the factor say how it is read.
    private func checkPeriods(_ mapped: [String]) throws(UsageError) {
        if let other = mapped.first(where: { $0 != "SOURCE_PRESET" && $0 != "SOURCE_FACTOR" }) {
            throw .mapping(
                given(other), "has no effect with SOURCE=schedule, whose file has periods: give SOURCE=series, or take it away")
        }
        guard let preset = configuration.sourcePreset else { return }
        if case .periods = preset.shape { return }
        throw .mapping(given("SOURCE_PRESET"), "has points in time and no periods: give SOURCE=series and SERIES_FILE")
    }

    private func checkTable() throws(UsageError) {
        if configuration.sourceValue != nil {
            throw .mapping(given("SOURCE_VALUE"), "is a path, and a table has columns: name the values' with SOURCE_COLUMN")
        }
        if let time = configuration.sourceTime, case .column = time {
        } else if configuration.sourceTime != nil {
            throw .mapping(
                given("SOURCE_TIME"),
                configuration.sourcePreset == nil
                    ? "says when values of a document are, and nothing says where they are: give SOURCE_VALUE"
                    : "is no column's name, and the file is a table: give the name that its first line has")
        }
        if configuration.sourceStart != nil {
            throw .mapping(given("SOURCE_START"), "is for documents, and the file is a table: give SOURCE_TIME, or take it away")
        }
        if let first = configuration.sourceSteps.first {
            guard case .duration = first, configuration.sourceSteps.count == 1 else {
                throw .mapping(given("SOURCE_STEP"), "is no single duration, which a table's rows have: give one such as PT15M")
            }
        }
        if configuration.sourcePreset == nil, configuration.sourceColumn == nil {
            throw .mapping(given("SOURCE_TIME"), "is a column's name, and nothing names the values': give SOURCE_COLUMN, too")
        }
    }

    private func checkDocument() throws(UsageError) {
        if configuration.sourceColumn != nil {
            throw .mapping(
                given("SOURCE_COLUMN"), "names a table's column, and the answer is a document: give SOURCE_VALUE, or take it away"
            )
        }
        if case .column? = configuration.sourceTime {
            throw .mapping(given("SOURCE_TIME"), "is no path, which begins with $, nor key nor now: give one of them")
        }
        if configuration.sourceTime == .now, let other = ["SOURCE_START", "SOURCE_STEP"].first(where: isGiven) {
            throw .mapping(given(other), "has no effect with SOURCE_TIME=now: take one of them away")
        }
        guard let shape = configuration.documentShape else { return }
        if configuration.sourceStart != nil, shape.steps.isEmpty {
            throw .mapping(
                given("SOURCE_START"), "is when the first of several values is: give SOURCE_STEP, how long each is, too")
        }
        if shape.time == nil, shape.start == nil,
            let other = ["SOURCE_STEP", "SOURCE_STAMP", "SOURCE_TIMEZONE"].first(where: isGiven)
        {
            throw .mapping(given(other), "has no effect without SOURCE_TIME or SOURCE_START: give one of them, or take it away")
        }
    }

    /// P16: what is missing must not be the best hour of the day.
    private func checkNulls() throws(UsageError) {
        guard (configuration.sourceNull ?? configuration.sourcePreset?.nulls) == .zero, let map = configuration.signalMap else {
            return
        }
        switch map {
        case .line(let one, let other), .threshold(let one, let other):
            let ofZero = map.powers(of: [0], peak: configuration.policy.maxSource)[0] ?? .zero
            guard ofZero > min(one.power, other.power) else { return }
            throw .mapping(
                given(configuration.sourceNull == nil ? "SOURCE_PRESET" : "SOURCE_NULL"),
                "takes what is missing for 0, of which SIGNAL_MAP makes \(ofZero.words), more than its least power: give SOURCE_NULL=none, or "
                    + "a map with its least power at 0")
        case .watts, .share: return
        }
    }

    private func isGiven(_ variable: String) -> Bool { mappingOptions.contains { $0 == (variable, true) } }
}
