import Foundation

/// A line of the log in logfmt.
public struct LogLine: CustomStringConvertible {
    public let description: String
    /// In their order, without quotation marks.
    private let fields: [(key: String, value: String)]

    public var message: String { self["msg"] ?? "" }
    public var level: String { self["level"] ?? "" }
    public var keys: [String] { fields.map(\.key) }

    public subscript(key: String) -> String? { fields.first { $0.key == key }?.value }

    /// What isn't logfmt has no fields.
    public init(_ text: String) {
        description = text
        var fields: [(key: String, value: String)] = []
        var rest = text[...]
        while !rest.isEmpty {
            guard let equals = rest.firstIndex(of: "=") else { break }
            let key = String(rest[..<equals])
            rest = rest[rest.index(after: equals)...]
            var value = ""
            if rest.first == "\"" {
                // A quoted value is a string of JSON.
                var end = rest.index(after: rest.startIndex)
                while end < rest.endIndex, rest[end] != "\"" {
                    end = rest.index(end, offsetBy: rest[end] == "\\" ? 2 : 1, limitedBy: rest.endIndex) ?? rest.endIndex
                }
                guard end < rest.endIndex else { break }
                let quoted = Data(rest[...end].utf8)
                value = (try? JSONSerialization.jsonObject(with: quoted, options: .fragmentsAllowed) as? String) ?? ""
                rest = rest[rest.index(after: end)...]
            } else {
                let end = rest.firstIndex(of: " ") ?? rest.endIndex
                value = String(rest[..<end])
                rest = rest[end...]
            }
            fields.append((key, value))
            if rest.first == " " { rest = rest.dropFirst() } else { break }
        }
        self.fields = rest.isEmpty ? fields : []
    }
}
