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
        guard let reason = settings.reasonForKubernetes else { return nil }
        let configuration = settings.configuration
        if configuration.policy.source == .demo { throw .demoInCluster(settings.given("SOURCE")) }
        guard let name = configuration.nodeName else { throw .noNodeName(because: reason) }
        self.init(name, at: try settings.clusterAccess(), because: reason)
    }
}

extension Settings {
    /// Why Kubernetes is used at all; nil where it is off.
    var reasonForKubernetes: String? {
        switch configuration.kubernetes {
        case .off: nil
        case .auto where serviceHost.isEmpty && configuration.kubeServer == nil: nil
        case .auto: configuration.kubeServer == nil ? "KUBERNETES_SERVICE_HOST is set" : "KUBE_SERVER is set"
        case .on: "KUBERNETES=on"
        }
    }

    /// Where the API server is.
    /// - Throws: nobody says where.
    func clusterAccess() throws(UsageError) -> ClusterAccess {
        let (tokenFile, certificateFile) = (configuration.kubeTokenFile, configuration.kubeCertificateFile)
        if let server = configuration.kubeServer {
            let address = server.hasSuffix("/") ? String(server.dropLast()) : server
            return ClusterAccess(Server(address, certificateFile: certificateFile), tokenFile: tokenFile)
        }
        guard !serviceHost.isEmpty else { throw .noServer(given("KUBERNETES")) }
        return ClusterAccess(
            ofPodAt: serviceHost, port: servicePort, tokenFile: tokenFile, certificateFile: certificateFile)
    }
}
