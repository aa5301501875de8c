internal import Policy
internal import PowercapProtocol

/// An option of the configuration: a variable of the environment, and a flag which wins over it.
struct Option: Sendable {
    let variable: String
    let flag: String
    let words: ValueWords
    let help: String
    /// Reads a text into the option's field.
    let read: @Sendable (String, inout Configuration) throws(ValueProblem) -> Void
    /// The field as a text that reads back as the same value.
    let show: @Sendable (Configuration) -> String

    /// The default, which is the field's initial value.
    var standard: String { show(Configuration()) }

    /// A field of the configuration: gives it to whoever reads or sets it. A key path would say the same, and the types of so many take a
    /// millisecond to be made at every start.
    typealias Field<Value> = @Sendable (inout Configuration, (inout Value) -> Void) -> Void

    /// - Parameter flag: where it is not the variable's name in kebab-case.
    init<Value>(
        _ variable: String, flag: String? = nil, _ field: @escaping Field<Value>, _ kind: ValueKind<Value>, _ help: String
    ) {
        self.variable = variable
        self.flag = flag ?? "--" + variable.lowercased().split(separator: "_").joined(separator: "-")
        self.words = kind.words
        self.help = help
        read = { text, configuration throws(ValueProblem) in
            let value = try kind.parse(text)
            field(&configuration) { $0 = value }
        }
        show = { configuration in
            var (copy, text) = (configuration, "")
            field(&copy) { text = kind.show($0) }
            return text
        }
    }
}

