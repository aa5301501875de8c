import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import Text
@testable import powercap_controller

private func settings(_ variables: [String: String] = [:], flags: [String: String] = [:]) throws(UsageError) -> Settings {
    try Settings(flags: flags, environment: { variables[$0] })
}

/// A variable with values that are taken and values that are refused, beside the empty one.
struct VariableCase: CustomTestStringConvertible, Sendable {
    let variable: String
    let accepted: [String]
    let refused: [(String, ValueProblem)]
    var testDescription: String { variable }

    private static func choices(_ variable: String, _ names: [String]) -> VariableCase {
        VariableCase(
            variable: variable, accepted: names,
            refused: [
                (names[0].uppercased(), .unknownName), (names[0] + " ", .unknownName), ("0", .unknownName), ("-1", .unknownName),
            ])
    }

    private static func rates(_ variable: String) -> VariableCase {
        VariableCase(
            variable: variable, accepted: ["off", "5W/s", "0.25 kW/s", "1mW/s", "2000000"],
            refused: [
                ("abc", .malformed), ("-1W/s", .negative), ("0", .tooLow), ("999uW/s", .tooLow), ("1001kW/s", .tooHigh),
                ("5W", .unknownUnit("W")), ("5W/h", .malformed), ("Off", .malformed), ("0.1uW/s", .tooFine),
            ])
    }

