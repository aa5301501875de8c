import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import Text
@testable import powercap_controller

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
            variable: "GRANT_URL",
            accepted: [
                "", "https://10.96.0.1", "https://powercap-coordinator.powercap-system.svc:8443", "https://[::1]:8443/",
                "https://a:1 https://b:2",
                "https://coordinator-{shard}-0.powercap:8443 https://coordinator-{shard}-1.powercap:8443",
            ],
            refused: [
                ("http://127.0.0.1:1", .malformed), ("a:8443", .malformed), ("https://a/v1/grant", .malformed),
                ("https://a?x", .malformed), ("https://me:secret@a", .malformed), ("https://a,https://b", .malformed),
                ("https://a ftp://b", .malformed), ("https://a-{node}", .malformed),
                (String(repeating: "https://a ", count: 9), .tooHigh),
            ]),
        VariableCase(
            variable: "GRANT_SHARDS", accepted: ["1", "2", "64"],
            refused: [("0", .tooLow), ("65", .tooHigh), ("two", .malformed)]),
        VariableCase(
            variable: "GRANT_TOKEN_FILE", accepted: ["/var/run/secrets/powercap/token", ""], refused: [("token", .malformed)]),
        VariableCase(variable: "GRANT_CA_FILE", accepted: ["/etc/ca.crt", ""], refused: [("ca.crt", .malformed)]),
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
        VariableCase(
            variable: "GOVERN", accepted: ["intel-rapl", "gpu", "intel-rapl,gpu", "amd_hsmp,arm-scmi,dtpm", "gpu,gpu"],
            refused: [
                ("GPU", .unknownName), ("gpu,", .unknownName), ("gpu, intel-rapl", .unknownName), ("all", .unknownName),
                ("gpu;dtpm", .unknownName),
            ]),
        choices("BUDGET_OF", ["packages", "devices", "server"]),
        VariableCase(
            variable: "WEIGHTS", accepted: ["package:1,gpu:2", "gpu:100", "package:1", "gpu:3,package:2"],
            refused: [
                ("gpu", .malformed), ("gpu:", .empty), ("gpu:0", .tooLow), ("gpu:101", .tooHigh), ("gpu:1.5", .tooFine),
                ("server:1", .unknownName), ("GPU:1", .unknownName), ("gpu:1,gpu:2", .malformed), ("gpu:-1", .negative),
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
        VariableCase(
            variable: "FALLBACK_LIMIT", accepted: ["0", "60W", "1000000", "1000kW"],
            refused: [
                ("abc", .malformed), ("-1", .negative), ("999999uW", .tooLow), ("0W", .tooLow), ("1000001W", .tooHigh),
                ("5m", .unknownUnit("m")), ("0.5uW", .tooFine),
            ]),
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
            variable: "DEVICE_URL",
            accepted: [
                "", "unix:/run/zeusd/zeusd.sock", "http://127.0.0.1:4938", "https://bmc/redfish/v1/Systems",
                "unix:/a https://bmc:8443/redfish/v1/Chassis/1/EnvironmentMetrics",
            ],
            refused: [
                ("zeusd", .malformed), ("unix:zeusd.sock", .malformed), ("http://bmc/redfish/v1/Systems", .malformed),
                ("https://bmc", .malformed), ("https://me:secret@bmc/redfish/v1/Systems", .malformed),
                ((1...9).map { "unix:/\($0)" }.joined(separator: " "), .tooHigh),
            ]),
        VariableCase(variable: "DEVICE_LOGIN_FILE", accepted: ["/etc/powercap/bmc", ""], refused: [("bmc", .malformed)]),
        VariableCase(variable: "DEVICE_TOKEN_FILE", accepted: ["/etc/powercap/zeusd", ""], refused: [("zeusd", .malformed)]),
        VariableCase(variable: "DEVICE_CA_FILE", accepted: ["/etc/powercap/bmc.crt", ""], refused: [("bmc.crt", .malformed)]),
        VariableCase(
            variable: "DEVICE_MIN_POWER", accepted: ["100W", "1W", "10kW", "150000000"],
            refused: [
                ("abc", .malformed), ("-1", .negative), ("0", .tooLow), ("10001W", .tooHigh), ("5m", .unknownUnit("m")),
                ("0.5uW", .tooFine),
            ]),
        VariableCase(
            variable: "DEVICE_STATE_FILE", accepted: ["/var/lib/powercap/devices.json", ""],
            refused: [("devices.json", .malformed)]),
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
