internal import Text

/// A value of JSON (RFC 8259).
public enum JSON: Equatable, Sendable {
    case null
    case flag(Bool)
    /// As it is written: what it means is for whoever needs it.
    case number(String)
    case text(String)
    case list([JSON])
    /// In the order of the text. Where a name comes twice, the last one counts.
    case object([Member])

    /// A member of an object.
    public struct Member: Equatable, Sendable {
        /// As it is written, without escapes.
        public let name: String
        /// What stands behind its name.
        public let value: JSON

        public init(_ name: String, _ value: JSON) { (self.name, self.value) = (name, value) }
    }

    /// The member of an object; nil where there is none, and of everything else.
    public subscript(name: String) -> JSON? { members?.last { $0.name == name }?.value }

    /// An object's members; nil of everything else.
    public var members: [Member]? { if case .object(let members) = self { members } else { nil } }
    /// A list's elements; nil of everything else.
    public var elements: [JSON]? { if case .list(let elements) = self { elements } else { nil } }
    /// A string; nil of everything else.
    public var text: String? { if case .text(let text) = self { text } else { nil } }
    /// True or false; nil of everything else.
    public var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }

    /// nil for everything but a whole number that fits.
    public var integer: UInt64? { if case .number(let text) = self { UInt64(text) } else { nil } }

    /// An object's members that are texts.
    public var texts: [String: String] {
        var texts: [String: String] = [:]
        for member in members ?? [] { if let text = member.value.text { texts[member.name] = text } }
        return texts
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral {
    public init(stringLiteral text: String) { self = .text(text) }
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(elements.map { Member($0, $1) }) }
    public init(arrayLiteral elements: JSON...) { self = .list(elements) }
}

extension JSON {
    /// The text of the value.
    public var bytes: [UInt8] {
        var output = Output()
        append(to: &output)
        return output.bytes
    }

    private func append(to output: inout Output) {
        switch self {
        case .null: output.append("null")
        case .flag(let flag): output.append(flag ? "true" : "false")
        case .number(let number): output.append(number)
        case .text(let text): output.append(json: text)
        case .list(let elements):
            output.append("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(",") }
                element.append(to: &output)
            }
            output.append("]")
        case .object(let members):
            output.append("{")
            for (index, member) in members.enumerated() {
                if index > 0 { output.append(",") }
                output.append(json: member.name)
                output.append(":")
                member.value.append(to: &output)
            }
            output.append("}")
        }
    }
}
