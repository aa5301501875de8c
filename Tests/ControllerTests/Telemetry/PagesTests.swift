import Foundation
import TestSupport
import Testing

@testable import Kubernetes
@testable import Metrics
@testable import Policy
@testable import powercap_controller

/// What a few nodes show one moment after the other, on the clock on the wall: one that is well, and others on which everything goes
/// wrong that there is an alert for. Tests/prometheus serves the pages to a Prometheus: POWERCAP_PAGES names the directory where they
/// are to be.
struct Pages {
    static let step: Int64 = 5
    static let nodes = ["well", "power", "limits", "control"]
    /// When each node began to be looked at.
    let start: Int64

    /// - Parameter time: in seconds since 1970.
    func state(of node: String, at time: Int64) -> NodeState {
        let seconds = UInt64(time - start)
        let turns = seconds / UInt64(Pages.step) + 1
        var scene = Scene(now: time)
        scene.api = APIState(
            server: "https://127.0.0.1:6443", node: node, reason: "in a cluster", isWatching: node != "limits",
            isPublished: node != "limits", troubles: [],
            requests: [
                APIClient.Outcome(verb: "PATCH", code: "200"): 10 + turns,
                APIClient.Outcome(verb: "PATCH", code: "timeout"): node == "limits" ? turns : 0,
                APIClient.Outcome(verb: "WATCH", code: "200"): 2,
            ], watchRestarts: node == "limits" ? turns : 1)
        (scene.counts.applied, scene.counts.connections) = (4 + turns, 1)
        for turn in 0..<turns {
            scene.counts.noteTurn(100_000 + turn % 7 * 50_000)
            scene.counts.noteLateness(200_000 + turn % 5 * 300_000)
        }
        var watts: [UInt64] = [90, 70]
        switch node {
        case "well":
            scene.environment = ["FALLBACK_LIMIT": "60W"]
        case "power":
            // So far beyond its limit that a rate over two minutes shows it after half a minute.
            (scene.locked, scene.heldLower, watts) = (1, 0, [600, 500])
            (scene.gpu, scene.meter) = (90, 250)
            scene.environment = ["GOVERN": "intel-rapl,gpu,amd_hsmp", "BUDGET_OF": "server"]
            scene.services = [
                DeviceServiceState(
                    url: "unix:/run/zeusd/zeusd.sock", devices: 2, answered_ns: 999_900_000_000_000, problem: "it doesn't answer"),
                DeviceServiceState(
                    url: "https://bmc.example/redfish/v1/Systems", devices: 1, answered_ns: 999_999_000_000_000, problem: nil),
            ]
            scene.grant = Scene.grant(endsIn: 12, counts: ["taken": turns])
            scene.wishes.node = Overrides(maxSource: .watts(330))
        case "limits":
            (scene.disabled, scene.sourceAge, scene.leaseLeft) = (1, 7_200, -5)
            scene.fetches = FetchState(last: time - 7_200, next: time + 600, counts: ["ok": 20, "silent": turns])
            scene.grant = Scene.grant(endsIn: nil, counts: ["taken": 20, "silent": turns])
            scene.environment = ["SOURCE": "sun", "LATITUDE": "52.52", "LONGITUDE": "13.405", "PMAX_FUNC": "min"]
            scene.wishes.ordersProblem = "can't be read"
            scene.wishes.node = Overrides(limit: .watts(150))
            scene.wishes.orders.put(
                Order(
                    wish: .limit(.watts(120)), uid: 0, reason: "", since: time - 60, start_ns: 1_999_940_000_000_000,
                    end_ns: 2_003_540_000_000_000))
            scene.wishes.rejected = [Wishes.Rejection(name: "powercap.dev/limit", value: "x", sentence: "no power")]
            scene.counts.drifts = [Counts.Drift(zone: "intel-rapl:0", constraint: "long_term"): turns * 9]
            (scene.counts.refused, scene.counts.failed, scene.counts.lostLogLines) = (turns, turns, turns * 11)
            (scene.counts.connections, scene.counts.losses) = (turns * 4, turns * 4)
        case "control":
            scene.hasControl = false
            // Another process each time.
            (scene.started, scene.counts) = (time - 1, Counts())
        default: break
        }
        if node != "control" { scene.use(joules: watts.map { 100_000 + $0 * seconds }) }
        return scene.state
    }

    /// - Returns: the pages of a node, one for each step.
    func write(to directory: String, of node: String, for seconds: Int64) throws {
        let place = URL(filePath: directory).appending(path: node)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        for time in stride(from: start, through: start + seconds, by: Int(Pages.step)) {
            for (ending, accept) in [("text", nil), ("openmetrics", "application/openmetrics-text")] as [(String, String?)] {
                let page = exposition(of: state(of: node, at: time), accept: accept)
                try Data(page.bytes).write(to: place.appending(path: "\(time).\(ending)"))
            }
        }
    }
}

struct PagesTests {
    @Test("from one page to the next no counter goes back", arguments: Pages.nodes.filter { $0 != "control" })
    func counters(_ node: String) {
        let pages = Pages(start: 1_781_697_600)
        var last: [[String]: UInt64] = [:]
        for time in stride(from: pages.start, through: pages.start + 600, by: 60) {
            let scrape = Scrape(pages.state(of: node, at: time))
            for metric in Metric.all where metric.family.kind == .counter {
                for sample in metric.samples(scrape) {
                    let value: UInt64
                    switch sample.value {
                    case .whole(let number), .decimal(let number, _): value = number
                    case .real, .histogram:
                        Issue.record("\(metric.family.name) isn't counted")
                        continue
                    }
                    let series = [metric.family.name] + sample.labels
                    #expect(value >= last[series] ?? 0)
                    last[series] = value
                }
            }
        }
        #expect(last.count > 20)
    }

    @Test("the pages are there, in both formats")
    func files() throws {
        let asked = ProcessInfo.processInfo.environment["POWERCAP_PAGES"]
        let own = try TemporaryDirectory()
        let directory = asked ?? own.path
        let now = Int64(Date().timeIntervalSince1970)
        let pages = Pages(start: now - now % Pages.step)
        for node in Pages.nodes { try pages.write(to: directory, of: node, for: asked == nil ? 10 : 600) }
        for node in Pages.nodes {
            let page = try String(contentsOfFile: "\(directory)/\(node)/\(pages.start).openmetrics", encoding: .utf8)
            #expect(page.hasSuffix("# EOF\n"))
            #expect(try !String(contentsOfFile: "\(directory)/\(node)/\(pages.start + 10).text", encoding: .utf8).isEmpty)
        }
    }
}
