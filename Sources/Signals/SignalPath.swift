/// Where values stand in a JSON document: a strict subset of JSONPath (RFC 9535) of members, elements, wildcards, and one filter that takes
/// what has a member of a certain text. No recursion, no slices, no lists of selectors, no functions: what a service answers needs none.
///
///     $.data[*].intensity.forecast
///     $.result.*['6100_40263F00']['1'][0].val
///     $[0].intervals[*].payloads[?@.type=='IMPORT_CAPACITY_LIMIT'].values[0]
public struct SignalPath: Equatable, Sendable {
    enum Segment: Equatable, Sendable {
        /// `.name` or `['name']`: a member of an object.
        case name(String)
        /// `[n]`: an element of a list; from its end where it is negative.
        case index(Int)
        /// `[*]` or `.*`: every element of a list, every member of an object.
        case wildcard
        /// `[?@.name=='text']`: those elements or members that are objects of which a member is this text.
        case filter(name: String, text: String)
    }

    let segments: [Segment]

    /// Why a text is no such path.
    public struct Problem: Error, Equatable, Sendable {
        /// Of the character at which it ends to be one, counted from 1; one behind the last where something is missing.
        public let position: Int
        /// What is there, and what may be.
        public let words: String
    }

    /// - Throws: it is none, from some character on.
    public init(_ text: String) throws(Problem) {
        var parser = PathParser(text)
        segments = try parser.segments()
    }

    init(_ segments: [Segment]) { self.segments = segments }

    /// As it reads back: names without quotation marks where they need none.
    public var text: String {
        var text = "$"
        for segment in segments {
            switch segment {
            case .name(let name): text += SignalPath.isPlain(name) ? ".\(name)" : "[\(SignalPath.inQuotes(name))]"
            case .index(let index): text += "[\(index)]"
            case .wildcard: text += "[*]"
            case .filter(let name, let value): text += "[?@.\(name)==\(SignalPath.inQuotes(value))]"
            }
        }
        return text
    }

    /// Matches at most one value.
    var isSingular: Bool { wildcards == 0 && filters == 0 }

    /// How many wildcards it has.
    var wildcards: Int { segments.count { $0 == .wildcard } }

    /// How many filters it has.
    var filters: Int { segments.count { if case .filter = $0 { true } else { false } } }

    /// May stand behind a dot (RFC 9535, member-name-shorthand).
    static func isPlain(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, isNameFirst(first) else { return false }
        return name.unicodeScalars.dropFirst().allSatisfy(isNameCharacter)
    }

    static func isNameFirst(_ scalar: Unicode.Scalar) -> Bool {
        "a"..."z" ~= scalar || "A"..."Z" ~= scalar || scalar == "_" || scalar.value >= 0x80
    }

    static func isNameCharacter(_ scalar: Unicode.Scalar) -> Bool { isNameFirst(scalar) || "0"..."9" ~= scalar }

    private static func inQuotes(_ text: String) -> String {
        var quoted = "'"
        for scalar in text.unicodeScalars {
            switch scalar {
            case "'": quoted += "\\'"
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "'"
    }
}
