import Foundation
import JSON
import PowercapProtocol
import Testing

@testable import Fleet
@testable import Metrics
@testable import Policy
@testable import powercap_controller

struct FleetMetricsTests {
    private var state: FleetState { state(shard: 0) }

    private func state(shard: Int) -> FleetState {
        let overview = overview { $0.silent = 2 }
        return FleetState(
            now: Moment(seconds: 1_000), boot_ns: 5_000_000_000, started: 900, identity: "a_1", shard: shard, shards: shard + 1,
            holder: "a_1", epoch: 7,
            validUntil_ns: 9_000_000_000, closed: nil, takeover_ns: 1_250_000_000,
            budgets: [
                FleetState.Budget(
                    name: "site", generation: 3, overview: overview,
                    conditions: BudgetCondition.all(BudgetCondition.Facts(overview: overview)), parts: [])
            ],
            nodes: [
                NodeOverview(
                    name: "<n1>", budgets: ["site"], isHeard: true, inForce: Microwatts(90_000_000),
                    counted: Microwatts(90_000_000),
                    granted: Microwatts(90_000_000), target: Microwatts(90_000_000), ends_ns: 20_000_000_000,
                    demand: Microwatts(150_000_000), ceiling: Microwatts(200_000_000), rest: Microwatts(50_000_000),
                    bootsAtRest: true)
            ],
            troubles: [], requests: [:], asks: ["granted": 12, "flood": 1], turns: Histogram(bounds: [0.001]),
            answers: Histogram(bounds: [0.001]),
            allocations: Histogram(bounds: [0.001]), reviews: ["known": 3], listeners: [])
    }

    @Test("each family has a name of its own, as Prometheus wants them, and a help that is a sentence")
    func families() {
        let families = FleetMetric.all.map(\.family)
        #expect(Set(families.map(\.name)).count == families.count)
        for family in families {
            #expect(family.name.hasPrefix("powercap_fleet_") && family.help.hasSuffix("."))
            if family.kind == .counter { #expect(family.name.hasSuffix("_total")) }
            if family.kind == .info { #expect(family.name.hasSuffix("_info")) }
        }
        #expect(Set(families.map(\.name)).isDisjoint(with: Set(Metric.all.map(\.family.name))))
    }

    @Test("a leader's page has the budgets and the nodes by their states")
    func page() {
        let lines = String(decoding: exposition(of: state, accept: nil).bytes, as: UTF8.self).split(separator: "\n")
        for line in [
            "powercap_fleet_budget_limit_watts{budget=\"site\",shard=\"0\"} 1000",
            "powercap_fleet_budget_counted_watts{budget=\"site\",shard=\"0\"} 900",
            "powercap_fleet_budget_nodes{budget=\"site\",shard=\"0\",state=\"silent\"} 2", "powercap_fleet_takeover_seconds 1.25",
            "powercap_fleet_lease_expires_timestamp_seconds 1004", "powercap_fleet_asks_total{result=\"granted\"} 12",
            "powercap_fleet_budget_condition_info{budget=\"site\",shard=\"0\",type=\"Degraded\",status=\"True\",reason=\"NodesSilent\"} 1",
        ] { #expect(lines.contains(Substring(line)), "\(line)") }
    }

    @Test("the pages of two shards have no series in common, so that their sum is the whole")
    func shards() {
        func series(_ shard: Int) -> Set<Substring> {
            let lines = String(decoding: exposition(of: state(shard: shard), accept: nil).bytes, as: UTF8.self).split(
                separator: "\n")
            return Set(lines.filter { $0.hasPrefix("powercap_fleet_budget_") }.map { $0.prefix { $0 != " " } })
        }
        #expect(!series(0).isEmpty && series(0).isDisjoint(with: series(1)))
    }

    @Test("docs/fleet.md has the table, and is what `help coordinate --format metrics` prints")
    func document() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/fleet.md"), encoding: .utf8)
        #expect(
            page.contains("<!-- powercap-controller help coordinate --format metrics -->\n\(FleetMetric.markdown)<!-- end -->"))
    }

    @Test("a node's name is text on the page, whatever is in it")
    func escaped() {
        let page = String(decoding: powercap_controller.page(state), as: UTF8.self)
        #expect(page.contains("&lt;n1&gt;") && !page.contains("<n1>"))
        #expect(page.contains("<h1>The budget site needs a look."))
    }

    @Test("status says what is granted until when")
    func status() {
        let node = state.json["nodes"]?.elements?.first
        #expect(node?["granted_uw"]?.integer == 90_000_000 && node?["until"]?.text == Instant(1_015).text)
        #expect(state.json["coordinator"]?["lease_valid_until"]?.text == Instant(1_004).text)
    }
}
