public import HTTP
internal import LinuxSystem

/// Where an API server is, and with what its clients show who they are.
public struct ClusterAccess: Equatable, Sendable {
    /// Where it is, and what is trusted to be it.
    public let server: Server
    /// nil where no token is sent: a proxy on this machine has its own.
    let tokenFile: String?

    public init(_ server: Server, tokenFile: String?) { (self.server, self.tokenFile) = (server, tokenFile) }

    /// Where the kubelet puts a pod's token and the cluster's certificate.
    private static let serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// What the kubelet gives every container: the server's address in the environment (KUBERNETES_SERVICE_HOST and _PORT), the
    /// service account's token and the cluster's certificate as files, unless others are named.
    public init(ofPodAt host: String, port: String, tokenFile: String?, certificateFile: String?) {
        // An IPv6 address has brackets in a URL (RFC 3986, section 3.2.2).
        let address = "https://" + (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
        self.init(
            Server(address, certificateFile: certificateFile ?? "\(ClusterAccess.serviceAccount)/ca.crt"),
            tokenFile: tokenFile ?? "\(ClusterAccess.serviceAccount)/token")
    }

    /// Whether a text is an address that a token may be sent to: HTTPS, or this machine.
    public static func isServer(_ text: String) -> Bool {
        let isPlain = text.hasPrefix("http://")
        guard isPlain || text.hasPrefix("https://") else { return false }
        let rest = text.dropFirst(isPlain ? 7 : 8)
        let authority = rest.prefix { $0 != "/" }
        // A user, a query or a fragment has no meaning here, and a space would split the request.
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !rest.contains(where: { "@?#\\".contains($0) }) else {
            return false
        }
        let (host, port): (Substring, Substring)
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return false }
            (host, port) = (authority[...end], authority[authority.index(after: end)...])
        } else {
            host = authority.prefix { $0 != ":" }
            port = authority[host.endIndex...]
        }
        let isPort = port.isEmpty || port.hasPrefix(":") && UInt16(port.dropFirst()).map { $0 > 0 } == true
        return !host.isEmpty && isPort && (!isPlain || ["127.0.0.1", "[::1]", "localhost"].contains(host))
    }
}
