internal import Policy
internal import PowercapProtocol

extension Option {
    /// The one table of options: parsing, `help`, `validate` and the README's table come from it.
    static let all: [Option] = ofCurve + ofSource + ofLimits

    /// How much there is, how often is decided, and the bounds.
    private static let ofCurve: [Option] = [
        Option(
            "MAX_SOURCE", { $1(&$0.policy.maxSource) }, .power(.watts(1) ... .watts(1_000_000)),
            "Peak of the power source: the node's, or each package's where PMAX_FUNC is not sum. With SOURCE=sun, what panels that lie "
                + "flat give at 1000 W of sunlight per square metre."),
        Option(
            "STABILISATION_TIME", { $1(&$0.stabilisationTime) }, .time(.second ... .day),
            "Time between decisions. A changed override or a step of the source decides at once."),
        Option(
            "ALPHA", { $1(&$0.policy.alpha) }, .number(atMost: 100),
            "Exponent of the solar curve: the larger, the shorter the day."),
        Option(
            "SOLAR_FROM", { $1(&$0.policy.solarFrom) }, .timeOfDay,
            "When the solar curve leaves 0, by the clock on the wall. Its peak is in the middle between this and SOLAR_TO."),
        Option(
            "SOLAR_TO", { $1(&$0.policy.solarTo) }, .timeOfDay,
            "When the solar curve is back at 0: at least an hour after SOLAR_FROM, on the same day."),
        Option(
            "LATITUDE", { $1(&$0.policy.latitude) },
            .degrees("latitude", atMost: 90, "north of the equator, such as 52.52 (Berlin) or -33.87 (Sydney)"),
            "Where the panels are, in degrees north of the equator (south is negative). SOURCE=sun requires it; without sun it is refused."
        ),
        Option(
            "LONGITUDE", { $1(&$0.policy.longitude) },
            .degrees("longitude", atMost: 180, "east of Greenwich, such as 13.405 (Berlin) or -99.13 (Mexico City)"),
            "Where the panels are, in degrees east of Greenwich (west is negative). SOURCE=sun requires it; without sun it is refused."
        ),
        Option(
            "RAPL_MIN_POWER", { $1(&$0.policy.raplMinPower) }, .power(.watts(1) ... .registerMaximum),
            "Floor of every limit that is written, per package."),
        Option(
            "RAPL_LIMIT", { $1(&$0.policy.raplLimit) }, .percent,
            "Floor of the node's limit as a percentage of its reference power."),
        Option(
            "PMAX_FUNC", { $1(&$0.policy.pmaxFunction) }, .choice,
            "How the reference power comes from the packages' long_term maxima. With sum, MAX_SOURCE and the limit are the "
                + "node's; with max, min or avg they are each package's."),
        Option(
            "TIMEZONE", { $1(&$0.timeZone) }, .timeZone,
            "Time zone of the solar curve, of schedules, and of the days of plans and volumes; host is the machine's own (TZ, or /etc/localtime)."
        ),
    ]

