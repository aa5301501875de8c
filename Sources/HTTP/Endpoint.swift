internal import CThreads

/// Where a URL's server is.
struct Endpoint: Equatable, Sendable {
    /// A name, or an address without brackets.
    let host: String
    let port: UInt16

    /// From `SCHEME://HOST[:PORT]…`, with `USER@` before the host where a proxy's has one. nil where that is not what it is.
    init?(_ url: String, defaultPort: UInt16) {
        let rest = url.droppingScheme
        var authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        let port: Substring
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = String(authority[authority.index(after: authority.startIndex)..<end])
            port = authority[authority.index(after: end)...]
        } else {
            let name = authority.prefix { $0 != ":" }
            (host, port) = (String(name), authority[name.endIndex...])
        }
        guard !host.isEmpty else { return nil }
        if port.isEmpty {
            self.port = defaultPort
        } else {
            guard port.hasPrefix(":"), let number = UInt16(port.dropFirst()), number > 0 else { return nil }
            self.port = number
        }
    }

    init(host: String, port: UInt16) { (self.host, self.port) = (host, port) }

    /// There is nothing to look up.
    var isAddress: Bool { unsafe host.withCString { unsafe ct_is_address($0) } }

    /// Whether it is an address of a network, such as `10.0.0.0/8`.
    func isWithin(_ network: String) -> Bool {
        unsafe host.withCString { host in unsafe network.withCString { unsafe ct_is_within(host, $0) } }
    }
}

// By hand: the library's searches for a text in a text bring a megabyte of regular expressions.
extension String {
    /// Of a URL, without its end; nil where it has none.
    var scheme: Substring? {
        guard let colon = firstIndex(of: ":"), self[colon...].hasPrefix("://") else { return nil }
        return self[..<colon]
    }

    /// A URL behind `SCHEME://`.
    var droppingScheme: Substring { scheme.map { self[$0.endIndex...].dropFirst(3) } ?? self[...] }
}
