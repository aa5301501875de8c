internal import Policy
internal import PowercapProtocol

extension Option {
    /// Where power comes from: what the source is, and what it goes by.
    static let ofSource: [Option] = [
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
    ]
}
