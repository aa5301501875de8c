import Foundation
import PowercapProtocol
import TestSupport
import Testing

@testable import Kubernetes
@testable import Metrics
@testable import Policy
@testable import powercap_controller

struct MetricsPageTests {
    /// The whole page of a node where everything is in use.
    private static var scene: Scene {
        var scene = Scene()
        scene.environment = [
            "SOURCE": "sun", "LATITUDE": "52.52", "LONGITUDE": "13.405", "MAX_SOURCE": "400W", "ON_DRIFT": "leave",
            "STABILISATION_TIME": "1500ms", "FALLBACK_LIMIT": "180W", "GOVERN": "intel-rapl,amd_hsmp,gpu", "BUDGET_OF": "server",
        ]
        (scene.gpu, scene.meter) = (90, 250)
        scene.services = [
            DeviceServiceState(url: "unix:/run/zeusd/zeusd.sock", devices: 2, answered_ns: 999_998_000_000_000, problem: nil),
            DeviceServiceState(
                url: "https://bmc.example/redfish/v1/Systems", devices: 0, answered_ns: nil, problem: "it doesn't answer"),
        ]
        scene.fetches = FetchState(last: scene.now - 600, next: scene.now + 3_000, counts: ["ok": 20, "too-many": 2])
        scene.grant = Scene.grant(endsIn: 12, counts: ["taken": 40, "not-leading": 2])
        scene.heldLower = 0
        scene.unreadable = 1
        scene.wishes.node = Overrides(limit: .watts(300), minPower: .watts(10))
        scene.wishes.orders.put(
            Order(
                wish: .limit(Microwatts(239_750_000)), uid: 0, reason: "", since: scene.now - 60, start_ns: 1_999_940_000_000_000,
                end_ns: 2_003_540_000_000_000))
        scene.use(joules: [12_345, 6_789])
        scene.counts.drifts = [Counts.Drift(zone: "intel-rapl:1", constraint: "long_term"): 3]
        (scene.counts.applied, scene.counts.refused, scene.counts.failed) = (40, 1, 2)
        (scene.counts.connections, scene.counts.losses, scene.counts.lostLogLines) = (3, 2, 17)
        for nanoseconds: UInt64 in [90_000, 240_000, 1_500_000, 30_000_000] { scene.counts.noteTurn(nanoseconds) }
        for nanoseconds: UInt64 in [500_000, 2_000_000, 7_000_000_000] { scene.counts.noteLateness(nanoseconds) }
        scene.api = APIState(
            server: "https://127.0.0.1:6443", node: "node-a", reason: "in a cluster", isWatching: true, isPublished: false,
            troubles: [],
            requests: [
                APIClient.Outcome(verb: "GET", code: "200"): 5, APIClient.Outcome(verb: "PATCH", code: "200"): 12,
                APIClient.Outcome(verb: "PATCH", code: "timeout"): 1, APIClient.Outcome(verb: "WATCH", code: "410"): 1,
            ], watchRestarts: 4)
        return scene
    }

    private func text(_ scene: Scene, accept: String? = nil) -> String {
        String(decoding: exposition(of: scene.state, accept: accept).bytes, as: UTF8.self)
    }

    /// Of every series, without labels.
    private func names(_ page: String) -> Set<String> {
        let lines = page.split(separator: "\n").filter { !$0.hasPrefix("#") }
        return Set(lines.map { String($0.prefix { $0 != "{" && $0 != " " }) })
    }

    @Test(
        "the page is the golden one in either format",
        arguments: [(nil, "metrics/page.txt"), ("application/openmetrics-text", "metrics/page.openmetrics")]
            as [(String?, String)])
    func golden(_ accept: String?, _ name: String) throws {
        let page = text(Self.scene, accept: accept).replacing("version=\"\(programVersion)\"", with: "version=\"VERSION\"")
        try Fixture.expect(page, isGolden: name)
    }

    @Test("what comes is what was asked for, and says so")
    func mediaType() {
        let state = Scene().state
        #expect(exposition(of: state, accept: nil).mediaType == Format.text.mediaType)
        #expect(exposition(of: state, accept: "application/openmetrics-text").mediaType == Format.openMetrics.mediaType)
    }

    @Test("every series that is exported is in the table, and every row of the table is exported somewhere")
    func table() {
        var expected: Set<String> = []
        for family in Metric.all.map(\.family) {
            if family.kind == .histogram {
                expected.formUnion(["_bucket", "_sum", "_count"].map { family.name + $0 })
            } else {
                expected.insert(family.name)
            }
        }
        #expect(names(text(Self.scene)) == expected)
        #expect(Set(Metric.all.map(\.family.name)).count == Metric.all.count)
    }

