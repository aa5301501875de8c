internal import JSON

/// When a value is, and how long; nil where nothing says it.
struct ValueTime: Equatable {
    let time: SignalTime
    let length_s: Int64?
}

extension DocumentShape {
    /// The times of values, in the document's order, and which value each is of: its place in `matches`, or nil where a time has no value.
    func times(
        of matches: [PathMatch], in document: JSON, _ zone: SignalZone
    ) throws(SignalProblem) -> (times: [ValueTime], values: [Int?]) {
        let steps = try StepTable(steps, in: document, value)
        var (times, values): ([ValueTime], [Int?]) = ([], [])
        var untimed = Array(matches.indices)
        if case .path(let path) = time {
            let withFilters = path.filters == value.filters
            // Where the value's path has more wildcards, such as one for the only member of an object, the time's are its first.
            let count = path.wildcards + (withFilters ? path.filters : 0)
            let own = Dictionary(grouping: matches.indices) { Array(matches[$0].key(withFilters: withFilters).prefix(count)) }
            var timed: Set<Int> = []
            for match in path.matches(in: document) where match.value != .null {
                guard let time = SignalTime(match.value) else { throw .notATime(match.value.shown, place: match.place) }
                // A time without a value says that then there is none.
                let mine: [Int?] = own[match.key(withFilters: withFilters)] ?? [nil]
                for index in mine {
                    times.append(ValueTime(time: time, length_s: try steps.length_s(of: index.map { matches[$0] } ?? match)))
                    values.append(index)
                    if let index { timed.insert(index) }
                }
            }
            untimed.removeAll { timed.contains($0) }
        }
        for index in untimed {
            let match = matches[index]
            times.append(ValueTime(time: try time(of: match, in: document, steps, zone), length_s: try steps.length_s(of: match)))
            values.append(index)
        }
        return (times, values)
    }

    /// Of a value that no time path says it of.
    private func time(
        of match: PathMatch, in document: JSON, _ steps: StepTable, _ zone: SignalZone
    ) throws(SignalProblem) -> SignalTime {
        if time == .key {
            guard case .name(let name)? = match.key(withFilters: false).last else { throw .keyIsNoName }
            guard let time = SignalTime(name) else { throw .notATime(name, place: match.place) }
            return time
        }
        guard let start else { throw .timeMissing(place: match.place) }
        guard let written = start.first(in: document), written != .null else { throw .startMissing }
        guard let first = SignalTime(written) else { throw .notATime(written.shown, place: start.text) }
        guard case .index(let index)? = match.key(withFilters: false).last, index > 0 else { return first }
        guard let seconds = zone.seconds(of: [first])[0] else { return .now }
        guard let step_s = try steps.common_s() else { throw .stepMissing }
        let (later, overflow) = step_s.multipliedReportingOverflow(by: Int64(index))
        guard !overflow, let time = SignalTime(instant: seconds.addingReportingOverflow(later).partialValue) else {
            throw .notATime(SignalTime.text(seconds), place: start.text)
        }
        return time
    }
}

/// What a document says of how long values are.
private struct StepTable {
    /// By what wildcards stand for; a path without any has one for the empty key.
    private let own: [[[PathMatch.Place]: JSON]]
    private let steps: [DocumentShape.Step]

    init(_ steps: [DocumentShape.Step], in document: JSON, _ value: SignalPath) throws(SignalProblem) {
        self.steps = steps
        own = steps.map { step in
            guard case .path(let path) = step else { return [:] }
            let matches = path.matches(in: document).map { ($0.key(withFilters: false), $0.value) }
            return Dictionary(matches) { first, _ in first }
        }
    }

    /// How long a value is; nil where nothing says it.
    func length_s(of match: PathMatch) throws(SignalProblem) -> Int64? {
        for (step, own) in zip(steps, own) {
            switch step {
            case .duration(let duration): return duration.seconds
            case .path(let path):
                let key = Array(match.key(withFilters: false).prefix(path.wildcards))
                guard let found = own[key], found != .null else { continue }
                return try StepTable.seconds(found)
            }
        }
        return nil
    }

    /// How long each is for which nothing else is said.
    func common_s() throws(SignalProblem) -> Int64? {
        for (step, own) in zip(steps, own) {
            switch step {
            case .duration(let duration): return duration.seconds
            case .path(let path):
                guard path.isSingular, let found = own[[]], found != .null else { continue }
                return try StepTable.seconds(found)
            }
        }
        return nil
    }

    /// A duration of ISO 8601, or a number of seconds.
    private static func seconds(_ value: JSON) throws(SignalProblem) -> Int64 {
        if let text = value.text, let duration = SignalDuration(text) { return duration.seconds }
        if case .number(let text) = value, let seconds = signalNumber(text), 1..<1e9 ~= seconds { return Int64(seconds) }
        throw .notADuration(value.shown)
    }
}

extension PathMatch {
    /// Which of several it is, for a sentence: `[3]`, `['2026-06-16']`; empty where there is one.
    var place: String { bindings.map(\.place.text).joined() }
}

extension JSON {
    /// For a sentence.
    fileprivate var shown: String { text ?? String(decoding: bytes.prefix(60), as: UTF8.self) }
}

extension DocumentShape {
    /// Services say in many ways that they have nothing. The first of these that is a text is what a person has to know.
    private static let complaints = ["$.errors[0].message", "$.error.message", "$.error", "$[?@.type=='error'].text"].map(path)
    /// These may also be beside data; they count where what the values are in isn't there.
    private static let remarks = ["$.reason", "$.message", "$.detail", "$.title"].map(path)

    private static func path(_ text: String) -> SignalPath {
        do throws(SignalPath.Problem) { return try SignalPath(text) } catch { preconditionFailure(error.words) }
    }

    /// What a document without values says of why it has none; nil where it says nothing.
    func complaint(of document: JSON) -> String? {
        let isForeign = SignalPath(Array(value.segments.prefix(1))).first(in: document) == nil
        return (DocumentShape.complaints + (isForeign ? DocumentShape.remarks : []))
            .lazy.compactMap { $0.first(in: document)?.text }.first { !$0.isEmpty }
    }
}
