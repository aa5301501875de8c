/// A proxy that the environment names. libcurl would find it by the same rules (CURLOPT_PROXY(3), CURLOPT_NOPROXY(3)); it is found here,
/// because its name has to be looked up outside of libcurl as well.
struct Proxy: Equatable, Sendable {
    /// As libcurl takes it.
    let text: String
    let endpoint: Endpoint
    /// It is told the server's name, and looks it up itself.
    let takesNames: Bool

    /// The one that is to be used for a server over HTTPS, if any.
    init?(for server: Endpoint, environment: (String) -> String?) {
        /// What is empty counts as unset.
        func variable(_ name: String) -> String? {
            for name in [name, name.uppercased()] { if let value = environment(name), !value.isEmpty { return value } }
            return nil
        }
        guard let text = variable("https_proxy") ?? variable("all_proxy") else { return nil }
        if let exceptions = variable("no_proxy"), Proxy.isExcepted(server, exceptions) { return nil }
        let scheme = text.scheme?.lowercased() ?? "http"
        guard let endpoint = Endpoint(text, defaultPort: scheme == "https" ? 443 : 1080) else { return nil }
        (self.text, self.endpoint, takesNames) = (text, endpoint, !["socks4", "socks5"].contains(scheme))
    }

    /// - Parameter exceptions: names, which stand for what is below them, too, addresses and networks; `*` is everything.
    private static func isExcepted(_ server: Endpoint, _ exceptions: String) -> Bool {
        if exceptions == "*" { return true }
        let host = server.host.lowercased().droppingDot
        return exceptions.split { $0 == "," || $0 == " " || $0 == "\t" }.contains { exception in
            if server.isAddress {
                let network = exception.filter { $0 != "[" && $0 != "]" }
                return Endpoint(host: host, port: server.port).isWithin(network)
            }
            var name = exception.lowercased().droppingDot
            if name.hasPrefix(".") { name.removeFirst() }
            return !name.isEmpty && (host == name || host.hasSuffix(".\(name)"))
        }
    }
}

extension String {
    /// A name that is said to be whole.
    fileprivate var droppingDot: String { hasSuffix(".") ? String(dropLast()) : self }
}
