internal import HTTP
internal import Kubernetes
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// This machine's Node, and where its API server is.
struct OwnNode: Equatable, Sendable {
    let access: ClusterAccess
    let name: String
    /// Why Kubernetes is used at all.
    let reason: String

    /// What the API server's log calls this program.
    static let userAgent = "powercap-controller/\(Release.version)"

    init(_ name: String, at access: ClusterAccess, because reason: String) {
        (self.name, self.access, self.reason) = (name, access, reason)
    }

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
        if configuration.policy.source == .demo { throw .demoInCluster(settings.given("SOURCE")) }
        guard let name = configuration.nodeName else { throw .noNodeName(because: reason) }
        self.name = name
        let (tokenFile, certificateFile) = (configuration.kubeTokenFile, configuration.kubeCertificateFile)
        if let server = configuration.kubeServer {
            let address = server.hasSuffix("/") ? String(server.dropLast()) : server
            access = ClusterAccess(Server(address, certificateFile: certificateFile), tokenFile: tokenFile)
        } else {
            guard !host.isEmpty else { throw .noServer(settings.given("KUBERNETES")) }
            access = ClusterAccess(
                ofPodAt: host, port: settings.servicePort, tokenFile: tokenFile, certificateFile: certificateFile)
        }
    }
}
