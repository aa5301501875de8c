import Fleet
import JSON
import PowercapProtocol
import Testing

@testable import Kubernetes
@testable import powercap_controller

struct BudgetObjectTests {
    private func read(_ spec: String) throws -> BudgetObject {
        let object = try JSON(
            Array("{\"metadata\":{\"name\":\"site\",\"uid\":\"u\",\"generation\":3},\"spec\":\(spec)}".utf8))
        return try BudgetObject(object, try #require(BudgetObject.Head(object)))
    }

    @Test("a budget has what isn't said as the kinds of object say")
    func standard() throws {
        let budget = try read("{\"limitMilliwatts\":600000,\"maximumMilliwatts\":200000}")
        #expect(budget.head == BudgetObject.Head(name: "site", uid: "u", generation: 3))
        #expect(budget.power == .fixed(Microwatts(600_000_000)))
        #expect(budget.maximum == Microwatts(200_000_000) && budget.minimum == .zero && budget.reserve == .zero)
        #expect(budget.contingencyNodes == 1 && budget.grant_s == 20 && budget.classes.isEmpty)
        #expect(budget.nodeSelector == .everything && budget.share(of: [:]) == (0, 1))
    }

    @Test("the first class that selects a node counts, and a priority may be negative")
    func classes() throws {
        let budget = try read(
            """
            {"source":{"SOURCE":"solar","MAX_SOURCE":"3kW"},"maximumMilliwatts":1,"classes":[
             {"name":"spare","nodeSelector":{"matchLabels":{"tier":"tin"}},"priority":-5,"weight":3},
             {"name":"any","nodeSelector":{},"priority":7}]}
            """)
        #expect(budget.power == .source(["SOURCE": "solar", "MAX_SOURCE": "3kW"]))
        #expect(budget.share(of: ["tier": "tin"]) == (-5, 3))
        #expect(budget.share(of: ["tier": "gold"]) == (7, 1))
    }

    @Test(
        "what can't be followed is refused with the member",
        arguments: [
            ("{\"limitMilliwatts\":1}", "spec.maximumMilliwatts is missing"),
            ("{\"maximumMilliwatts\":1}", "spec.limitMilliwatts is missing, and so is source: give one of them"),
            (
                "{\"maximumMilliwatts\":1,\"limitMilliwatts\":1,\"source\":{\"SOURCE\":\"static\"}}",
                "spec.source is given beside limitMilliwatts: give one of them"
            ),
            ("{\"maximumMilliwatts\":1,\"source\":{\"SOURCE\":1}}", "spec.source.SOURCE is of another type"),
            ("{\"maximumMilliwatts\":1,\"limitMilliwatts\":-4}", "spec.limitMilliwatts is out of range"),
            ("{\"maximumMilliwatts\":1,\"limitMilliwatts\":1000000000000001}", "spec.limitMilliwatts is out of range"),
            (
                "{\"maximumMilliwatts\":1,\"limitMilliwatts\":9,\"minimumMilliwatts\":2}",
                "spec.minimumMilliwatts is more than spec.maximumMilliwatts"
            ),
            (
                "{\"maximumMilliwatts\":9,\"limitMilliwatts\":9,\"reserveMilliwatts\":9}",
                "spec.reserveMilliwatts leaves nothing of spec.limitMilliwatts"
            ),
            ("{\"maximumMilliwatts\":9,\"limitMilliwatts\":9,\"grantSeconds\":9}", "spec.grantSeconds is not from 10 to 120"),
            (
                "{\"maximumMilliwatts\":9,\"limitMilliwatts\":9,\"contingencyNodes\":1001}",
                "spec.contingencyNodes is not from 0 to 1000"
            ),
            (
                "{\"maximumMilliwatts\":9,\"limitMilliwatts\":9,\"nodeSelector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Is\"}]}}",
                "spec.nodeSelector.matchExpressions[0].operator is an unknown word"
            ),
        ])
    func refusals(_ spec: String, _ words: String) {
        #expect(throws: BudgetObject.Problem(words: words)) { try read(spec) }
    }

    @Test("a shard's records are read back as they were written, and never less")
    func records() throws {
        let head = BudgetObject.Head(name: "site", uid: "u", generation: 1)
        var object = ShardObject.new(head, shard: 0, of: 1, Microwatts(600_000_000), "a 1")
        let bare = try ShardObject(object)
        #expect(bare.budget == "site" && bare.limit == Microwatts(600_000_000) && bare.grant_s == nil && bare.records.isEmpty)
        let record = Fleet.NodeRecord(
            node: "n", ceiling: Microwatts(200_000_001), rest: Microwatts(20_000_000), bootsAtRest: true)
        object = .object((object.members ?? []) + [.init("status", ["grantSeconds": .whole(20), "nodes": [record.json]])])
        let read = try ShardObject(object)
        #expect(read.grant_s == 20)
        #expect(
            read.records == [
                Fleet.NodeRecord(node: "n", ceiling: Microwatts(200_001_000), rest: Microwatts(20_000_000), bootsAtRest: true)
            ])
    }
}
