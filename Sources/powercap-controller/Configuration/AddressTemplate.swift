internal import HTTP
internal import Kubernetes
internal import Signals

/// A service's address, in which times may be left open: `https://api.example.org/prices?day={date+1}`.
struct AddressTemplate: Equatable, Sendable {
    /// As it is written.
    let text: String
    private let parts: [Part]

    private enum Part: Equatable, Sendable {
        case text(String)
        /// `{date}`, `{date+1}`: a day of the calendar in the signal's zone.
        case date(days: Int64)
        /// `{now}`, `{now+PT24H}`: as in RFC 3339, in UTC and without seconds, as most services take it.
        case now(seconds: Int64)
        /// `{unix}`, `{unix-PT1H}`: seconds since 1970.
        case unix(seconds: Int64)
    }

    /// Why a text is none. Nothing of the text is kept but what stands in braces: it may be a secret.
    enum Problem: Error, Equatable, Sendable {
        case url(WebURL.Problem)
        /// Braces with something else in them.
        case placeholder(String)
        /// A brace without its other one.
        case brace
    }

    init(_ text: String) throws(Problem) {
        self.text = text
        var (parts, rest): ([Part], Substring) = ([], text[...])
        while !rest.isEmpty {
            let plain = rest.prefix { $0 != "{" }
            if plain.contains("}") { throw .brace }
            if !plain.isEmpty { parts.append(.text(String(plain))) }
            rest = rest[plain.endIndex...]
            guard !rest.isEmpty else { break }
            let name = rest.dropFirst().prefix { $0 != "}" && $0 != "{" }
            guard rest[name.endIndex...].hasPrefix("}") else { throw .brace }
            guard let part = AddressTemplate.part(name) else { throw .placeholder(String(name)) }
            parts.append(part)
            rest = rest[name.endIndex...].dropFirst()
        }
        self.parts = parts
        do throws(WebURL.Problem) { _ = try url(at: 0) } catch { throw .url(error) }
    }

    private static func part(_ name: Substring) -> Part? {
        let word = name.prefix { $0 != "+" && $0 != "-" }
        let (sign, offset) = (name[word.endIndex...].first, name[word.endIndex...].dropFirst())
        let factor: Int64 = sign == "-" ? -1 : 1
        if word == "date" {
            if sign == nil { return .date(days: 0) }
            guard 1...3 ~= offset.utf8.count, offset.utf8.allSatisfy({ (48...57).contains($0) }), let days = Int64(offset) else {
                return nil
            }
            return .date(days: factor * days)
        }
        guard word == "now" || word == "unix" else { return nil }
        var seconds: Int64 = 0
        if sign != nil {
            guard let duration = SignalDuration(String(offset)), duration != .endless else { return nil }
            seconds = factor * duration.seconds
        }
        return word == "now" ? .now(seconds: seconds) : .unix(seconds: seconds)
    }

    /// What it is at a time.
    /// - Parameters:
    ///   - seconds: since 1970.
    ///   - zone: whose calendar days are.
    func url(at seconds: Int64, in zone: SignalZone = .utc) throws(WebURL.Problem) -> WebURL {
        var url = ""
        for part in parts {
            switch part {
            case .text(let text): url += text
            case .date(let days):
                let local = seconds + zone.offset_s(at: seconds) + days * 86_400
                url += Timestamp.seconds(local).prefix { $0 != "T" }
            case .now(let offset): url += Timestamp.seconds(seconds + offset).dropLast(4) + "Z"
            case .unix(let offset): url += "\(seconds + offset)"
            }
        }
        return try WebURL(url)
    }

    /// Several, with blanks between them.
    static func all(in text: String) throws(Problem) -> [AddressTemplate] {
        var all: [AddressTemplate] = []
        for part in text.split(whereSeparator: \.isWhitespace) { all.append(try AddressTemplate(String(part))) }
        return all
    }

    /// So many are asked for one source.
    static let most = 8
}

extension AddressTemplate.Problem {
    /// Behind what it is of.
    var words: String {
        switch self {
        case .brace: "has a brace without its other one: write {date}, {date+1}, {now}, {now+PT24H} or {unix}"
        case .placeholder(let name):
            "has {\(name.printablePrefix)} in it, which stands for nothing here: write {date}, {date+1}, {now}, {now+PT24H} or {unix}, "
                + "or what is meant by it in its place"
        case .url(let problem): problem.words
        }
    }
}

extension String {
    /// What somebody wrote between braces, as far as it is a name.
    fileprivate var printablePrefix: Substring { prefix(32).prefix { $0.isASCII && !$0.isWhitespace } }
}

extension WebURL.Problem {
    /// Behind what it is of.
    var words: String {
        switch self {
        case .scheme: "is no address of the web: write https://, or http:// for a device in your own network, before the host"
        case .login:
            "has a name or a password before the host, which everybody would see: put `USER:PASSWORD` into a file, and name that file"
        case .host: "has no host, or one that can't be: write a name, an IPv4 address, or an IPv6 address in brackets"
        case .character(let character):
            "has a character that no address has (U+\(String(character.unicodeScalars.first?.value ?? 0, radix: 16, uppercase: true))): "
                + "write it with %, such as %20 for a blank"
        case .tooLong: "is longer than servers take: write at most 8000 bytes"
        }
    }
}
