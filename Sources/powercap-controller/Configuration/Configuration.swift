internal import PowercapProtocol

/// What the policy does. Every field is one option of `Option.all`, and its initial value is that option's default.
struct Configuration: Equatable, Sendable {
    var maxSource = Microwatts.watts(40)
    var stabilisationTime = Milliseconds.seconds(300)
    var alpha = 4.0
    var raplMinPower = Microwatts.watts(10)
    var raplLimit = Percent(millionths: 0)
    var pmaxFunction = ReferenceFunction.sum
    /// A name in the time zone database; nil is the host's zone.
    var timeZone: String?
    var source = SourceName.solar
    var shortTerm = ShortTermPolicy.equal
    var onExit = ExitAction.restore
    var onDrift = DriftAction.reassert
    var sampleInterval = Milliseconds.seconds(10)
    var leaseTime = Milliseconds.seconds(30)
    var helperSocket = "/run/powercap/raplhelper.sock"
    var kubernetes = KubernetesUse.auto
    /// The name of this machine's Node; nil where none is given.
    var nodeName: String?
    /// The API server's address; nil is that of the cluster that this runs in.
    var kubeServer: String?
    var kubeTokenFile: String?
    var kubeCertificateFile: String?
    var logFormat = LogFormat.logfmt
    var logLevel = LogLevel.info
}

/// How the reference power comes from the packages' own. With `sum` MAX_SOURCE is the node's; otherwise each package's.
enum ReferenceFunction: String, CaseIterable, Sendable { case sum, max, min, avg }

enum SourceName: String, CaseIterable, Sendable {
    case solar
    case constant = "static"
    /// A day in 90 s, to look at: on no Node of a cluster.
    case demo
}

/// What becomes of a package's short-term limit (PL2).
enum ShortTermPolicy: String, CaseIterable, Sendable {
    /// The long-term limit: a source can't be overdrawn, not even for a moment.
    case equal
    /// As far from the long-term limit as it was at first.
    case scaled
    case untouched
}

/// What the controller asks of the helper when it ends.
enum ExitAction: String, CaseIterable, Sendable { case restore, hold }

/// What the controller does when another party changed a limit.
enum DriftAction: String, CaseIterable, Sendable { case reassert, leave }

/// Whether the controller reads its Node and publishes on it.
enum KubernetesUse: String, CaseIterable, Sendable {
    /// Where it runs in a cluster, or is told of one.
    case auto
    case on, off
}

enum LogFormat: String, CaseIterable, Sendable { case logfmt, json }

enum LogLevel: String, CaseIterable, Sendable { case error, warning, info, debug }
