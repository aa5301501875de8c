/// Where a document is: `https://HOST[:PORT][/PATH][?QUERY]` (RFC 3986).
public struct WebURL: Equatable, Sendable {
    /// HTTP without TLS.
    public let isPlain: Bool
    let endpoint: Endpoint
    /// `https://HOST[:PORT]`, in small letters: what has another is another server.
    public let origin: String
    /// Without the query.
    public let path: String
    /// With its question mark; empty where there is none.
    public let query: String

    /// Why a text is no URL.
    public enum Problem: Error, Equatable, Sendable {
        /// Neither `https://` nor `http://`.
        case scheme
        /// A name or a password before the host, which every list of processes and every log would have.
        case login
        case host
        /// Something that has to be written as `%20`.
        case character(String)
        case tooLong
    }

    /// In bytes. Servers take 8000 (RFC 9110, section 4.1).
    private static let longest = 8_000

    /// From `https://…` or `http://…`, whole; a fragment and a login have no place in it.
    public init(_ text: String) throws(Problem) {
        if text.utf8.count > WebURL.longest { throw .tooLong }
        let scheme = text.scheme?.lowercased()
        guard scheme == "https" || scheme == "http" else { throw .scheme }
        isPlain = scheme == "http"
        // RFC 3986, section 2, but for the fragment's mark, which no server sees.
        let odd = text.unicodeScalars.first { scalar in
            !(scalar.value > 0x20 && scalar.value < 0x7F) || "\"<>\\^`{|}#".unicodeScalars.contains(scalar)
        }
        if let odd { throw .character(String(odd)) }
        let rest = text.droppingScheme
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        if authority.contains("@") { throw .login }
        guard let endpoint = Endpoint(text, defaultPort: isPlain ? 80 : 443) else { throw .host }
        let host = endpoint.host.lowercased()
        let isAddress = endpoint.isAddress
        // Nothing else has a colon in it, and what isn't of a name would be looked up with what is around it.
        let isName = host.utf8.allSatisfy { byte in
            UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
                || "-._".utf8.contains(byte)
        }
        guard isAddress || isName else { throw .host }
        self.endpoint = Endpoint(host: host, port: endpoint.port)
        let usual = endpoint.port == (isPlain ? 80 : 443)
        origin =
            "\(isPlain ? "http" : "https")://" + (host.contains(":") ? "[\(host)]" : host) + (usual ? "" : ":\(endpoint.port)")
        let target = rest[authority.endIndex...]
        let path = target.prefix { $0 != "?" }
        self.path = path.isEmpty ? "/" : String(path)
        query = String(target[path.endIndex...])
    }

    /// What a server means by a reference of its own (RFC 3986, section 5.2); nil where that is no URL of the web. Dots in a path are
    /// libcurl's to resolve.
    func resolving(_ reference: String) -> WebURL? {
        let reference = reference.prefix { $0 != "#" }
        let first = reference.prefix { !":/?".contains($0) }
        let isWhole = !first.isEmpty && reference[first.endIndex...].hasPrefix(":")
        let text: String =
            if isWhole {
                String(reference)
            } else if reference.hasPrefix("//") {
                (isPlain ? "http:" : "https:") + reference
            } else if reference.hasPrefix("/") {
                origin + reference
            } else if reference.isEmpty || reference.hasPrefix("?") {
                origin + path + reference
            } else {
                origin + path[...(path.lastIndex(of: "/") ?? path.startIndex)] + reference
            }
        return try? WebURL(text)
    }

    /// Whose server is on this machine, or on a network of its owner's: what is asked there costs nobody else anything (RFC 1918, 4193, 3927,
    /// 6762, 8375). Of a name nothing else can be known without asking.
    public var isPrivate: Bool {
        if endpoint.isAddress { return Network.own.contains { endpoint.isWithin($0) } }
        return endpoint.host == "localhost" || !endpoint.host.contains(".")
            || Network.ownNames.contains { endpoint.host.hasSuffix($0) }
    }

    /// Whose server is on this machine itself: what is sent there nobody else sees.
    public var isLocal: Bool {
        endpoint.isAddress ? ["127.0.0.0/8", "::1"].contains { endpoint.isWithin($0) } : endpoint.host == "localhost"
    }

    /// A host's name or address, without brackets.
    public var host: String { endpoint.host }

    private enum Network {
        static let own = [
            "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1", "fc00::/7", "fe80::/10",
        ]
        static let ownNames = [".localhost", ".local", ".home.arpa", ".internal", ".lan", ".svc", ".cluster.local"]
    }
}