    /// What becomes of the power: limits, who may ask for others, and where the program is asked.
    private static let ofLimits: [Option] = [
        Option(
            "RAMP_UP", { $1(&$0.policy.rampUp) }, .rate,
            "How fast limits rise, together (of each package where PMAX_FUNC is not sum). off is at once."),
        Option(
            "RAMP_DOWN", { $1(&$0.policy.rampDown) }, .rate,
            "How fast limits fall when the source does: until they have fallen the node may take more than the source gives. off is at once. "
                + "Overrides count at once."),
        Option(
            "DEAD_BAND", { $1(&$0.policy.deadBand) }, .power(.zero ... .watts(1_000_000)),
            "A rise of the source by less than this is not followed. A fall always is."),
        Option(
            "MIN_HOLD", { $1(&$0.policy.minHold) }, .time(Milliseconds(0) ... .day),
            "How long after a change limits do not rise. They fall at any time."),
        Option(
            "LOOK_AHEAD", { $1(&$0.policy.lookAhead) }, .lookAhead,
            "How long before a fall that a file foretells limits are down already: the time window of the packages' limits (window), or a "
                + "time; with RAMP_DOWN they begin to fall as much earlier as it takes. off is not at all."),
        Option(
            "GOVERN", { $1(&$0.policy.govern) }, .governed,
            "What is limited, as far as it is there; the helper has to be told the same (--govern). gpu is amdgpu, i915, xe and the GPUs of "
                + "DEVICE_URL; intel-rapl-mmio beside intel-rapl sets both registers of a package. Everything else is measured."),
        Option(
            "BUDGET_OF", { $1(&$0.policy.budgetScope) }, .optionalChoice(),
            "What the node's limit is a limit of: the processor packages together, everything that is governed (devices), or the whole server as "
                + "its meter reads it, of which devices have what the rest leaves. Without it packages where GOVERN names nothing else, "
                + "and otherwise devices."),
        Option(
            "WEIGHTS", { $1(&$0.policy.weights) }, .weights,
            "By what the reference power of a package and of a GPU is multiplied for its share of the node's limit."),
        Option(
            "SPLIT", { $1(&$0.policy.split) }, .choice,
            "How the node's limit is divided over its devices: in proportion to their reference power, or by demand, which every 2 s gives "
                + "what one device doesn't need to one whose limit is in its way. By demand requires PMAX_FUNC=sum."),
        Option(
            "STRATEGY", { $1(&$0.policy.strategy) }, .choice,
            "What the node's work has to do with its limit. follow is nothing. idle-down gives a node without work its floor, though the source "
                + "has more, and what the source has within 2 s of the first sign of work."),
        Option(
            "IDLE_AFTER", { $1(&$0.policy.idleAfter) }, .time(.seconds(2) ... .day),
            "How long a node has to be without work before STRATEGY=idle-down gives it its floor."),
        Option(
            "QOS", { $1(&$0.policy.qosHint) }, .choice,
            "With STRATEGY=idle-down: on takes what pods of best effort do for no work, by their cgroup under /sys/fs/cgroup."),
        Option(
            "SHORT_TERM", { $1(&$0.policy.shortTerm) }, .choice,
            "Short-term limit (PL2): equal to the long-term one, scaled by the original ratio, or untouched."),
        Option(
            "ON_EXIT", { $1(&$0.onExit) }, .choice,
            "What becomes of the limits at exit: the originals come back, they stay, or they become FALLBACK_LIMIT."),
        Option(
            "FALLBACK_LIMIT", { $1(&$0.policy.fallbackLimit) }, .optionalPower,
            "What the node's limit becomes when its controller is lost, and where the helper saves it at the start of a boot, instead of the "
                + "originals: divided over the packages, never more than was in force."),
        Option(
            "ON_DRIFT", { $1(&$0.onDrift) }, .choice,
            "What to do when another party changed a limit: set it again, or leave it. Both report it."),
        Option(
            "SAMPLE_INTERVAL", { $1(&$0.sampleInterval) }, .time(.second ... .hour),
            "How often limits and energy are read back."),
        Option(
            "LEASE_TIME", { $1(&$0.leaseTime) }, .time(.second ... .hour),
            "How long the helper waits for a silent controller before it acts by itself."),
        Option("RAPLHELPER_SOCKET", flag: "--helper-socket", { $1(&$0.helperSocket) }, .socketPath, "The helper's socket."),
        Option(
            "DEVICE_URL", { $1(&$0.devices.addresses) }, .deviceAddresses,
            "Services that have devices: unix:/run/zeusd/zeusd.sock (the Zeus daemon's GPUs), https://BMC/redfish/v1/Systems (Redfish; or a "
                + "resource below, such as a GPU's EnvironmentMetrics); several with blanks between them. They are measured; limits are set "
                + "where GOVERN has gpu (docs/devices.md)."),
        Option(
            "DEVICE_LOGIN_FILE", { $1(&$0.devices.loginFile) }, .filePath,
            "A file with `USER:PASSWORD` that is shown to the Redfish services of DEVICE_URL. Like all files of DEVICE_URL it is read again for "
                + "each request."),
        Option(
            "DEVICE_TOKEN_FILE", { $1(&$0.devices.tokenFile) }, .filePath,
            "A file with the bearer token that is shown to the Zeus daemons of DEVICE_URL."),
        Option(
            "DEVICE_CA_FILE", { $1(&$0.devices.certificateFile) }, .filePath,
            "Certificates that those services' are checked against, for a BMC that has signed its own; the system's where none are given."
        ),
        Option(
            "DEVICE_MIN_POWER", { $1(&$0.devices.minPower) }, .power(.watts(1) ... .watts(10_000)),
            "Floor of the limit of a device whose service names none."),
        Option(
            "DEVICE_STATE_FILE", { $1(&$0.devices.stateFile) }, .filePath,
            "Where the limits that those devices had before are kept until they are back, through a reboot. Without it "
                + "\(DeviceSettings.usualStateFile)."),
        Option(
            "CONTROL_SOCKET", { $1(&$0.controlSocket) }, .ownSocket,
            "The controller's own socket, where it is asked and where operators give orders; orders are saved beside it. off is none."
        ),
        Option(
            "CONTROL_GROUP", { $1(&$0.controlGroup) }, .group,
            "Whose members may give orders on CONTROL_SOCKET, beside root and the controller's own user. Everybody may read."),
        Option(
            "METRICS_ADDRESS", { $1(&$0.metricsAddress) }, .listenAddress,
            "Where metrics and a page for people are served over TCP, to everybody who can connect; nothing can be changed there. off is "
                + "nowhere."),
        Option(
            "KUBERNETES", { $1(&$0.kubernetes) }, .choice,
            "Whether to read overrides from this machine's Node and to publish on it. auto does in a cluster's pod and where "
                + "KUBE_SERVER is given."),
        Option("NODE_NAME", { $1(&$0.nodeName) }, .nodeName, "This machine's Node; required with Kubernetes."),
        Option(
            "KUBE_SERVER", { $1(&$0.kubeServer) }, .server,
            "The API server outside of a cluster's pod. Plain http is for `kubectl proxy` on this machine."),
        Option(
            "KUBE_TOKEN_FILE", { $1(&$0.kubeTokenFile) }, .filePath,
            "The bearer token's file, read again for every request. In a pod the service account's, unless KUBE_SERVER is given."),
        Option(
            "KUBE_CA_FILE", { $1(&$0.kubeCertificateFile) }, .filePath,
            "Certificates that the API server's is checked against. In a pod the service account's, unless "
                + "KUBE_SERVER is given; elsewhere the system's."),
        Option("LOG_FORMAT", { $1(&$0.logFormat) }, .choice, "Format of log lines."),
        Option("LOG_LEVEL", { $1(&$0.logLevel) }, .choice, "Least important kind of line that is logged."),
    ]
}