    static let all = [
        VariableCase(
            variable: "MAX_SOURCE", accepted: ["10000000", "40W", "1000kW", "0.5kW", "999999999999"],
            refused: [
                ("abc", .malformed), ("-1", .negative), ("0", .tooLow), ("999999uW", .tooLow), ("NaN", .malformed),
                ("1000000000001", .tooHigh), ("18446744073709551616", .tooHigh), ("5m", .unknownUnit("m")), ("0.5uW", .tooFine),
            ]),
        VariableCase(
            variable: "STABILISATION_TIME", accepted: ["1", "300", "5m", "1d", "1500ms"],
            refused: [
                ("abc", .malformed), ("-1", .negative), ("0", .tooLow), ("999ms", .tooLow), ("NaN", .malformed),
                ("86401", .tooHigh),
                ("40W", .unknownUnit("W")), ("1.0001", .tooFine),
            ]),
        VariableCase(
            variable: "ALPHA", accepted: ["4", "2.5", "0.000001", "100"],
            refused: [
                ("abc", .malformed), ("-4", .negative), ("0", .tooLow), ("0.0", .tooLow), ("nan", .malformed),
                ("100.000001", .tooHigh),
                ("4W", .unknownUnit("W")), ("1e1", .malformed), ("0.0000001", .tooFine),
            ]),
        VariableCase(
            variable: "SOLAR_FROM", accepted: ["04:00", "00:00", "12:30", "19:00"],
            refused: [
                ("abc", .malformed), ("4:00", .malformed), ("04:60", .malformed), ("24:01", .malformed), ("99:99", .malformed),
                ("04", .malformed), ("04:00:00", .malformed), ("-4:00", .malformed), ("+4:00", .malformed), (" 4:00", .malformed),
                ("04.00", .malformed), ("4h", .malformed), ("04:00 ", .malformed),
            ]),
        VariableCase(
            variable: "SOLAR_TO", accepted: ["20:00", "05:00", "23:59", "24:00"],
            refused: [
                ("abc", .malformed), ("24:01", .malformed), ("25:00", .malformed), ("8:00", .malformed), ("-8:00", .malformed),
                ("20:00Z", .malformed), ("0", .malformed),
            ]),
        VariableCase(
            variable: "LATITUDE",
            accepted: ["52.52", "-33.868", "0", "-0", "90", "-90", "52.520008", "52.52\u{B0}", "-90.000000", ""],
            refused: [
                ("abc", .malformed), ("90.000001", .tooHigh), ("-90.000001", .tooLow), ("91", .tooHigh), ("52,52", .malformed),
                ("52.52N", .unknownUnit("N")), ("N52.52", .malformed), ("52.5200001", .tooFine), ("-", .malformed),
                ("--5", .malformed), ("+5", .malformed), ("nan", .malformed), ("1e1", .malformed), ("- 5", .malformed),
                ("18446744073709551616", .tooHigh), ("-18446744073709551616", .tooLow),
            ]),
        VariableCase(
            variable: "LONGITUDE", accepted: ["13.405", "-99.13", "180", "-180", "0", ""],
            refused: [
                ("abc", .malformed), ("180.000001", .tooHigh), ("-180.000001", .tooLow), ("13.405E", .unknownUnit("E")),
                ("-", .malformed), ("--5", .malformed), ("13.4050001", .tooFine), ("-13.4050001", .tooFine), ("inf", .malformed),
            ]),
        VariableCase(
            variable: "RAPL_MIN_POWER", accepted: ["1000000", "1W", "40W"],
            refused: [
                ("abc", .malformed), ("-10W", .negative), ("0", .tooLow), ("0.999999W", .tooLow), ("NaN", .malformed),
                ("4096W", .tooHigh), ("10s", .unknownUnit("s")),
            ]),
        VariableCase(
            variable: "RAPL_LIMIT", accepted: ["0", "12.5", "100", "30%"],
            refused: [
                ("abc", .malformed), ("-1", .negative), ("101", .tooHigh), ("100.000001", .tooHigh), ("NaN", .malformed),
                ("10W", .unknownUnit("W")), ("0.0000001", .tooFine),
            ]),
        choices("PMAX_FUNC", ["sum", "max", "min", "avg"]),
        VariableCase(
            variable: "TIMEZONE", accepted: ["UTC", "host", "Europe/Paris"],
            refused: [
                ("Europe/Pariss", .unknownName), ("Europe", .unknownName), ("zone.tab", .unknownName), ("0", .unknownName),
                ("../etc/passwd", .malformed), ("Europe/../UTC", .malformed), ("/usr/share/zoneinfo/UTC", .malformed),
                (":UTC", .malformed), ("Europe//Paris", .malformed), ("CET-1CEST", .unknownName),
            ]),
        choices("SOURCE", ["solar", "static"]),
        VariableCase(
            variable: "DATA_PROVIDER", accepted: ["epex", "EPEX", ""],
            refused: [("mock", .unknownName), ("static", .unknownName), ("epex ", .unknownName)]),
        VariableCase(
            variable: "SCHEDULE_FILE", accepted: ["/etc/powercap/week.csv", ""],
            refused: [("week.csv", .malformed), ("/" + String(repeating: "a", count: 4095), .tooHigh)]),
        VariableCase(
            variable: "SERIES_FILE", accepted: ["/etc/powercap/series.csv", ""],
            refused: [("./series.csv", .malformed), ("/" + String(repeating: "a", count: 4095), .tooHigh)]),
        VariableCase(
            variable: "SOURCE_COLUMN", accepted: ["Power", "Price (€/MWh)", ""],
            refused: [
                ("a,b", .malformed), (" a", .malformed), ("a ", .malformed), ("a\nb", .malformed),
                (String(repeating: "a", count: 256), .tooHigh),
            ]),
        VariableCase(
            variable: "SOURCE_URL",
            accepted: ["https://api.example.org/x?day={date+1}", "http://10.0.0.1/a https://[::1]:8443/{now}", ""],
            refused: [
                ("api.example.org", .malformed), ("ftp://h/", .malformed), ("https://u:p@h/", .malformed),
                ("https://h/é", .malformed),
                ("https://h/{zone}", .unfilled("zone")), ("https://h/{", .malformed),
                (String(repeating: "https://h/ ", count: 9), .tooHigh),
            ]),
        VariableCase(
            variable: "SOURCE_URL_FILE", accepted: ["/run/secrets/url", ""],
            refused: [("url", .malformed), ("/" + String(repeating: "a", count: 4095), .tooHigh)]),
        VariableCase(
            variable: "SOURCE_HEADER_FILE", accepted: ["/run/secrets/head", ""],
            refused: [("head", .malformed), ("/" + String(repeating: "a", count: 4095), .tooHigh)]),
        VariableCase(
            variable: "SOURCE_BODY_FILE", accepted: ["/etc/powercap/query.json", ""],
            refused: [("q", .malformed), ("/" + String(repeating: "a", count: 4095), .tooHigh)]),
        VariableCase(
            variable: "SOURCE_LOGIN_FILE", accepted: ["/run/secrets/login", ""],
            refused: [("login", .malformed), ("/" + String(repeating: "a", count: 4095), .tooHigh)]),
        VariableCase(
            variable: "SOURCE_LOGIN_URL", accepted: ["https://api.example.org/login", ""],
            refused: [("login", .malformed), ("https://a/ https://b/", .malformed), ("https://h/{x}", .unfilled("x"))]),
        VariableCase(
            variable: "SOURCE_LOGIN_TOKEN", accepted: ["$.token", "$['access-token']"],
            refused: [
                ("token", .noPath(position: 1, "there is \"t\": a path begins with $, which is the whole document"))
            ]),
        VariableCase(
            variable: "SOURCE_CA_FILE", accepted: ["/etc/powercap/device.crt", ""],
            refused: [("device.crt", .malformed), ("/" + String(repeating: "a", count: 4095), .tooHigh)]),
        VariableCase(
            variable: "SOURCE_REFRESH", accepted: ["1m", "1h", "86400"],
            refused: [("abc", .malformed), ("9s", .tooLow), ("25h", .tooHigh), ("-1", .negative), ("1W", .unknownUnit("W"))]),
        choices("SOURCE_PRESET", SourcePreset.all.map(\.name).filter { $0 != "origin-epex" }),
        VariableCase(
            variable: "SOURCE_VALUE", accepted: ["$", "$.data[*]['a b'].*", "$[?@.type=='x'][-1]", ""],
            refused: [
                ("data", .noPath(position: 1, "there is \"d\": a path begins with $, which is the whole document")),
                ("$.a ", .noPath(position: 4, "there is \" \": here may be .name, ['name'], [0], [*], .* or [?@.name=='text']")),
            ]),
        VariableCase(
            variable: "SOURCE_TIME", accepted: ["$.t", "key", "now", "MTU (UTC)", ""],
            refused: [
                ("a,b", .malformed), (" a", .malformed), (String(repeating: "a", count: 256), .tooHigh),
                (
                    "$.",
                    .noPath(
                        position: 3,
                        "it ends too early: a name has letters, digits and _, and no digit first; write another one as ['name']")
                ),
            ]),
        VariableCase(
            variable: "SOURCE_START", accepted: ["$.start", ""],
            refused: [
                ("2026-06-15T22:00Z", .noPath(position: 1, "there is \"2\": a path begins with $, which is the whole document"))
            ]),
        VariableCase(
            variable: "SOURCE_STEP", accepted: ["PT15M", "P1DT12H", "P9999Y", "$['a b'].d  PT1H", ""],
            refused: [
                ("15m", .malformed), ("900", .malformed), ("PT0S", .malformed), ("P1M", .malformed), ("PT15M,PT1H", .malformed),
                ("$[0", .noPath(position: 4, "it ends too early: the bracket is not closed here with ]")),
            ]),
        VariableCase(
            variable: "SOURCE_TIMEZONE", accepted: ["Europe/Paris", "UTC", ""],
            refused: [
                ("Mars/Olympus", .unknownName), ("../etc", .malformed), ("host", .unknownName), ("zone.tab", .unknownName),
                ("+02:00", .unknownName),
            ]),
        choices("SOURCE_STAMP", ["start", "end"]),
        choices("SOURCE_NULL", ["none", "zero"]),
        VariableCase(
            variable: "SOURCE_FACTOR", accepted: ["1000", "0.45359237", "-1", "1e-3", ""],
            refused: [
                ("0", .malformed), ("x", .malformed), ("inf", .malformed), ("1e13", .malformed), ("2W", .malformed),
                ("0x2", .malformed),
            ]),
        VariableCase(
            variable: "SIGNAL_MAP",
            accepted: [
                "100:300W,400:80W", " -20.5 : 300 W , 180 : 0", "below 200:300W,above 250:80W", "above 250:80W, below 200: 300W",
                "below 7:1W,above 7:0", "share", "",
            ],
            refused: [
                ("100:300W", .malformed), ("100:300W,100:80W", .malformed), ("100:300W,200:80W,300:1W", .malformed),
                ("below 200:300W,below 250:80W", .malformed), ("below 251:300W,above 250:80W", .malformed),
                ("below:300W,above 250:80W", .malformed), ("1e2:300W,4:80W", .malformed), ("nan:300W,4:80W", .malformed),
                ("1..2:300W,4:80W", .malformed), ("-:300W,4:80W", .malformed), ("100:300,400:80W", .tooLow),
                ("100:-3W,400:80W", .negative), ("100:300V,400:80W", .unknownUnit("V")), ("100:2000kW,400:80W", .tooHigh),
                ("0.00001:300W,1:80W", .tooFine), ("Share", .malformed), (",", .malformed),
            ]),
        choices("POWER_CALC_MODE", ["max", "average"]),
        VariableCase(
            variable: "SIGNAL_UNIT", accepted: ["gCO2/kWh", "EUR/MWh", "%", ""],
            refused: [("g CO2", .malformed), ("a\u{7}", .malformed), ("gCO2equivalent/kWh123", .tooHigh)]),
        VariableCase(
            variable: "STALE_AFTER", accepted: ["0", "90s", "1h", "30d"],
            refused: [("abc", .malformed), ("-1", .negative), ("31d", .tooHigh), ("1W", .unknownUnit("W"))]),
        VariableCase(
            variable: "ON_STALE", accepted: ["floor", "hold", "80W", "40000000"],
            refused: [
                ("never", .malformed), ("Floor", .malformed), ("-1W", .negative), ("0", .tooLow), ("0.5W", .tooLow),
                ("1001kW", .tooHigh), ("10s", .unknownUnit("s")),
            ]),
        VariableCase(
            variable: "LIVE_FILE", accepted: ["/run/inverter/power", ""],
            refused: [("power", .malformed), ("/" + String(repeating: "a", count: 4095), .tooHigh)]),
        VariableCase(
            variable: "LIVE_VALUE", accepted: ["$.apower", "$.Body.Data.Site.P_PV", ""],
            refused: [("apower", .noPath(position: 1, "there is \"a\": a path begins with $, which is the whole document"))]),
        VariableCase(
            variable: "LIVE_URL", accepted: ["http://10.0.0.1/rpc/Switch.GetStatus?id=0", ""],
            refused: [("shelly", .malformed), ("http://a/ http://b/", .malformed), ("http://h/{x}", .unfilled("x"))]),
        VariableCase(
            variable: "LIVE_URL_FILE", accepted: ["/run/secrets/url", ""],
            refused: [("url", .malformed), ("/" + String(repeating: "a", count: 4095), .tooHigh)]),
        VariableCase(
            variable: "LIVE_HEADER_FILE", accepted: ["/run/secrets/head", ""],
            refused: [("head", .malformed), ("/" + String(repeating: "a", count: 4095), .tooHigh)]),
        VariableCase(
            variable: "LIVE_LOGIN_FILE", accepted: ["/run/secrets/login", ""],
            refused: [("login", .malformed), ("/" + String(repeating: "a", count: 4095), .tooHigh)]),
        VariableCase(
            variable: "LIVE_CA_FILE", accepted: ["/etc/device.crt", ""],
            refused: [("device.crt", .malformed), ("/" + String(repeating: "a", count: 4095), .tooHigh)]),
        VariableCase(
            variable: "LIVE_REFRESH", accepted: ["10s", "1h", "60"],
            refused: [("abc", .malformed), ("9s", .tooLow), ("25h", .tooHigh), ("-1", .negative), ("1W", .unknownUnit("W"))]),
        VariableCase(
            variable: "LIVE_FOR", accepted: ["1s", "15m", "1d"],
            refused: [("abc", .malformed), ("-1", .negative), ("0", .tooLow), ("25h", .tooHigh), ("5W", .unknownUnit("W"))]),
        rates("RAMP_UP"),
        rates("RAMP_DOWN"),
        VariableCase(
            variable: "DEAD_BAND", accepted: ["0", "5W", "0.5W", "40000000"],
            refused: [("abc", .malformed), ("-1W", .negative), ("1001kW", .tooHigh), ("5s", .unknownUnit("s"))]),
        VariableCase(
            variable: "MIN_HOLD", accepted: ["0", "90s", "1d"],
            refused: [("abc", .malformed), ("-1", .negative), ("25h", .tooHigh), ("5W", .unknownUnit("W"))]),
        VariableCase(
            variable: "LOOK_AHEAD", accepted: ["off", "window", "0", "28s", "1h"],
            refused: [
                ("never", .malformed), ("Window", .malformed), ("-1", .negative), ("61m", .tooHigh), ("5W", .unknownUnit("W")),
            ]),
        choices("SPLIT", ["proportional", "demand"]),
        choices("STRATEGY", ["follow", "idle-down"]),
        VariableCase(
            variable: "IDLE_AFTER", accepted: ["60", "2s", "5m", "1d"],
            refused: [
                ("abc", .malformed), ("-1", .negative), ("1999ms", .tooLow), ("86401", .tooHigh), ("40W", .unknownUnit("W")),
            ]),
        choices("QOS", ["off", "on"]),
        choices("SHORT_TERM", ["equal", "scaled", "untouched"]),
        choices("ON_EXIT", ["restore", "hold"]),
        choices("ON_DRIFT", ["reassert", "leave"]),
        VariableCase(
            variable: "SAMPLE_INTERVAL", accepted: ["1", "10s", "1h"],
            refused: [
                ("abc", .malformed), ("-1", .negative), ("0", .tooLow), ("3601", .tooHigh), ("inf", .malformed),
                ("1W", .unknownUnit("W")),
            ]),
        VariableCase(
            variable: "LEASE_TIME", accepted: ["1", "30s", "60m"],
            refused: [
                ("abc", .malformed), ("-1", .negative), ("0", .tooLow), ("2h", .tooHigh), ("inf", .malformed),
                ("1W", .unknownUnit("W")),
            ]),
        VariableCase(
            variable: "RAPLHELPER_SOCKET", accepted: ["/run/x.sock", "@abstract", "/" + String(repeating: "a", count: 106)],
            refused: [
                ("relative.sock", .malformed), ("/", .malformed), ("@", .malformed), ("-1", .malformed),
                ("/" + String(repeating: "a", count: 107), .tooHigh),
            ]),
        VariableCase(
            variable: "CONTROL_SOCKET", accepted: ["/run/x.sock", "off", "/" + String(repeating: "a", count: 106)],
            refused: [
                ("", .empty), ("x.sock", .malformed), ("/", .malformed), ("/run/", .malformed), ("@abstract", .malformed),
                ("none", .malformed), ("/" + String(repeating: "a", count: 107), .tooHigh),
            ]),
        VariableCase(
            variable: "CONTROL_GROUP", accepted: ["0", "4294967294", ""],
            refused: [("4294967295", .malformed), ("no-such-group", .unknownName), ("-1", .unknownName)]),
        VariableCase(
            variable: "METRICS_ADDRESS",
            accepted: ["127.0.0.1:28320", "0.0.0.0:1", "[::]:65535", "[::1]:28320", "[2001:db8::7]:28320", "off"],
            refused: [
                ("", .empty), ("28320", .malformed), (":28320", .malformed), ("localhost:28320", .malformed),
                ("127.0.0.1", .malformed), ("127.0.0.1:0", .malformed), ("127.0.0.1:65536", .malformed),
                ("::1:28320", .malformed), ("http://127.0.0.1:28320", .malformed),
            ]),
        choices("KUBERNETES", ["auto", "on", "off"]),
        VariableCase(
            variable: "NODE_NAME", accepted: ["node-a", "a", "10.0.0.1", "node-a.example.com", ""],
            refused: [
                ("Node-A", .malformed), ("node_a", .malformed), ("-a", .malformed), ("a-", .malformed), ("a..b", .malformed),
                ("a/../b", .malformed), ("a b", .malformed), (String(repeating: "a", count: 254), .tooHigh),
            ]),
        VariableCase(
            variable: "KUBE_SERVER",
            accepted: [
                "https://10.96.0.1", "https://10.96.0.1:6443", "https://[::1]:6443", "https://api.example.com/k8s/clusters/c1",
                "http://127.0.0.1:8001", "http://localhost:8001", "http://[::1]:8001", "",
            ],
            refused: [
                ("10.96.0.1:6443", .malformed), ("http://10.96.0.1", .malformed), ("http://127.0.0.1.example.com", .malformed),
                ("https://", .malformed), ("https://host:0", .malformed), ("https://host:65536", .malformed),
                ("https://me:secret@host", .malformed), ("https://host?x", .malformed), ("https://host#x", .malformed),
                ("https://ho st", .malformed), ("https://host\r\nX: y", .malformed), ("ftp://host", .malformed),
                ("HTTPS://host", .malformed),
            ]),
        VariableCase(
            variable: "KUBE_TOKEN_FILE", accepted: ["/var/run/token", ""],
            refused: [("token", .malformed), ("./token", .malformed)]),
        VariableCase(
            variable: "KUBE_CA_FILE", accepted: ["/etc/ca.crt", ""], refused: [("ca.crt", .malformed), ("~/ca.crt", .malformed)]),
        choices("LOG_FORMAT", ["logfmt", "json"]),
        choices("LOG_LEVEL", ["error", "warning", "info", "debug"]),
    ]
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
                "ON_STALE=floor", "LIVE_FILE=", "LIVE_VALUE=", "LIVE_URL=", "LIVE_URL_FILE=", "LIVE_HEADER_FILE=",
                "LIVE_LOGIN_FILE=", "LIVE_CA_FILE=", "LIVE_REFRESH=60s",
                "LIVE_FOR=300s", "RAMP_UP=off", "RAMP_DOWN=off", "DEAD_BAND=0W",
                "MIN_HOLD=0s", "LOOK_AHEAD=off", "SPLIT=proportional", "STRATEGY=follow", "IDLE_AFTER=60s", "QOS=off",
                "SHORT_TERM=equal", "ON_EXIT=restore", "ON_DRIFT=reassert",
                "SAMPLE_INTERVAL=10s",
                "LEASE_TIME=30s", "RAPLHELPER_SOCKET=/run/powercap/raplhelper.sock",
                "CONTROL_SOCKET=/run/powercap/controller.sock", "CONTROL_GROUP=", "METRICS_ADDRESS=127.0.0.1:28320",
                "KUBERNETES=auto",
                "NODE_NAME=",
                "KUBE_SERVER=", "KUBE_TOKEN_FILE=", "KUBE_CA_FILE=", "LOG_FORMAT=logfmt", "LOG_LEVEL=info",
            ])
    }

    @Test("every field of the configuration has an option, and every option has cases here")
    func tableIsComplete() {
        let fields =
            Mirror(reflecting: Configuration()).children.count - 3 + Mirror(reflecting: PowerPolicy()).children.count
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
        let above = Package.LimitRange(index: 0, floor: .zero, ceiling: Microwatts(30_124_999), original: nil)
        let package = Package(name: PackageName(package: 0), zone: "", reference: .watts(30), longTerm: above, shortTerm: nil)
        #expect(throws: UsageError.self) { try settings.check([package]) }
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
