internal import HTTP
internal import Signals

// How a service's addresses, and places in its answers, are read and written.

private let validAddress =
    "https:// or http://, a host, and what is behind it, such as https://api.example.org/prices?day={date+1}; {date}, {now}, {now+PT24H} "
    + "and {unix} stand for times, and a login goes into a file"

extension ValueKind where Value == [AddressTemplate] {
    /// With blanks between them.
    static let addresses = ValueKind(
        words: ValueWords(
            noun: "a list of addresses", placeholder: "URL", valid: validAddress + ", at most \(AddressTemplate.most)"),
        parse: { text throws(ValueProblem) in
            do throws(AddressTemplate.Problem) {
                let addresses = try AddressTemplate.all(in: text)
                if addresses.count <= AddressTemplate.most { return addresses }
            } catch { throw ValueProblem(error) }
            throw .tooHigh
        },
        show: { $0.map(\.text).joined(separator: " ") })
}

extension ValueKind where Value == [AddressTemplate] {
    /// One, or none.
    static let oneAddress = ValueKind(
        words: ValueWords(noun: "an address", placeholder: "URL", valid: validAddress),
        parse: { text throws(ValueProblem) in
            let addresses = try addresses.parse(text)
            if addresses.count > 1 { throw .malformed }
            return addresses
        },
        show: addresses.show)
}

extension ValueKind where Value == AddressTemplate? {
    /// One, or none, which is written as nothing at all.
    static let address = ValueKind(
        words: ValueWords(noun: "an address", placeholder: "URL", valid: validAddress),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { return nil }
            do throws(AddressTemplate.Problem) { return try AddressTemplate(text) } catch { throw ValueProblem(error) }
        },
        show: { $0?.text ?? "" })
}

extension ValueKind where Value == SignalPath {
    /// Where something stands in an answer.
    static let place = ValueKind(
        words: ValueWords(
            noun: "a path", placeholder: "PATH", valid: "a path of JSON, such as $.token or $.data[0]['access-token']"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { throw .empty }
            return try SignalPath(option: text)
        },
        show: \.text)
}

extension ValueProblem {
    fileprivate init(_ problem: AddressTemplate.Problem) {
        if case .placeholder(let name) = problem, !name.isEmpty { self = .unfilled(name) } else { self = .malformed }
    }
}
