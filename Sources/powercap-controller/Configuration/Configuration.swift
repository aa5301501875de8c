internal import HTTPServer
internal import Logging
internal import Policy
internal import PowercapProtocol
internal import Signals

/// How the controller was asked to run. Every field, here and in `policy`, is one option of `Option.all`, and its initial value is
/// that option's default.
struct Configuration: Equatable, Sendable {
    var policy = PowerPolicy()
    var stabilisationTime = Milliseconds.seconds(300)
    /// A name in the time zone database; nil is the host's zone.
    var timeZone: String?
    /// As the program that this one replaces was told; nil where nobody says it.
    var dataProvider: DataProvider?
    /// What SOURCE=schedule goes by; nil with every other source.
    var scheduleFile: String?
    /// What SOURCE=series goes by; nil with every other source.
    var seriesFile: String?
    /// The name of the value's column in that file; nil is the second of two.
    var sourceColumn: String?
    /// What SOURCE=http goes by.
    var service = ServiceSettings()
    /// Says how a service answers, or a file like it is written; nil where the options below do, or where the file is one of lines
    /// `time,value`.
    var sourcePreset: SourcePreset?
    /// Where the values are in a document; nil is the preset's.
    var sourceValue: SignalPath?
    /// Where their times are; nil is the preset's.
    var sourceTime: SourceTime?
    /// Where the first value's time is; nil is the preset's.
    var sourceStart: SignalPath?
    /// How long a value is, by the first of these that is there; none is the preset's.
    var sourceSteps: [DocumentShape.Step] = []
    /// Of times that name no zone; nil is UTC.
    var sourceTimeZone: SourceZone?
    /// What a value's time says of it; nil is the preset's, or its start.
    var sourceStamp: SignalReader.Stamp?
    /// What null stands for; nil is the preset's, or no data.
    var sourceNull: SignalReader.Nulls?
    /// By which values are multiplied; nil is the preset's, or 1.
    var sourceFactor: Double?
    /// Whom SOURCE=granted asks.
    var grants = GrantSettings()
    /// What is measured beside the source; nil is nothing.
    var liveFile: String?
    /// Who is asked for the live value instead.
    var liveService = ServiceSettings(refresh: .seconds(60))
    /// Where the value stands in that; nil where it is all that there is.
    var liveValue: SignalPath?
    /// What makes powers of the source's values; nil where they are powers.
    var signalMap: SignalMap?
    /// What volumes are shares of; nil is the day's largest.
    var volumeWhole: SignalMap.Whole?
    /// What the source's values are in; nil is the preset's.
    var signalUnit: String?
    var onExit = ExitAction.restore
    var onDrift = DriftAction.reassert
    var sampleInterval = Milliseconds.seconds(10)
    var leaseTime = Milliseconds.seconds(30)
    var helperSocket = "/run/powercap/raplhelper.sock"
    /// Services whose devices are measured and limited beside the helper's.
    var devices = DeviceSettings()
    /// The controller's own socket; nil is none.
    var controlSocket: String? = "/run/powercap/controller.sock"
    /// The gid of those who may change limits over it, beside root and the controller's own user.
    var controlGroup: UInt32?
    /// Where metrics and the page are served over TCP; nil is nowhere.
    var metricsAddress = ListenAddress("127.0.0.1:28320")
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

extension Configuration {
    /// Something is measured beside the source.
    var isLive: Bool { liveFile != nil || liveService.isGiven }

    /// What makes powers of the source's values, with everything that is to be known for it; nil where they are powers.
    var valueMap: SignalMap? {
        guard case .share(let usual) = signalMap else { return signalMap }
        return .share(of: volumeWhole ?? usual)
    }

    /// What the source's values are in; nil where nobody says.
    var unitOfSignal: String? { signalUnit ?? sourcePreset?.unit }
}

/// What the controller asks of the helper when it ends.
enum ExitAction: String, CaseIterable, Sendable { case restore, hold, fallback }

/// What the controller does when another party changed a limit.
enum DriftAction: String, CaseIterable, Sendable { case reassert, leave }

/// Whether the controller reads its Node and publishes on it.
enum KubernetesUse: String, CaseIterable, Sendable {
    /// Where it runs in a cluster, or is told of one.
    case auto
    case on, off
}
