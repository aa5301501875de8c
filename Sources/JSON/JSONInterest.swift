/// Which parts of a JSON text are read. The rest is stepped over: it isn't kept, and costs no memory however much there is of it.
public indirect enum JSONInterest: Sendable {
    /// A value with all that is in it.
    case all
    /// Some members of an object. Values that are no objects are read as they are.
    case named(Members)
    /// The members of an object whose names begin with one of these.
    case beginning([[UInt8]])
    /// What is said of each element of a list.
    case each(JSONInterest)

    /// These members of an object. Values that are no objects are read as they are.
    public static func members(_ members: [String: JSONInterest]) -> JSONInterest { .named(Members(members)) }

    /// The members of an object whose names begin with one of these.
    public static func prefixes(_ prefixes: [String]) -> JSONInterest { .beginning(prefixes.map { Array($0.utf8) }) }

    /// Names and what is asked of each. They are compared by their bytes: a server may give hundreds of thousands of them, and a String's
    /// hash brings a text that isn't ASCII into a normal form first.
    public struct Members: Sendable {
        private let members: [(name: [UInt8], interest: JSONInterest)]
        /// A bit for each length of a name: most of what nobody asks for has another.
        private let lengths: UInt64

        fileprivate init(_ given: [String: JSONInterest]) {
            members = given.map { (Array($0.key.utf8), $0.value) }
            lengths = members.reduce(0) { $0 | 1 << UInt64(min($1.name.count, 63)) }
        }

        fileprivate subscript(_ name: Span<UInt8>) -> JSONInterest? {
            guard lengths & 1 << UInt64(min(name.count, 63)) != 0 else { return nil }
            for member in members where member.name.count == name.count && name.begins(with: member.name) {
                return member.interest
            }
            return nil
        }
    }

    /// Of an object's member; nil where nobody asks for it.
    func inMember(_ name: Span<UInt8>) -> JSONInterest? {
        switch self {
        case .all: .all
        case .named(let members): members[name]
        case .beginning(let prefixes): prefixes.contains { name.begins(with: $0) } ? .all : nil
        case .each: nil
        }
    }

    /// Of a list's elements; nil where nobody asks for them.
    var inElement: JSONInterest? {
        switch self {
        case .all: .all
        case .each(let interest): interest
        case .named, .beginning: nil
        }
    }
}

extension Span<UInt8> {
    fileprivate func begins(with prefix: [UInt8]) -> Bool {
        guard count >= prefix.count else { return false }
        for index in prefix.indices where self[index] != prefix[index] { return false }
        return true
    }
}

/// How much of a JSON text is kept, at most.
public struct JSONBounds: Sendable {
    /// Objects and lists in each other.
    var depth = 64
    /// Values together.
    var values: Int
    /// Of names and texts together.
    var bytes: Int
    /// Of one name or text; what is longer is cut, and ends in `…`.
    var textBytes: Int

    /// For a file that somebody names, such as a list of a machine's zones.
    public static let file = JSONBounds(values: 50_000, bytes: 4 << 20, textBytes: 1 << 16)
    /// A whole document of this program's own.
    public static let document = JSONBounds(values: 200_000, bytes: 4 << 20, textBytes: 64 << 10)
    /// For what a server answers. One object's metadata, as far as it is read, has a few dozen values.
    public static let answer = JSONBounds(values: 2_000, bytes: 128 << 10, textBytes: 4 << 10)
    /// What a service says of some days: a year of quarter hours with three values each. With their list's room to grow they take 5 MB.
    public static let signal = JSONBounds(values: 130_000, bytes: 4 << 20, textBytes: 4 << 10)
}
