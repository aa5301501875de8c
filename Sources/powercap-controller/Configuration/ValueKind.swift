internal import Kubernetes
internal import Policy
internal import PowercapProtocol

/// Why a text is not the value that was asked for. The sentence about it is written in UsageError.
enum ValueProblem: Error, Equatable, Sendable {
    case empty
    case malformed
    /// Something in braces is left that stands for something.
    case unfilled(String)
    case negative
    case unknownUnit(String)
    /// Has more decimals than the smallest unit.
    case tooFine
    case tooLow
    case tooHigh
    /// Well-formed, and not among what there is to choose from.
    case unknownName
    case noTimeZoneDatabase(String)
    /// From a character on, counted from 1, and why.
    case noPath(position: Int, String)
}

/// What a person has to know about a kind of value: the words of help texts and error messages.
struct ValueWords: Equatable, Sendable {
    /// With its article: `a power`.
    var noun: String
    /// In a usage line: `POWER`.
    var placeholder: String
    /// What would be right, after "give".
    var valid: String
    var smallest = "1"
    var lowest = "0"
    var highest = ""
    /// What a table says in place of the range, where that is only a part of it.
    var form: String?

    /// A flag of this kind takes no value.
    var isBare: Bool { placeholder.isEmpty }

    /// The range, where there is one: `1 W to 1000 kW`.
    var range: String { form ?? (highest.isEmpty ? valid : "\(lowest) to \(highest)") }
}

/// How a kind of value is read from a text, and written as a text which reads back as the same value.
struct ValueKind<Value: Sendable>: Sendable {
    let words: ValueWords
    let parse: @Sendable (String) throws(ValueProblem) -> Value
    let show: @Sendable (Value) -> String
}

extension UnitScale {
    func parse(_ text: String, in range: ClosedRange<UInt64>) throws(ValueProblem) -> UInt64 {
        let value = try parse(text)
        if value < range.lowerBound { throw .tooLow }
        if value > range.upperBound { throw .tooHigh }
        return value
    }
}

extension ValueKind where Value == Microwatts {
    static func power(_ range: ClosedRange<Microwatts>) -> ValueKind {
        let (lowest, highest) = (range.lowerBound.words, range.upperBound.words)
        let units = "microwatts (40000000) or a number with uW, mW, W or kW (40W)"
        return ValueKind(
            words: ValueWords(
                noun: "a power", placeholder: "POWER", valid: "\(units), from \(lowest) to \(highest)", smallest: "1 uW",
                lowest: lowest, highest: highest),
            parse: { text throws(ValueProblem) in
                Microwatts(try UnitScale.power.parse(text, in: range.lowerBound.rawValue...range.upperBound.rawValue))
            },
            show: \.setting)
    }
}

extension ValueKind where Value == Microwatts? {
    /// A power, or none, which is written as 0.
    static let optionalPower: ValueKind = {
        let power = ValueKind<Microwatts>.power(.watts(1) ... .watts(1_000_000))
        var words = power.words
        words.valid = "0 for none, or \(words.valid)"
        return ValueKind(
            words: words, parse: { text throws(ValueProblem) in text == "0" ? nil : try power.parse(text) },
            show: { $0?.setting ?? "0" })
    }()
}

extension ValueKind where Value == StaleAction {
    /// `floor`, `hold`, or a power.
    static let staleAction: ValueKind = {
        let power = ValueKind<Microwatts>.power(.watts(1) ... .watts(1_000_000))
        var words = power.words
        (words.noun, words.placeholder) = ("one of the choices, nor a power", "floor|hold|POWER")
        words.valid = "floor, hold, or \(words.valid)"
        return ValueKind(
            words: words,
            parse: { text throws(ValueProblem) in
                switch text {
                case "floor": return .floor
                case "hold": return .hold
                default: return .power(try power.parse(text))
                }
            },
            show: { action in
                switch action {
                case .floor: "floor"
                case .hold: "hold"
                case .power(let limit): limit.setting
                }
            })
    }()
}

extension ValueKind where Value == Milliseconds {
    static func time(_ range: ClosedRange<Milliseconds>) -> ValueKind {
        let (lowest, highest) = (range.lowerBound.words, range.upperBound.words)
        return ValueKind(
            words: ValueWords(
                noun: "a time", placeholder: "TIME",
                valid: "seconds (300) or a number with ms, s, m, h or d (5m), from \(lowest) to \(highest)", smallest: "1 ms",
                lowest: lowest, highest: highest),
            parse: { text throws(ValueProblem) in
                Milliseconds(try UnitScale.time.parse(text, in: range.lowerBound.rawValue...range.upperBound.rawValue))
            },
            show: \.setting)
    }
}

extension ValueKind where Value == Double {
    /// A number above 0, with at most six decimals.
    static func number(atMost highest: UInt64) -> ValueKind {
        ValueKind(
            words: ValueWords(
                noun: "a number", placeholder: "NUMBER", valid: "a number above 0 and at most \(highest), such as 4 or 2.5",
                smallest: "0.000001", lowest: "0.000001", highest: "\(highest)"),
            parse: { text throws(ValueProblem) in
                Double(try UnitScale.number.parse(text, in: 1...highest * 1_000_000)) / 1e6
            },
            show: { decimal(UInt64($0 * 1e6 + 0.5), places: 6) })
    }
}

extension ValueKind where Value == Percent {
    static let percent = ValueKind(
        words: ValueWords(
            noun: "a percentage", placeholder: "PERCENT", valid: "a percentage from 0 to 100, such as 30",
            smallest: "0.000001", lowest: "0", highest: "100"),
        parse: { text throws(ValueProblem) in
            Percent(millionths: try UnitScale.percent.parse(text, in: 0...Percent.hundred.millionths))
        },
        show: { decimal($0.millionths, places: 6) })
}

