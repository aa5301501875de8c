import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import Text
@testable import powercap_controller

private func settings(_ variables: [String: String] = [:], flags: [String: String] = [:]) throws(UsageError) -> Settings {
    try Settings(flags: flags, environment: { variables[$0] })
}

struct ConfigurationTests {
    @Test("without variables and flags the documented defaults are in effect")
    func defaults() throws {
        let settings = try settings()
        let configuration = settings.configuration
        #expect(configuration == Configuration())
        #expect(settings.origins.allSatisfy { $0.origin == .standard })
        let shown = zip(Option.all.map(\.variable), Option.all.map(\.standard)).map { "\($0)=\($1)" }
        #expect(
            shown == [
                "MAX_SOURCE=40W", "STABILISATION_TIME=300s", "ALPHA=4", "SOLAR_FROM=04:00", "SOLAR_TO=20:00", "LATITUDE=",
                "LONGITUDE=", "RAPL_MIN_POWER=10W", "RAPL_LIMIT=0", "PMAX_FUNC=sum",
                "TIMEZONE=host", "SOURCE=solar", "DATA_PROVIDER=", "SCHEDULE_FILE=", "SERIES_FILE=", "SOURCE_COLUMN=",
                "SOURCE_URL=", "SOURCE_URL_FILE=", "SOURCE_HEADER_FILE=", "SOURCE_BODY_FILE=",
                "SOURCE_LOGIN_FILE=", "SOURCE_LOGIN_URL=", "SOURCE_LOGIN_TOKEN=$.token", "SOURCE_CA_FILE=",
                "SOURCE_REFRESH=3600s",
                "SOURCE_PRESET=",
                "SOURCE_VALUE=", "SOURCE_TIME=", "SOURCE_START=", "SOURCE_STEP=", "SOURCE_TIMEZONE=", "SOURCE_STAMP=",
                "SOURCE_NULL=",
                "SOURCE_FACTOR=", "SIGNAL_MAP=",
                "POWER_CALC_MODE=", "SIGNAL_UNIT=", "STALE_AFTER=3600s",
                "ON_STALE=floor", "GRANT_URL=", "GRANT_SHARDS=1", "GRANT_TOKEN_FILE=", "GRANT_CA_FILE=", "LIVE_FILE=",
                "LIVE_VALUE=", "LIVE_URL=",
                "LIVE_URL_FILE=", "LIVE_HEADER_FILE=",
                "LIVE_LOGIN_FILE=", "LIVE_CA_FILE=", "LIVE_REFRESH=60s",
                "LIVE_FOR=300s", "RAMP_UP=off", "RAMP_DOWN=off", "DEAD_BAND=0W",
                "MIN_HOLD=0s", "LOOK_AHEAD=off", "GOVERN=intel-rapl", "BUDGET_OF=", "WEIGHTS=package:1,gpu:1",
                "SPLIT=proportional", "STRATEGY=follow", "IDLE_AFTER=60s", "QOS=off",
                "SHORT_TERM=equal", "ON_EXIT=restore", "FALLBACK_LIMIT=0", "ON_DRIFT=reassert",
                "SAMPLE_INTERVAL=10s",
                "LEASE_TIME=30s", "RAPLHELPER_SOCKET=/run/powercap/raplhelper.sock",
                "DEVICE_URL=", "DEVICE_LOGIN_FILE=", "DEVICE_TOKEN_FILE=", "DEVICE_CA_FILE=", "DEVICE_MIN_POWER=100W",
                "DEVICE_STATE_FILE=",
                "CONTROL_SOCKET=/run/powercap/controller.sock", "CONTROL_GROUP=", "METRICS_ADDRESS=127.0.0.1:28320",
                "KUBERNETES=auto",
                "NODE_NAME=",
                "KUBE_SERVER=", "KUBE_TOKEN_FILE=", "KUBE_CA_FILE=", "LOG_FORMAT=logfmt", "LOG_LEVEL=info",
            ])
    }

    @Test("every field of the configuration has an option, and every option has cases here")
    func tableIsComplete() {
        let fields =
            Mirror(reflecting: Configuration()).children.count - 5 + Mirror(reflecting: PowerPolicy()).children.count
            + Mirror(reflecting: GrantSettings()).children.count + Mirror(reflecting: DeviceSettings()).children.count
            // A live value's service has no body, and no token.
            + 2 * Mirror(reflecting: ServiceSettings()).children.count - 3
        #expect(fields == Option.all.count)
        #expect(VariableCase.all.map(\.variable) == Option.all.map(\.variable))
        #expect(Set(Option.all.map(\.flag)).count == Option.all.count)
    }

    @Test("every default is valid, and changes nothing when it is given")
    func defaultsReadBack() throws {
        for option in Option.all {
            #expect(try settings([option.variable: option.standard]).configuration == Configuration())
        }
    }

    @Test("P11: valid values are taken from the variable and from the flag", arguments: VariableCase.all)
    func accepted(_ sample: VariableCase) throws {
        let option = try #require(Option.all.first { $0.variable == sample.variable })
        var different = 0
        for text in sample.accepted {
            // So that no value here is a contradiction.
            var base = ["RAPL_MIN_POWER": "1W", "KUBERNETES": "off"]
            if sample.variable == "KUBERNETES" { base.merge(["NODE_NAME": "node-a", "KUBE_SERVER": "https://host"]) { $1 } }
            if sample.variable.hasSuffix("ITUDE"), !text.isEmpty {
                base.merge(["SOURCE": "sun", "LATITUDE": "1", "LONGITUDE": "1"]) { $1 }
            }
            if ["SCHEDULE_FILE", "SOURCE_COLUMN", "LOOK_AHEAD"].contains(sample.variable), !text.isEmpty {
                base.merge(["SOURCE": "schedule", "SCHEDULE_FILE": "/file"]) { $1 }
            }
            if sample.variable.hasPrefix("GRANT_"), !text.isEmpty {
                base.merge(["SOURCE": "granted", "GRANT_URL": "https://coordinator-{shard}", "NODE_NAME": "node-a"]) { $1 }
            }
            if ["DEVICE_LOGIN_FILE", "DEVICE_CA_FILE"].contains(sample.variable), !text.isEmpty {
                base["DEVICE_URL"] = "https://bmc/redfish/v1/Systems"
            }
            if sample.variable == "DEVICE_TOKEN_FILE", !text.isEmpty { base["DEVICE_URL"] = "unix:/run/zeusd/zeusd.sock" }
            if sample.variable == "DATA_PROVIDER", !text.isEmpty { base["SCHEDULE_FILE"] = "/file" }
            if sample.variable == "LIVE_VALUE", !text.isEmpty { base["LIVE_FILE"] = "/live" }
            if ["SIGNAL_MAP", "POWER_CALC_MODE", "SIGNAL_UNIT"].contains(sample.variable) {
                base.merge(["SOURCE": "series", "SERIES_FILE": "/file", "MAX_SOURCE": "300W"]) { $1 }
                if sample.variable == "POWER_CALC_MODE", !text.isEmpty { base["SIGNAL_MAP"] = "share" }
            }
            if ["LIVE_HEADER_FILE", "LIVE_LOGIN_FILE", "LIVE_CA_FILE", "LIVE_REFRESH"].contains(sample.variable), !text.isEmpty {
                base["LIVE_URL"] = "http://10.0.0.1/"
            }
            let ofService = [
                "SOURCE_URL", "SOURCE_URL_FILE", "SOURCE_HEADER_FILE", "SOURCE_BODY_FILE", "SOURCE_LOGIN_FILE",
                "SOURCE_LOGIN_URL",
                "SOURCE_LOGIN_TOKEN", "SOURCE_CA_FILE", "SOURCE_REFRESH",
            ]
            if ofService.contains(sample.variable) {
                if !text.isEmpty {
                    base.merge(["SOURCE": "http", "SOURCE_VALUE": "$.v"]) { $1 }
                    if !sample.variable.hasPrefix("SOURCE_URL") { base["SOURCE_URL"] = "https://h/" }
                    if sample.variable.hasPrefix("SOURCE_LOGIN") {
                        base.merge(["SOURCE_LOGIN_FILE": "/file", "SOURCE_LOGIN_URL": "https://h/"]) { $1 }
                    }
                }
            } else if sample.variable.hasPrefix("SOURCE_"), sample.variable != "SOURCE_COLUMN", !text.isEmpty {
                base.merge(["SOURCE": "series", "SERIES_FILE": "/file"]) { $1 }
                if sample.variable == "SOURCE_TIME", text.hasPrefix("M") {
                    base["SOURCE_COLUMN"] = "v"
                } else if sample.variable != "SOURCE_PRESET" {
                    base.merge(["SOURCE_VALUE": "$.v[*]", "SOURCE_STEP": "PT1H"]) { $1 }
                    if text == "now" { base["SOURCE_STEP"] = nil } else { base["SOURCE_TIME"] = "$.t[*]" }
                }
            }
            if sample.variable == "SERIES_FILE", !text.isEmpty { base["SOURCE"] = "series" }
            if sample.variable == "QOS" { base["STRATEGY"] = "idle-down" }
            if sample.variable == "WEIGHTS" { base["GOVERN"] = "intel-rapl,gpu" }
            base[sample.variable] = text
            let fromVariable = try settings(base).configuration
            base[sample.variable] = nil
            let fromFlag = try settings(base, flags: [option.flag: text]).configuration
            #expect(fromVariable == fromFlag)
            if option.show(fromFlag) != option.standard { different += 1 }
            var readBack = Configuration()
            try option.read(option.show(fromFlag), &readBack)
            #expect(option.show(readBack) == option.show(fromFlag))
        }
        #expect(different > 0, "a value that is not the default must take effect")
    }

    @Test("P11: bad values are refused with the variable's name, the value and what is valid", arguments: VariableCase.all)
    func refused(_ sample: VariableCase) throws {
        let option = try #require(Option.all.first { $0.variable == sample.variable })
        // What has no default may be left empty, as manifests do.
        let isOptional = option.standard.isEmpty
        for (text, problem) in sample.refused + (isOptional ? [] : [("", .empty)]) {
            let variable = UsageError.value(Given(name: option.variable, text: text), problem, option.words)
            #expect(throws: variable) { try settings([option.variable: text]) }
            let flag = UsageError.value(Given(name: option.flag, text: text), problem, option.words)
            #expect(throws: flag) { try settings(flags: [option.flag: text]) }
            #expect(variable.sentence.contains("\(option.variable)=\(quoted(text))"))
            #expect(variable.sentence.hasSuffix("give \(option.words.valid)"))
            #expect(!variable.sentence.contains("\n"))
        }
    }

    @Test("a flag wins over its variable, even over one that is wrong")
    func flagWins() throws {
        let both = try settings(["MAX_SOURCE": "50W", "ALPHA": "wrong"], flags: ["--max-source": "60W", "--alpha": "2"])
        #expect(both.configuration.policy.maxSource == .watts(60))
        #expect(both.configuration.policy.alpha == 2)
        #expect(both.origins[0].origin == .flag)
        #expect(both.given("MAX_SOURCE") == Given(name: "--max-source", text: "60W"))
    }

    @Test("where a value came from is known")
    func origins() throws {
        let settings = try settings(["ALPHA": "2"], flags: ["--max-source": "60W"])
        #expect(settings.origins.prefix(4).map(\.origin) == [.flag, .standard, .environment, .standard])
    }

    @Test("P11: a floor above the source's peak is a contradiction, a floor equal to it is none")
    func contradiction() throws {
        let error = #expect(throws: UsageError.self) { try settings(["RAPL_MIN_POWER": "50W"]) }
        #expect(
            error?.sentence == "RAPL_MIN_POWER=\"50W\" is above MAX_SOURCE=\"40W\" (the default), so the source could never "
                + "decide anything: give a RAPL_MIN_POWER of at most 40 W, or a larger MAX_SOURCE")
        #expect(throws: UsageError.self) { try settings(flags: ["--max-source": "5W"]) }
        #expect(try settings(["RAPL_MIN_POWER": "40W"]).configuration.policy.raplMinPower == .watts(40))
    }

    @Test(
        "P11: the solar curve's day is at least an hour, within one date",
        arguments: [("20:00", "04:00"), ("12:00", "12:00"), ("12:00", "12:59"), ("24:00", "24:00"), ("23:01", "24:00")])
    func solarDay(_ from: String, _ to: String) throws {
        let error = #expect(throws: UsageError.self) { try settings(["SOLAR_FROM": from, "SOLAR_TO": to]) }
        #expect(
            error?.sentence
                == "SOLAR_FROM=\"\(from)\" is less than an hour before SOLAR_TO=\"\(to)\": give a day that begins and ends "
                + "on one date of the time zone, such as 06:00 and 18:00")
    }

    @Test("the shortest and the longest day are taken", arguments: [("12:00", "13:00"), ("00:00", "24:00"), ("23:00", "24:00")])
    func possibleDay(_ from: String, _ to: String) throws {
        let policy = try settings(["SOLAR_FROM": from, "SOLAR_TO": to]).configuration.policy
        #expect(policy.solarFrom.text == from && policy.solarTo.text == to)
    }

    @Test("P11: the sun needs a place, also where a manifest leaves it empty")
    func sunWithoutPlace() throws {
        let sun = "SOURCE=\"sun\" is the sun over a place, but"
        let give = "not set: give degrees, north and east positive (Berlin has LATITUDE=52.52 and LONGITUDE=13.405)"
        let cases = [
            ([:], "\(sun) LATITUDE and LONGITUDE are \(give)"), (["LATITUDE": "52.52"], "\(sun) LONGITUDE is \(give)"),
            (["LONGITUDE": "13.405", "LATITUDE": ""], "\(sun) LATITUDE is \(give)"),
        ]
        for (place, sentence) in cases {
            let error = #expect(throws: UsageError.self) { try settings(place.merging(["SOURCE": "sun"]) { $1 }) }
            #expect(error?.sentence == sentence)
        }
        let policy = try settings(["SOURCE": "sun", "LATITUDE": "-33.8688", "LONGITUDE": "151.2093"]).configuration.policy
        #expect(policy.source == .sun)
        #expect(policy.latitude == Degrees(millionths: -33_868_800) && policy.longitude == Degrees(millionths: 151_209_300))
    }

    @Test("P11: a place is refused with every source that knows none", arguments: ["solar", "static", "demo"])
    func placeWithoutSun(_ source: String) throws {
        for (variable, text) in [("LATITUDE", "0"), ("LONGITUDE", "13.405")] {
            let error = #expect(throws: UsageError.self) { try settings([variable: text, "SOURCE": source]) }
            #expect(
                error?.sentence == "\(variable)=\"\(text)\" has no effect with SOURCE=\"\(source)\", which knows no place: give "
                    + "SOURCE=sun, or take \(variable) away")
        }
    }

    @Test(
        "P11: what is governed and what the limit is of have to go together",
        arguments: [
            (
                ["GOVERN": "gpu", "BUDGET_OF": "packages"],
                "GOVERN=\"gpu\" doesn't go with BUDGET_OF=\"packages\": a gpu has no part of a limit of the packages: give "
                    + "BUDGET_OF=devices, or take gpu away"
            ),
            (
                ["GOVERN": "intel-rapl,power_meter"],
                "GOVERN=\"intel-rapl,power_meter\" doesn't go with BUDGET_OF=\"\" (the default): power_meter is a cap of the whole server, "
                    + "which is no part of a limit of its devices: give BUDGET_OF=server, or take power_meter away"
            ),
            (
                ["WEIGHTS": "gpu:2"],
                "WEIGHTS=\"gpu:2\" has no effect with GOVERN=\"intel-rapl\" (the default): give GOVERN with packages and gpu, or take "
                    + "WEIGHTS away"
            ),
            (
                ["BUDGET_OF": "server", "PMAX_FUNC": "max"],
                "BUDGET_OF=\"server\" has no effect with PMAX_FUNC=\"max\": give PMAX_FUNC=sum, where a limit is of all together, or take "
                    + "BUDGET_OF away"
            ),
        ] as [([String: String], String)])
    func governed(_ environment: [String: String], _ sentence: String) throws {
        let error = #expect(throws: UsageError.self) { try settings(environment) }
        #expect(error?.sentence == sentence)
    }

    @Test("what is governed is a list, and says what the limit is of where nobody does")
    func governedTaken() throws {
        let policy = try settings(["GOVERN": "gpu,intel-rapl", "WEIGHTS": "gpu:3"]).configuration.policy
        #expect(policy.govern == [.gpu, .rapl] && policy.budgetOf == .devices && policy.weights == KindWeights(gpu: 3))
        #expect(
            try settings(["GOVERN": "intel-rapl,power_meter", "BUDGET_OF": "server"]).configuration.policy.budgetOf == .server)
    }

    @Test("P11: sharing by demand needs one limit to share, and a hint needs the strategy that goes by it")
    func workWithoutEffect() throws {
        let demand = #expect(throws: UsageError.self) { try settings(["SPLIT": "demand", "PMAX_FUNC": "max"]) }
        #expect(
            demand?.sentence
                == "SPLIT=\"demand\" has no effect with PMAX_FUNC=\"max\": give PMAX_FUNC=sum, where packages share one "
                + "limit, or take SPLIT away")
        let hint = #expect(throws: UsageError.self) { try settings(["QOS": "on"]) }
        #expect(
            hint?.sentence
                == "QOS=\"on\" has no effect with STRATEGY=\"follow\" (the default): give STRATEGY=idle-down, or take QOS away")
        let policy = try settings(["SPLIT": "demand", "STRATEGY": "idle-down", "QOS": "on", "IDLE_AFTER": "5m"]).configuration
            .policy
        #expect(policy.split == .demand && policy.strategy == .idleDown && policy.qosHint == .on)
        #expect(policy.idleAfter == .seconds(300))
    }

    @Test("P11: a source that goes by a file needs it, and a file is refused with every source that has no use for it")
    func sourceFiles() throws {
        func expect(_ environment: [String: String], _ sentence: String) {
            let error = #expect(throws: UsageError.self) { try settings(environment) }
            #expect(error?.sentence == sentence)
        }
        for (source, variable) in [("schedule", "SCHEDULE_FILE"), ("series", "SERIES_FILE")] {
            expect(["SOURCE": source], "SOURCE=\"\(source)\" goes by a file, but \(variable) is not set: give the file's path")
            #expect(try settings(["SOURCE": source, variable: "/file"]).configuration.policy.source.rawValue == source)
            for other in ["solar", "static", "demo"] {
                expect(
                    ["SOURCE": other, variable: "/file"],
                    "\(variable)=\"/file\" has no effect with SOURCE=\"\(other)\": give SOURCE=\(source), or take \(variable) away"
                )
            }
        }
        expect(
            ["SOURCE": "series", "SERIES_FILE": "/file", "SCHEDULE_FILE": "/other"],
            "SCHEDULE_FILE=\"/other\" has no effect with SOURCE=\"series\": give SOURCE=schedule, or take SCHEDULE_FILE away")
        expect(
            ["SOURCE": "static", "SOURCE_COLUMN": "Power"],
            "SOURCE_COLUMN=\"Power\" has no effect with SOURCE=\"static\": give SOURCE=schedule or SOURCE=series, or take "
                + "SOURCE_COLUMN away")
        for (variable, text) in [("SIGNAL_MAP", "share"), ("POWER_CALC_MODE", "max")] {
            expect(
                ["SOURCE": "solar", variable: text],
                "\(variable)=\"\(text)\" has no effect with SOURCE=\"solar\": give SOURCE=schedule or SOURCE=series, or take "
                    + "\(variable) away")
        }
    }

    @Test(
        "P11: to look ahead is refused with a source that foretells no fall", arguments: ["solar", "static", "demo"],
        ["window", "0", "28s"])
    func lookAhead(_ source: String, _ time: String) {
        let error = #expect(throws: UsageError.self) { try settings(["SOURCE": source, "LOOK_AHEAD": time]) }
        #expect(
            error?.sentence
                == "LOOK_AHEAD=\"\(time)\" has no effect with SOURCE=\"\(source)\", which falls little by little or not at all: "
                + "give SOURCE=schedule or SOURCE=series, or take LOOK_AHEAD away")
    }

    @Test("P11: a map with more power than the source's peak is refused, and a whole that nothing is a share of")
    func signalMap() throws {
        func sentence(_ more: [String: String]) -> String? {
            let environment = ["SOURCE": "series", "SERIES_FILE": "/file", "MAX_SOURCE": "200W"].merging(more) { $1 }
            do { _ = try settings(environment) } catch { return error.sentence }
            return nil
        }
        for map in ["100:200.5W,400:80W", "below 1:80W,above 2:200.5W"] {
            #expect(
                sentence(["SIGNAL_MAP": map])
                    == "SIGNAL_MAP=\"\(map)\" has a power above MAX_SOURCE=\"200W\", which nothing gives: "
                    + "give powers of at most 200 W, or a larger MAX_SOURCE")
        }
        for map in ["", "100:200W,400:80W"] {
            #expect(
                sentence(["SIGNAL_MAP": map, "POWER_CALC_MODE": "average"])
                    == "POWER_CALC_MODE=\"average\" has no effect where nothing is a share of it: give SIGNAL_MAP=share, or take "
                    + "POWER_CALC_MODE away")
        }
        #expect(sentence(["SIGNAL_MAP": "share", "POWER_CALC_MODE": "average"]) == nil)
    }

    @Test("a sampling interval longer than the lease is allowed, as the lease has its own timer")
    func sampleIntervalAboveLease() throws {
        #expect(try settings(["SAMPLE_INTERVAL": "60s", "LEASE_TIME": "5s"]).configuration.sampleInterval == .seconds(60))
    }

    @Test("P11: a floor above a package's ceiling is refused, with the package and its ceiling")
    func floorAboveCeiling() throws {
        let settings = try settings(["RAPL_MIN_POWER": "30W"])
        #expect(throws: Never.self) { try settings.check([.test(0), .test(1, reference: 30)]) }
        let error = #expect(throws: UsageError.self) { try settings.check([.test(0), .test(1, reference: 29)]) }
        #expect(error?.sentence == "RAPL_MIN_POWER=\"30W\" is above the ceiling of package-1: give at most 29 W")
        #expect(throws: Never.self, "nothing is written to a fixed package") {
            try settings.check([.test(1, reference: 29, fixed: 29)])
        }
    }

    @Test("a floor between two steps is held against the whole steps that the ceiling allows")
    func floorBetweenSteps() throws {
        let settings = try settings(["RAPL_MIN_POWER": "30.1W"])
        #expect(throws: UsageError.self) { try settings.check([.test(0, reference: 30)]) }
        let above = Device.LimitRange(index: 0, floor: .zero, ceiling: Microwatts(30_124_999), original: nil)
        let device = Device(name: DeviceName(package: 0), zone: "", reference: .watts(30), longTerm: above, shortTerm: nil)
        #expect(throws: UsageError.self) { try settings.check([device]) }
    }
}

