/// Which parts of a JSON text are read. The rest is stepped over: it isn't kept, and costs no memory however much there is of it.
public indirect enum JSONInterest: Sendable {
    /// A value with all that is in it.
    case all
    /// These members of an object. Values that are no objects are read as they are.
    case members([String: JSONInterest])
    /// The members of an object whose names begin with one of these.
    case prefixes([String])
    /// What is said of each element of a list.
    case each(JSONInterest)

    /// Of an object's member; nil where nobody asks for it.
    func inMember(_ name: String) -> JSONInterest? {
        switch self {
        case .all: .all
        case .members(let members): members[name]
        case .prefixes(let prefixes): prefixes.contains { name.hasPrefix($0) } ? .all : nil
        case .each: nil
        }
    }

    /// Of a list's elements; nil where nobody asks for them.
    var inElement: JSONInterest? {
        switch self {
        case .all: .all
        case .each(let interest): interest
        case .members, .prefixes: nil
        }
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
    /// For what a server answers. One object's metadata, as far as it is read, has a few dozen values.
    public static let answer = JSONBounds(values: 2_000, bytes: 128 << 10, textBytes: 4 << 10)
}