enum Presence {
    /// What a bare flag stands for.
    static let given = "true"
}

extension ValueKind where Value == Bool {
    /// True where the flag is there; it takes no value.
    static let presence = ValueKind(
        words: ValueWords(noun: "a flag", placeholder: "", valid: "the flag alone"),
        parse: { text throws(ValueProblem) in text == Presence.given },
        show: { $0 ? Presence.given : "false" })
}

extension ValueKind where Value == Int {
    static func count(_ range: ClosedRange<Int>) -> ValueKind {
        ValueKind(
            words: ValueWords(
                noun: "a whole number", placeholder: "N",
                valid: "a whole number from \(range.lowerBound) to \(range.upperBound)", lowest: "\(range.lowerBound)",
                highest: "\(range.upperBound)"),
            parse: { text throws(ValueProblem) in
                Int(try UnitScale.count.parse(text, in: UInt64(range.lowerBound)...UInt64(range.upperBound)))
            },
            show: { "\($0)" })
    }
}

extension ValueKind where Value: CaseIterable & RawRepresentable<String> {
    /// One of the type's names.
    static var choice: ValueKind {
        let names = Value.allCases.map(\.rawValue)
        let valid = names.dropLast().joined(separator: ", ") + " or " + names.suffix(1).joined()
        return ValueKind(
            words: ValueWords(
                noun: "one of the choices", placeholder: names.joined(separator: "|"), valid: valid),
            parse: { text throws(ValueProblem) in
                if text.isEmpty { throw .empty }
                guard let value = Value(rawValue: text) else { throw .unknownName }
                return value
            },
            show: \.rawValue)
    }
}

extension ValueKind {
    /// One of a type's names, or none, which is written as nothing at all.
    static func optionalChoice<Choice>() -> ValueKind
    where Value == Choice?, Choice: CaseIterable & RawRepresentable<String> & Sendable {
        let choice = ValueKind<Choice>.choice
        return ValueKind(
            words: choice.words,
            parse: { text throws(ValueProblem) in text.isEmpty ? nil : try choice.parse(text) },
            show: { $0.map(choice.show) ?? "" })
    }
}

extension ValueKind where Value == String? {
    /// A text that may be absent, which is written as nothing at all: a manifest can leave a variable empty.
    private static func optional(
        _ words: ValueWords, atMost longest: Int, _ isValid: @escaping @Sendable (String) -> Bool
    ) -> ValueKind {
        ValueKind(
            words: words,
            parse: { text throws(ValueProblem) in
                if text.isEmpty { return nil }
                guard isValid(text) else { throw .malformed }
                if text.utf8.count > longest { throw .tooHigh }
                return text
            },
            show: { $0 ?? "" })
    }

    /// A DNS subdomain (RFC 1123), as the names of Nodes are.
    static let nodeName = optional(
        ValueWords(
            noun: "a Node's name", placeholder: "NODE",
            valid: "a Node's name: lower-case letters, digits, - and ., at most 253 bytes"),
        atMost: 253
    ) { name in
        name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && !part.hasPrefix("-") && !part.hasSuffix("-")
                && part.utf8.allSatisfy { byte in
                    UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                        || byte == UInt8(ascii: "-")
                }
        }
    }

    static let filePath = optional(
        ValueWords(noun: "a file's path", placeholder: "PATH", valid: "an absolute path"), atMost: 4095
    ) { $0.hasPrefix("/") && !$0.utf8.contains(0) }

    /// As a file's first line has it.
    static let columnName = optional(
        ValueWords(noun: "a column's name", placeholder: "NAME", valid: "a name without a comma, at most 255 bytes"), atMost: 255
    ) { name in
        !name.utf8.contains { $0 == UInt8(ascii: ",") || $0 < UInt8(ascii: " ") } && name.utf8.first != UInt8(ascii: " ")
            && name.utf8.last != UInt8(ascii: " ")
    }

    /// What a signal is in.
    static let signalUnit = optional(
        ValueWords(
            noun: "a unit", placeholder: "UNIT", valid: "a unit such as gCO2/kWh or EUR/MWh, at most 20 bytes without blanks"),
        atMost: 20
    ) { unit in unit.utf8.allSatisfy { $0 > UInt8(ascii: " ") && $0 != 0x7F } }

    /// What a request's path is appended to.
    static let server = optional(
        ValueWords(
            noun: "an API server's address", placeholder: "URL",
            valid: "https://HOST[:PORT], or http://127.0.0.1:PORT for a proxy on this machine"), atMost: 2000
    ) { ClusterAccess.isServer($0) }

    /// nil is the host's, which is written `host`.
    static let timeZone = ValueKind(
        words: ValueWords(
            noun: "a time zone", placeholder: "ZONE", valid: "a name of the time zone database (Europe/Paris), UTC or host"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { throw .empty }
            if text == "host" { return nil }
            try TimeZoneDatabase.check(text)
            return text
        },
        show: { $0 ?? "host" })
}

extension ValueKind where Value == String {
    /// A Unix socket's path as connect(2) takes it: sun_path has 108 bytes, the last of them zero.
    static let socketPath = ValueKind(
        words: ValueWords(
            noun: "a socket's path", placeholder: "PATH",
            valid: "an absolute path of at most 107 bytes, or @name for an abstract socket"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { throw .empty }
            guard text.utf8.count > 1, text.hasPrefix("/") || text.hasPrefix("@") else { throw .malformed }
            if text.utf8.count > 107 { throw .tooHigh }
            return text
        },
        show: { $0 })
}
