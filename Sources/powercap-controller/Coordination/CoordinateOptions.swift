internal import Fleet
internal import HTTPServer

/// How a coordinator was asked to run, beside the configuration.
struct CoordinateOptions: Equatable, Sendable {
    let listen: ListenAddress
    let certificate: CertificateFiles
    let audience: String
    /// `system:serviceaccount:NAMESPACE:NAME`, as which nodes ask.
    let account: String
    let namespace: String
    /// What people call this coordinator. In the Lease something random is added.
    let identity: String
    /// Which part of each budget it keeps, and of how many.
    let shard: Int
    let sharding: Sharding
    /// Where it is asked how things are; nil is nowhere.
    let metricsAddress: ListenAddress?
}
