internal import LinuxSystem

/// Where the API server is, and what the controller shows there.
struct ClusterAccess: Equatable, Sendable {
    /// `https://10.96.0.1:443`, without a slash at the end: a request's path follows.
    let server: String
    /// nil where no token is sent: a proxy on this machine has its own.
    let tokenFile: String?
    /// What the server's certificate is checked against; nil is the system's.
    let certificateFile: String?
    let nodeName: String
    /// Why Kubernetes is used at all.
    let reason: String

    /// HTTP without TLS, to this machine.
    var isPlain: Bool { server.hasPrefix("http://") }

    /// Where the kubelet puts a pod's token and the cluster's certificate.
    static let serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// nil where Kubernetes is off.
    init?(_ settings: Settings) throws(UsageError) {
        let configuration = settings.configuration
        let host = settings.serviceHost
        switch configuration.kubernetes {
        case .off: return nil
        case .auto where host.isEmpty && configuration.kubeServer == nil: return nil
        case .auto: reason = configuration.kubeServer == nil ? "KUBERNETES_SERVICE_HOST is set" : "KUBE_SERVER is set"
        case .on: reason = "KUBERNETES=on"
        }
        if configuration.source == .demo { throw .demoInCluster(settings.given("SOURCE")) }
        guard let name = configuration.nodeName else { throw .noNodeName(because: reason) }
        nodeName = name
        if let server = configuration.kubeServer {
            self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
            (tokenFile, certificateFile) = (configuration.kubeTokenFile, configuration.kubeCertificateFile)
        } else {
            guard !host.isEmpty else { throw .noServer(settings.given("KUBERNETES")) }
            // An IPv6 address has brackets in a URL (RFC 3986, section 3.2.2).
            server = "https://" + (host.contains(":") ? "[\(host)]" : host) + ":\(settings.servicePort)"
            tokenFile = configuration.kubeTokenFile ?? "\(ClusterAccess.serviceAccount)/token"
            certificateFile = configuration.kubeCertificateFile ?? "\(ClusterAccess.serviceAccount)/ca.crt"
        }
    }

    /// Whether a text is an address that a token may be sent to: HTTPS, or this machine.
    static func isServer(_ text: String) -> Bool {
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
