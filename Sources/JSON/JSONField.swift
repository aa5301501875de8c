/// A value within a JSON text, and where it stands: reading it as something else than it is says so.
public struct JSONField: Sendable {
    let value: JSON
    /// Such as `zones[0].constraints[1].floor_uw`; empty at the top.
    private let path: String

    public init(top value: JSON) { self.init(value, "") }

    private init(_ value: JSON, _ path: String) { (self.value, self.path) = (value, path) }

    /// Why a field can't be read: which it is, and what about it.
    public struct Problem: Error, Equatable {
        /// Such as `zones[0].name is missing`.
        public let words: String
    }

    private func problem(_ what: String) -> Problem { Problem(words: "\(path.isEmpty ? "the top" : path) is \(what)") }
    private var otherType: Problem { problem(value == .null ? "null" : "of another type") }

    /// It is none of the words that may stand here.
    public var unknownWord: Problem { problem("an unknown word") }

    /// It is a number that may not stand here.
    public var outOfRange: Problem { problem("out of range") }

    /// A member that has to be there, though it may be null.
    public func member(_ name: String) throws(Problem) -> JSONField {
        guard value.members != nil else { throw otherType }
        let inner = JSONField(value[name] ?? .null, path.isEmpty ? name : "\(path).\(name)")
        if value[name] == nil { throw inner.problem("missing") }
        return inner
    }

    /// nil where the member is missing or null.
    public func optional<Value>(
        _ name: String, _ read: (JSONField) throws(Problem) -> Value
    ) throws(Problem) -> Value? {
        guard let value = value[name], value != .null else { return nil }
        return try read(JSONField(value, path.isEmpty ? name : "\(path).\(name)"))
    }

    /// An object's members, each with its name and place. Where a name comes twice the last one counts.
    /// - Throws: where it is no object.
    public func members() throws(Problem) -> [(name: String, field: JSONField)] {
        guard let members = value.members else { throw otherType }
        let last = Dictionary(members.map { ($0.name, $0.value) }) { _, last in last }
        return last.sorted { $0.key < $1.key }.map {
            ($0.key, JSONField($0.value, path.isEmpty ? $0.key : "\(path).\($0.key)"))
        }
    }

    /// What is wrong with a member, in the form of the other problems: `spec.limit is PROBLEM`.
    public func problem(of name: String, _ what: String) -> Problem {
        JSONField(value[name] ?? .null, path.isEmpty ? name : "\(path).\(name)").problem(what)
    }

    /// A list's elements, each with its place.
    /// - Throws: where it is no list.
    public func elements() throws(Problem) -> [JSONField] {
        guard let elements = value.elements else { throw otherType }
        return elements.enumerated().map { JSONField($0.element, "\(path)[\($0.offset)]") }
    }

    /// A string.
    /// - Throws: where it is none.
    public func text() throws(Problem) -> String {
        guard let text = value.text else { throw otherType }
        return text
    }

    /// True or false.
    /// - Throws: where it is neither.
    public func flag() throws(Problem) -> Bool {
        guard let flag = value.flag else { throw otherType }
        return flag
    }

    /// A whole number, which may be negative.
    /// - Throws: where it is none, or doesn't fit.
    public func signed<Value: FixedWidthInteger & SignedInteger>() throws(Problem) -> Value {
        guard case .number(let text) = value else { throw otherType }
        guard let number = Value(text) else { throw problem("out of range") }
        return number
    }

    /// A whole number, not negative.
    /// - Throws: where it is none, or doesn't fit.
    public func integer<Value: FixedWidthInteger>() throws(Problem) -> Value {
        guard case .number = value else { throw otherType }
        guard let number = value.integer.flatMap(Value.init(exactly:)) else { throw outOfRange }
        return number
    }
}