    @Test("a name has its prefix, its unit and its kind's ending, and no label is called as a target's")
    func conventions() {
        for family in Metric.all.map(\.family) {
            let bare = family.name.replacing(/_(total|info)$/, with: "")
            #expect(family.name.wholeMatch(of: /powercap_[a-z_]+/) != nil)
            #expect(family.name.hasSuffix("_total") == (family.kind == .counter), "\(family.name)")
            if family.kind == .info { #expect(family.name.hasSuffix("_info")) }
            for unit in ["joules", "watts", "seconds"] {
                #expect(bare.hasSuffix("_" + unit) == (family.unit == unit), "\(family.name)")
            }
            #expect(family.help.hasSuffix("."), "\(family.name)")
            #expect(
                Set(family.labels).isDisjoint(with: ["zone", "region", "cluster", "instance", "job", "namespace", "pod", "node"]))
        }
    }

    @Test("each sample has a value for each label, and no series is there twice")
    func series() {
        for scene in [Self.scene, Scene(), Scene(devices: 8), Scene(hasControl: false), Scene(locked: 1)] {
            let scrape = Scrape(scene.state)
            for metric in Metric.all {
                let samples = metric.samples(scrape)
                #expect(samples.allSatisfy { $0.labels.count == metric.family.labels.count }, "\(metric.family.name)")
                #expect(Set(samples.map(\.labels)).count == samples.count, "\(metric.family.name)")
            }
        }
    }

    @Test("without control there is nothing about zones, and no 0 in the place of what isn't known")
    func uncontrolled() {
        var scene = Self.scene
        (scene.hasControl, scene.api) = (false, nil)
        let page = text(scene)
        let gone = names(text(Self.scene)).subtracting(names(page))
        #expect(
            gone == [
                "powercap_energy_joules_total", "powercap_energy_gaps_total", "powercap_zone_enabled", "powercap_limit_watts",
                "powercap_govern_missing", "powercap_limit_register_watts", "powercap_limit_asked_watts",
                "powercap_limit_original_watts",
                "powercap_limit_floor_watts", "powercap_limit_ceiling_watts", "powercap_limit_locked",
                "powercap_limit_holder_info",
                "powercap_drift_total", "powercap_node_limit_in_force_watts", "powercap_node_fallback_watts",
                "powercap_node_boots_at_fallback", "powercap_next_decision_timestamp_seconds",
                "powercap_lease_expires_timestamp_seconds", "powercap_api_watching", "powercap_api_published",
                "powercap_api_requests_total", "powercap_api_watch_restarts_total", "powercap_power_watts",
                "powercap_share_watts",
            ])
        #expect(page.contains("\npowercap_in_control 0\n"))
        #expect(page.contains("\npowercap_state_info{state=\"uncontrolled\"} 1\n"))
        #expect(page.contains("\npowercap_api_enabled 0\n"))
    }

    @Test("a source without a signal has none, and a package that was never asked for anything has no limit that was asked for")
    func absent() {
        let page = text(Scene(locked: 1))
        #expect(!page.contains("powercap_source_signal"))
        #expect(
            page.contains(
                #"powercap_limit_locked{control_type="intel-rapl",domain="package-1",kind="package",package="1",path="/sys/class/powercap/intel-rapl:1",constraint="long_term"} 1"#
            ))
        #expect(!page.contains(#"powercap_limit_asked_watts{control_type="intel-rapl",domain="package-1""#))
        #expect(!page.contains("powercap_energy_joules_total{"))
    }

    @Test("a zone that is gone, and a counter that can't be read now, are not there with their last values")
    func gone() {
        var scene = Scene(gone: 1)
        scene.use(joules: [1_000, 2_000])
        let page = text(scene)
        #expect(page.contains(#"powercap_energy_joules_total{control_type="intel-rapl",domain="package-0""#))
        #expect(!page.contains(#"domain="package-1""#))
        (scene.gone, scene.unreadable) = (nil, 1)
        #expect(text(scene).contains(#"powercap_limit_watts{control_type="intel-rapl",domain="package-1""#))
        #expect(!text(scene).contains(#"powercap_energy_joules_total{control_type="intel-rapl",domain="package-1""#))
    }

    @Test("both formats have the same series with the same values")
    func same() {
        func series(_ page: String) -> [Substring] { page.split(separator: "\n").filter { !$0.hasPrefix("#") } }
        #expect(series(text(Self.scene)) == series(text(Self.scene, accept: "application/openmetrics-text")))
    }

    @Test(
        "a time of the monotonic clock is one on the wall",
        arguments: [(1_000_000_000_000_000, 0), (1_000_001_999_999_999, 1), (999_999_999_999_999, -1), (999_998_000_000_000, -2)]
            as [(UInt64, Int64)])
    func wall(_ monotonic_ns: UInt64, _ seconds: Int64) {
        let scene = Scene()
        #expect(scene.state.wall(monotonic_ns) == scene.now + seconds)
    }

    @Test("docs/metrics.md has the table, and is what `help --format metrics` prints")
    func document() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/metrics.md"), encoding: .utf8)
        #expect(page.contains("<!-- powercap-controller help --format metrics -->\n\(Metric.markdown)<!-- end -->"))
        #expect(try Executable.run(["help", "--format", "metrics"]).output == Metric.markdown)
    }
}
