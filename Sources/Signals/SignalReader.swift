internal import JSON

/// Reads what a service answers, or a file of the same content.
public struct SignalReader: Equatable, Sendable {
    /// Where values and times stand.
    public enum Shape: Equatable, Sendable {
        case document(DocumentShape)
        case table(TableShape)
    }

    /// What `null`, NaN and a text that is no number, such as "unavailable", stand for.
    public enum Nulls: String, CaseIterable, Sendable {
        /// No data.
        case none
        /// What an inverter has at night.
        case zero
    }

    /// What a value's time says of it.
    public enum Stamp: String, CaseIterable, Sendable {
        case start, end
    }

    private let shape: Shape
    private let factor: Double
    private let nulls: Nulls
    private let stamp: Stamp
    private let zone: SignalZone

    /// - Parameters:
    ///   - factor: by which every value is multiplied; finite.
    ///   - zone: of times that name none.
    public init(_ shape: Shape, factor: Double = 1, nulls: Nulls = .none, stamp: Stamp = .start, zone: SignalZone = .utc) {
        (self.shape, self.factor, self.nulls, self.stamp, self.zone) = (shape, factor, nulls, stamp, zone)
    }

    /// In bytes: what is longer is refused.
    public static let largest = 4 << 20

    /// What the bytes say. A document without values is `.now(nil)`, or no points.
    /// - Throws: it can't be read so, or says itself why it has no data.
    public func read(_ bytes: [UInt8]) throws(SignalProblem) -> Signal {
        if bytes.count > SignalReader.largest { throw .tooLarge }
        switch shape {
        case .document(let shape): return try signal(in: try SignalReader.document(bytes), shape)
        case .table(let shape): return try signal(in: bytes, shape)
        }
    }

    private static func document(_ bytes: [UInt8]) throws(SignalProblem) -> JSON {
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        guard let first = bytes[start...].firstIndex(where: { !" \t\r\n".utf8.contains($0) }) else { throw .empty }
        if bytes[first] == UInt8(ascii: "<") { throw .markup(beginning(bytes[first...])) }
        do throws(JSONProblem) { return try JSON(bytes, in: first..<bytes.count, within: .signal) } catch {
            switch error {
            case .malformed(let offset): throw .notJSON(offset: offset)
            case .tooDeep, .tooMuch: throw .tooLarge
            }
        }
    }

    /// The first tag, so that a person sees what was answered.
    private static func beginning(_ bytes: ArraySlice<UInt8>) -> String {
        let line = bytes.prefix(60).prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        return String(decoding: line.firstIndex(of: UInt8(ascii: ">")).map { line[...$0] } ?? line, as: UTF8.self)
    }

    // Documents.

    private func signal(in document: JSON, _ shape: DocumentShape) throws(SignalProblem) -> Signal {
        let matches = shape.value.matches(in: document)
        var values: [Double?] = []
        for match in matches { values.append(try number(match)) }
        if !matches.contains(where: { SignalReader.written($0.value) != nil }), let words = shape.complaint(of: document) {
            throw .says(words)
        }
        if shape.time == nil && shape.start == nil {
            if matches.count > 1 { throw .manyValues(matches.count) }
            return .now(values.first ?? nil)
        }
        if matches.isEmpty { return .points([], end: 0) }
        let (times, order) = try shape.times(of: matches, in: document, zone)
        if times.contains(where: { $0.time == .now }) {
            guard times.count == 1 else { throw .severalFromNow }
            return .now(values[0])
        }
        let seconds = zone.seconds(of: times.map(\.time))
        var entries: [SignalEntry] = []
        for (index, timed) in times.enumerated() {
            guard let seconds = seconds[index] else { continue }
            entries.append(SignalEntry(seconds: seconds, value: order[index].flatMap { values[$0] }, length_s: timed.length_s))
        }
        return try .points(from: entries, stamp: stamp)
    }

    /// The number that a value is, or holds as a text; nil where it is none.
    private static func written(_ value: JSON) -> Double? {
        switch value {
        case .number(let text), .text(let text): signalNumber(text)
        case .null, .flag, .list, .object: nil
        }
    }

    private func number(_ match: PathMatch) throws(SignalProblem) -> Double? {
        if match.value.elements != nil || match.value.members != nil { throw .notANumber(place: match.place) }
        return scaled(SignalReader.written(match.value))
    }

    /// - Parameter number: nil where there is none.
    private func scaled(_ number: Double?) -> Double? {
        guard let number else { return nulls == .zero ? 0 : nil }
        let scaled = number * factor
        return scaled.isFinite ? scaled : nil
    }

    // Tables.

    /// What files have where there is no number.
    private static let absent = ["", "-", "null", "nan", "na", "n/a", "n/e", "none", "unavailable", "unknown"]

    private func signal(in bytes: [UInt8], _ shape: TableShape) throws(SignalProblem) -> Signal {
        let reading = try shape.reading(bytes)
        if reading.times.isEmpty { throw .noLines }
        let zone = reading.zone ?? zone
        let seconds = zone.seconds(of: reading.times.map(\.from))
        var entries: [SignalEntry] = []
        for (index, time) in reading.times.enumerated() {
            let (line, text) = reading.values[index]
            guard let from = seconds[index] else { throw .line(line, .notATime("0001-01-01")) }
            let number = signalNumber(reading.hasDecimalCommas ? String(text.map { $0 == "," ? "." : $0 }) : text)
            if number == nil, !SignalReader.absent.contains(text.lowercased()) { throw .line(line, .notANumber(text)) }
            entries.append(
                SignalEntry(
                    seconds: from, value: scaled(number), length_s: shape.step?.seconds ?? zone.length_s(from: from, to: time.to))
            )
        }
        return try .points(from: entries, stamp: stamp)
    }
}

extension SignalZone {
    /// From an instant to the first time after it that is shown as `to`; nil where there is none.
    fileprivate func length_s(from: Int64, to: SignalTime?) -> Int64? {
        let ends: [Int64] =
            switch to {
            case .instant(let seconds)?: [seconds]
            case .wall(let wall)?: instants(of: wall)
            case .now?, nil: []
            }
        return ends.first { $0 > from }.map { $0 - from }
    }
}