extension Option {
    /// The one table of options: parsing, `help`, `validate` and the README's table come from it.
    static let all: [Option] = [
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
        Option(
            "SOURCE", { $1(&$0.policy.source) }, .choice,
            "Power source. solar is a clear day's curve from SOLAR_FROM to SOLAR_TO local time, the same all year: it knows "
                + "no season and no weather. sun is the real sun over LATITUDE and LONGITUDE in a clear sky: it knows no weather. "
                + "static is MAX_SOURCE at all times. schedule is SCHEDULE_FILE's powers by the hours of the week, series SERIES_FILE's by "
                + "points in time, http those of a service at SOURCE_URL. granted is what a coordinator at GRANT_URL leaves this node of a budget that it "
                + "shares with others (docs/fleet.md), whatever MAX_SOURCE is. demo is for showing, on no Node of a cluster: the curve in a minute, again and again."
        ),
        Option(
            "DATA_PROVIDER", { $1(&$0.dataProvider) }, .dataProvider,
            "Of the program that this one replaces: epex is SOURCE=schedule with SOURCE_PRESET=origin-epex and SIGNAL_MAP=share; SCHEDULE_FILE is "
                + "then the directory of its files epex_data_2026-06-16.csv."),
        Option(
            "SCHEDULE_FILE", { $1(&$0.scheduleFile) }, .filePath,
            "What SOURCE=schedule goes by: lines `08:00-18:00,300W` or `Mon-Fri 08:00-18:00,300W` of local time, or a directory of such files whose names end in "
                + "their day (prices_2026-06-16.csv). Read again when it changes."
        ),
        Option(
            "SERIES_FILE", { $1(&$0.seriesFile) }, .filePath,
            "What SOURCE=series goes by: lines `2026-06-21T12:00:00Z,300W`, each until the next one's time. Read again when it changes."
        ),
        Option(
            "SOURCE_COLUMN", { $1(&$0.sourceColumn) }, .columnName,
            "The name of the column that has the powers, where the file has more than two, or names in its first line."),
        Option(
            "SOURCE_URL", { $1(&$0.service.addresses) }, .addresses,
            "What SOURCE=http asks: one address, or several with blanks between them whose answers are joined. {date} and {date+1} in it stand "
                + "for days of SOURCE_TIMEZONE, {now} and {now+PT24H} for times in UTC, {unix} for seconds since 1970."),
        Option(
            "SOURCE_URL_FILE", { $1(&$0.service.addressFile) }, .filePath,
            "A file that has them in one line, where a key is in them. Like all files of SOURCE=http it is read again each time."),
        Option(
            "SOURCE_HEADER_FILE", { $1(&$0.service.fieldFile) }, .filePath,
            "A file of lines `Name: value` that are sent along, such as a key: to these addresses' servers, and to no other."),
        Option(
            "SOURCE_BODY_FILE", { $1(&$0.service.bodyFile) }, .filePath,
            "A file that is posted to them; without one they are got."),
        Option(
            "SOURCE_LOGIN_FILE", { $1(&$0.service.loginFile) }, .filePath,
            "A file with `USER:PASSWORD`: for SOURCE_LOGIN_URL where there is one, else for the addresses themselves when they ask for it, as a "
                + "digest or in plain text."),
        Option(
            "SOURCE_LOGIN_URL", { $1(&$0.service.loginAddress) }, .address,
            "Where a login is exchanged for a token, which is then sent as a bearer token, and renewed once when it is refused."),
        Option(
            "SOURCE_LOGIN_TOKEN", { $1(&$0.service.tokenPath) }, .place,
            "The token's place in the answer to the login, as SOURCE_VALUE is written."),
        Option(
            "SOURCE_CA_FILE", { $1(&$0.service.certificateFile) }, .filePath,
            "Certificates that these servers' are checked against, for a device that has signed its own; the system's where none are given."
        ),
        Option(
            "SOURCE_REFRESH", { $1(&$0.service.refresh) }, .time(.seconds(10) ... .day),
            "How often they are asked, and in 24 times as long never more than 24 times, whatever goes wrong. At least 1 min, but for "
                + "servers of your own network."),
        Option(
            "SOURCE_PRESET", { $1(&$0.sourcePreset) }, .sourcePreset,
            "How a service answers: SERIES_FILE is then such an answer (SCHEDULE_FILE with origin-epex). Each of the options below wins over "
                + "what it says."),
        Option(
            "SOURCE_VALUE", { $1(&$0.sourceValue) }, .signalPath,
            "Where the values are in a JSON document, which SERIES_FILE then is: a part of JSONPath (RFC 9535)."),
        Option(
            "SOURCE_TIME", { $1(&$0.sourceTime) }, .sourceTime,
            "Where their times are: a path, joined to the values' by what the wildcards of both stand for; key, the name of the member that a "
                + "value is; now, nowhere; or the name of a table's column."),
        Option(
            "SOURCE_START", { $1(&$0.sourceStart) }, .signalPath,
            "Where the first value's time is, where values have none of their own: they follow each other by SOURCE_STEP."),
        Option(
            "SOURCE_STEP", { $1(&$0.sourceSteps) }, .steps,
            "How long a value is; of several the first that is there counts. Without it a value is until the next one's time, and the last "
                + "as long as the one before it."),
        Option(
            "SOURCE_TIMEZONE", { $1(&$0.sourceTimeZone) }, .sourceZone,
            "Time zone of times in the file that name none. Without it UTC."),
        Option(
            "SOURCE_STAMP", { $1(&$0.sourceStamp) }, .optionalChoice(),
            "Whether a value's time is when it begins (start, the default), or ends."),
        Option(
            "SOURCE_NULL", { $1(&$0.sourceNull) }, .optionalChoice(),
            "What null, NaN and a text that is no number stand for: no data (none, the default), or zero, as at night."),
        Option(
            "SOURCE_FACTOR", { $1(&$0.sourceFactor) }, .factor,
            "By which values are multiplied, so that they are watts: 1000 where they are kW. Without it 1."),
        Option(
            "SIGNAL_MAP", { $1(&$0.signalMap) }, .signalMap,
            "How the source's values become powers where they are none, such as grams of CO2 or a price: two points with a straight "
                + "line between them, a threshold, or share, of MAX_SOURCE as large a part as a volume is of the day's largest."),
        Option(
            "POWER_CALC_MODE", { $1(&$0.volumeWhole) }, .optionalChoice(),
            "What volumes are a share of with SIGNAL_MAP=share: the largest of the day (max, the default) or its mean (average)."),
        Option(
            "SIGNAL_UNIT", { $1(&$0.signalUnit) }, .signalUnit,
            "What the source's values are in, to be shown: gCO2/kWh, EUR/MWh. Of what is so much for each kWh, MWh or Wh `plan` tells the "
                + "day's amount. Without it the preset's."),
        Option(
            "STALE_AFTER", { $1(&$0.policy.staleAfter) }, .time(Milliseconds(0) ... .seconds(30 * 86_400)),
            "How long the last good data are gone by when a series has ended, when the source's file is gone or can't be read, and when its service gives nothing new in time."
        ),
        Option(
            "ON_STALE", { $1(&$0.policy.onStale) }, .staleAction,
            "What holds after that, and where the data have a gap: the floor, the last good value (hold), or a power; never more than the "
                + "last good value."),
        Option(
            "GRANT_URL", { $1(&$0.grants.addresses) }, .coordinators,
            "Whom SOURCE=granted asks for this node's part of a budget: the coordinator's address, or several with blanks between them, of which "
                + "the next one is asked when one doesn't answer."),
        Option(
            "GRANT_SHARDS", { $1(&$0.grants.shards) }, .count(1...64),
            "In how many shards the cluster's nodes are: --shards of the coordinators. The node's own follows from its name and stands for {shard} in "
                + "GRANT_URL."),
        Option(
            "GRANT_TOKEN_FILE", { $1(&$0.grants.tokenFile) }, .filePath,
            "The bearer token's file, read again for every request: it says which Node this is. Without it \(GrantSettings.usualTokenFile), where a "
                + "pod has it."),
        Option(
            "GRANT_CA_FILE", { $1(&$0.grants.certificateFile) }, .filePath,
            "Certificates that the coordinator's is checked against. Without it \(GrantSettings.usualCertificateFile) where that is there, "
                + "and elsewhere the system's."),
        Option(
            "LIVE_FILE", { $1(&$0.liveFile) }, .filePath,
            "A file with what there is now, which another program writes again and again: a power, or with SIGNAL_MAP a number. While it is fresh "
                + "it stands for the source, which is then the forecast for later."),
        Option(
            "LIVE_VALUE", { $1(&$0.liveValue) }, .signalPath,
            "Where the value stands in LIVE_FILE, if that is a document in JSON: in watts, or with SIGNAL_MAP as that has it."),
        Option(
            "LIVE_URL", { $1(&$0.liveService.addresses) }, .oneAddress,
            "A device or a server that is asked for the live value, in place of LIVE_FILE: for what LIVE_VALUE says, or a number."
        ),
        Option(
            "LIVE_URL_FILE", { $1(&$0.liveService.addressFile) }, .filePath, "A file with that address, where a key is in it."),
        Option(
            "LIVE_HEADER_FILE", { $1(&$0.liveService.fieldFile) }, .filePath,
            "A file of lines `Name: value` that are sent to it along."),
        Option(
            "LIVE_LOGIN_FILE", { $1(&$0.liveService.loginFile) }, .filePath,
            "A file with `USER:PASSWORD` that is shown to it when it asks, as a digest or in plain text."),
        Option(
            "LIVE_CA_FILE", { $1(&$0.liveService.certificateFile) }, .filePath,
            "Certificates that its own is checked against, as SOURCE_CA_FILE."),
        Option(
            "LIVE_REFRESH", { $1(&$0.liveService.refresh) }, .time(.seconds(10) ... .day),
            "How often it is asked, as SOURCE_REFRESH. At least 1 min, but for one of your own network."),
        Option(
            "LIVE_FOR", { $1(&$0.policy.liveFor) }, .time(.second ... .day),
            "How long a live value is fresh, counted from when it was written. After that the source is gone by."),
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