struct UsageErrorTests {
    static let power = ValueKind<Microwatts>.power(.watts(1) ... .watts(1_000_000)).words

    @Test(
        "the sentence says what is wrong and what would be right",
        arguments: [
            (
                .value(Given(name: "MAX_SOURCE", text: "abc"), .malformed, power),
                "MAX_SOURCE=\"abc\" is not a power: give microwatts (40000000) or a number with uW, mW, W or kW (40W), "
                    + "from 1 W to 1000 kW"
            ),
            (
                .unknownFlag("--max-sorce", nearest: "--max-source"),
                "\"--max-sorce\" is not an option: did you mean --max-source?"
            ),
            (.unknownFlag("--x", nearest: nil), "\"--x\" is not an option: `powercap-controller help` lists them"),
            (.repeatedFlag("--alpha"), "--alpha is given twice: give it once"),
            (.foreignFlag("--date", command: "run", belongsTo: "plan"), "--date is not an option of `run`: it belongs to `plan`"),
            (
                .zoneFile(Given(name: "--zones", text: "x"), .unknownFormat(2)),
                "--zones=\"x\" has format 2, and this program reads format 1: use a raplhelper of the same version"
            ),
        ] as [(UsageError, String)])
    func sentence(_ error: UsageError, _ sentence: String) { #expect(error.sentence == sentence) }

    @Test("a value with line breaks, quotes, escapes or much text stays on one line")
    func hostileValue() {
        #expect(quoted("a\nb\r\t\u{1B}[31m\"\\\u{2028}\u{202E}") == #""a\nb\r\t\u{1b}[31m\"\\\u{2028}\u{202e}""#)
        #expect(quoted(String(repeating: "x", count: 100_000)).utf8.count == 205)
        #expect(quoted("Zürich µW") == "\"Zürich µW\"")
    }

    @Test(
        "the nearest name is suggested, and none where none is near",
        arguments: [
            ("--max-sorce", "--max-source"), ("--maxsource", "--max-source"), ("--alhpa", "--alpha"),
            ("--stabilization-time", "--stabilisation-time"),
            ("--qqqqqqqq", nil),
        ] as [(String, String?)])
    func suggestion(_ text: String, _ expected: String?) { #expect(nearest(to: text, among: Option.all.map(\.flag)) == expected) }
}
