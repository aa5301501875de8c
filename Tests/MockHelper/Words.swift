import PowercapProtocol

/// A mistake in a script.
struct ScriptError: Error, Equatable {
    let sentence: String
}

/// The words of a line, from left to right.
struct Words {
    private var rest: ArraySlice<Substring>

    /// `#` starts a comment.
    init(_ line: some StringProtocol) {
        rest = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }.map { Substring($0) }[...]
    }

    var isEmpty: Bool { rest.isEmpty }

    /// - Parameter noun: with its article, for the sentence when it is missing.
    mutating func next(_ noun: String) throws(ScriptError) -> Substring {
        guard let word = rest.popFirst() else { throw ScriptError(sentence: "\(noun) is missing") }
        return word
    }

    mutating func name(_ noun: String) throws(ScriptError) -> Name { try Words.name(next(noun), noun) }
    mutating func power(_ noun: String) throws(ScriptError) -> Microwatts { try Words.power(next(noun), noun) }
    mutating func number<Number: FixedWidthInteger>(_ noun: String) throws(ScriptError) -> Number {
        try Words.number(next(noun), noun)
    }

    /// The value that the next word names.
    mutating func choice<Value>(_ noun: String, _ choices: KeyValuePairs<String, Value>) throws(ScriptError) -> Value {
        try Words.choice(next(noun), noun, choices)
    }

    /// Reads the `KEY=VALUE` words that are left; a bare word has an empty value.
    mutating func options(
        _ known: [String], _ take: (_ key: String, _ value: Substring) throws(ScriptError) -> Void
    ) throws(ScriptError) {
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = known.first(where: { $0 == parts[0] }) else {
                throw ScriptError(sentence: "\(word) is not understood; here go \(known.joined(separator: ", "))")
            }
            try take(key, parts.count == 2 ? parts[1] : "")
        }
    }

    func finish() throws(ScriptError) {
        if let word = rest.first { throw ScriptError(sentence: "\(word) is one word too many") }
    }

    // MARK: Values

    static func name(_ word: Substring, _ noun: String) throws(ScriptError) -> Name {
        guard let name = Name(String(word)) else {
            throw ScriptError(sentence: "\(noun) is 1 to \(Limits.nameBytes) bytes of printable ASCII, not \(word)")
        }
        return name
    }

    static func power(_ word: Substring, _ noun: String) throws(ScriptError) -> Microwatts {
        let bytes = [UInt8](word.utf8)
        guard let power = Microwatts(parsing: bytes.span) else {
            throw ScriptError(sentence: "\(noun) is a power such as 45W or 45000000, not \(word)")
        }
        return power
    }

    static func number<Number: FixedWidthInteger>(_ word: Substring, _ noun: String) throws(ScriptError) -> Number {
        guard let number = Number(word), !word.hasPrefix("+") else {
            throw ScriptError(sentence: "\(noun) is a number from \(Number.min) to \(Number.max), not \(word)")
        }
        return number
    }

    static func choice<Value>(
        _ word: Substring, _ noun: String, _ choices: KeyValuePairs<String, Value>
    ) throws(ScriptError) -> Value {
        guard let choice = choices.first(where: { $0.key == word }) else {
            throw ScriptError(sentence: "\(noun) is \(choices.map(\.key).joined(separator: " or ")), not \(word)")
        }
        return choice.value
    }
}
