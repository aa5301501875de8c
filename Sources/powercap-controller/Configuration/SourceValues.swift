internal import LinuxSystem
internal import Signals

// How what says where values stand in an answer is read and written.

/// Where a value's time is.
enum SourceTime: Equatable, Sendable {
    /// It has none: it is of now.
    case now
    /// The name of the member that the value is of.
    case key
    case path(SignalPath)
    /// The name of a table's column.
    case column(String)
}

/// A zone of times that name none.
struct SourceZone: Equatable, Sendable {
    let name: String
    let zone: SignalZone
}

extension SignalPath {
    /// As an option has it.
    init(option text: String) throws(ValueProblem) {
        do throws(SignalPath.Problem) { try self.init(text) } catch { throw .noPath(position: error.position, error.words) }
    }
}

extension ValueKind where Value == SignalPath? {
    static let signalPath = ValueKind(
        words: ValueWords(
            noun: "a path", placeholder: "PATH",
            valid: "a path of $, .name, ['name'], [0], [-1], [*] and [?@.name=='text'], such as $.data[*].value"),
        parse: { text throws(ValueProblem) in text.isEmpty ? nil : try SignalPath(option: text) },
        show: { $0?.text ?? "" })
}

extension ValueKind where Value == SourceTime? {
    static let sourceTime = ValueKind(
        words: ValueWords(
            noun: "a time's place", placeholder: "PATH|key|now|NAME",
            valid: "a path such as $.data[*].from, key, now, or a column's name"),
        parse: { text throws(ValueProblem) in
            switch text {
            case "": return nil
            case "now": return .now
            case "key": return .key
            case _ where text.hasPrefix("$"): return .path(try SignalPath(option: text))
            default: return try ValueKind<String?>.columnName.parse(text).map { .column($0) }
            }
        },
        show: { time in
            switch time {
            case nil: ""
            case .now?: "now"
            case .key?: "key"
            case .path(let path)?: path.text
            case .column(let name)?: name
            }
        })
}

extension ValueKind where Value == [DocumentShape.Step] {
    /// Several are separated by blanks, which a path may have in quotation marks.
    static let steps = ValueKind(
        words: ValueWords(
            noun: "a length", placeholder: "PATH|DURATION",
            valid:
                "a duration of ISO 8601 (PT15M, PT1H, P1D), a path to one or to a number of seconds, or several with blanks between them"
        ),
        parse: { text throws(ValueProblem) in
            var steps: [DocumentShape.Step] = []
            for part in Step.parts(of: text) { steps.append(try Step.parse(part)) }
            return steps
        },
        show: { $0.map(Step.show).joined(separator: " ") })

    private enum Step {
        static func parts(of text: String) -> [String] {
            var (parts, part, isQuoted): ([String], String, Bool) = ([], "", false)
            var last: Character?
            for character in text {
                if character == "'", last != "\\" { isQuoted.toggle() }
                if character == " ", !isQuoted {
                    if !part.isEmpty { parts.append(part) }
                    part = ""
                } else {
                    part.append(character)
                }
                last = character
            }
            return part.isEmpty ? parts : parts + [part]
        }

        static func parse(_ text: String) throws(ValueProblem) -> DocumentShape.Step {
            if text.hasPrefix("$") { return .path(try SignalPath(option: text)) }
            guard let duration = SignalDuration(text) else { throw .malformed }
            return .duration(duration)
        }

        static func show(_ step: DocumentShape.Step) -> String {
            switch step {
            case .duration(let duration): duration.text
            case .path(let path): path.text
            }
        }
    }
}

extension ValueKind where Value == SourceZone? {
    static let sourceZone = ValueKind(
        words: ValueWords(
            noun: "a time zone", placeholder: "ZONE", valid: "a name of the time zone database (Europe/Paris), or UTC"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { return nil }
            return SourceZone(name: text, zone: try TimeZoneDatabase.zone(text))
        },
        show: { $0?.name ?? "" })
}

extension ValueKind where Value == SourcePreset? {
    static let sourcePreset: ValueKind = {
        let names = SourcePreset.all.map(\.name)
        return ValueKind(
            words: ValueWords(
                noun: "one of the presets", placeholder: names.joined(separator: "|"),
                valid: names.dropLast().joined(separator: ", ") + " or " + names.suffix(1).joined()),
            parse: { text throws(ValueProblem) in
                if text.isEmpty { return nil }
                guard let preset = SourcePreset.named(text) else { throw .unknownName }
                return preset
            },
            show: { $0?.name ?? "" })
    }()
}

extension ValueKind where Value == Double? {
    /// A number other than 0, also below.
    static let factor = ValueKind(
        words: ValueWords(
            noun: "a number", placeholder: "NUMBER",
            valid: "a number other than 0 between -1e12 and 1e12, such as 1000, 0.45359237 or -1"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { return nil }
            guard let number = SignalReader.number(text), abs(number) <= 1e12, abs(number) >= 1e-12 else { throw .malformed }
            return number
        },
        show: { $0.map { "\($0)" } ?? "" })
}

extension TimeZoneDatabase {
    /// - Throws: as `check` does, and `unknownName` where what is there can't be read as a zone.
    static func zone(_ name: String) throws(ValueProblem) -> SignalZone {
        if name == "UTC" { return .utc }
        try check(name)
        guard let bytes = try? GivenFile.contents(of: "\(path)/\(name)", atMost: 1 << 20), let zone = SignalZone(zoneFile: bytes)
        else {
            throw .unknownName
        }
        return zone
    }
}
