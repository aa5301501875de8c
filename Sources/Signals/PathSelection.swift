public import JSON

/// What a path found in a document: a value, and what its wildcards stood for. Two paths are joined by that.
struct PathMatch {
    /// Of each wildcard, and of each filter, in the path's order.
    let bindings: [Binding]
    let value: JSON

    struct Binding: Equatable {
        let place: Place
        let isFilter: Bool
    }

    /// An element's number, or a member's name.
    enum Place: Hashable {
        case index(Int)
        case name(String)

        /// As in a path.
        var text: String {
            switch self {
            case .index(let index): "[\(index)]"
            case .name(let name): SignalPath([.name(name)]).text.dropFirst().description
            }
        }
    }

    /// What it is joined by. A filter that stands in the one path alone takes one of several values and says nothing of which time it is
    /// of; where it stands in both, what it matched belongs together.
    func key(withFilters: Bool) -> [Place] {
        bindings.compactMap { !$0.isFilter || withFilters ? $0.place : nil }
    }
}

extension SignalPath {
    /// Every value that it matches, in the document's order.
    func matches(in document: JSON) -> [PathMatch] {
        var matches: [PathMatch] = []
        walk(document, segments[...], [], &matches)
        return matches
    }

    /// The value of a path without wildcards; of another one the first.
    public func first(in document: JSON) -> JSON? { matches(in: document).first?.value }

    private func walk(
        _ value: JSON, _ rest: ArraySlice<Segment>, _ bindings: [PathMatch.Binding], _ matches: inout [PathMatch]
    ) {
        guard let segment = rest.first else { return matches.append(PathMatch(bindings: bindings, value: value)) }
        let rest = rest.dropFirst()
        switch segment {
        case .name(let name): if let member = value[name] { walk(member, rest, bindings, &matches) }
        case .index(let index):
            guard let elements = value.elements else { return }
            let place = index < 0 ? index + elements.count : index
            if elements.indices.contains(place) { walk(elements[place], rest, bindings, &matches) }
        case .wildcard:
            value.forEachChild { place, child in
                walk(child, rest, bindings + [PathMatch.Binding(place: place, isFilter: false)], &matches)
            }
        case .filter(let name, let text):
            value.forEachChild { place, child in
                guard child[name]?.text == text else { return }
                walk(child, rest, bindings + [PathMatch.Binding(place: place, isFilter: true)], &matches)
            }
        }
    }
}

extension JSON {
    /// A list's elements, or an object's members.
    fileprivate func forEachChild(_ take: (PathMatch.Place, JSON) -> Void) {
        if let elements { for (index, element) in elements.enumerated() { take(.index(index), element) } }
        for member in members ?? [] { take(.name(member.name), member.value) }
    }
}
