import Foundation
import JSON
import PowercapProtocol
import TestSupport
import Testing

@testable import Fleet
@testable import Kubernetes
@testable import Logging
@testable import Policy
@testable import powercap_controller

struct BudgetBookTests {
    private let book = BudgetBook(Log(format: .logfmt, level: .error) { _ in })

    private func object(_ name: String, uid: String = "u", generation: Int = 1, _ spec: String) throws -> JSON {
        try JSON(
            Array("{\"metadata\":{\"name\":\"\(name)\",\"uid\":\"\(uid)\",\"generation\":\(generation)},\"spec\":\(spec)}".utf8))
    }

    private func take(_ objects: JSON..., at now_ns: UInt64 = 0, earlier: [String: Microwatts] = [:]) {
        let named = objects.map { ($0["metadata"]!["name"]!.text!, $0) }
        book.take(budgets: Dictionary(uniqueKeysWithValues: named), earlier: earlier, now_ns)
    }

    private func terms() -> [BudgetTerms] { book.terms(mostGrant_s: 120) }

    private static let fixed = "{\"limitMilliwatts\":600000,\"maximumMilliwatts\":200000}"
    private static let row =
        "{\"limitMilliwatts\":600000,\"maximumMilliwatts\":200000,\"nodeSelector\":{\"matchLabels\":{\"row\":\"1\"}}}"

    @Test("a bad object leaves the budget as it was, and a good one takes its place")
    func bad() throws {
        take(try object("site", Self.fixed))
        #expect(terms().map(\.limit) == [Microwatts(600_000_000)])
        take(try object("site", generation: 2, "{\"limitMilliwatts\":700000}"))
        #expect(terms().map(\.limit) == [Microwatts(600_000_000)])
        #expect(book.entries[0].problem == "spec.maximumMilliwatts is missing" && book.entries[0].head.generation == 2)
        take(try object("site", generation: 3, "{\"limitMilliwatts\":700000,\"maximumMilliwatts\":200000}"))
        #expect(terms().map(\.limit) == [Microwatts(700_000_000)] && book.entries[0].problem == nil)
    }

    @Test("one that never was good covers the nodes that it selects, with nothing to give")
    func never() throws {
        take(try object("row", "{\"nodeSelector\":{\"matchLabels\":{\"row\":\"1\"}}}"))
        #expect(terms() == [BudgetTerms(name: "row", limit: .zero, maximum: .watts(1_000_000))])
        #expect(book.memberships(of: FleetNode(name: "a", labels: ["row": "1"])).map(\.budget) == ["row"])
        #expect(book.memberships(of: FleetNode(name: "b", labels: [:])).isEmpty)
    }

    @Test("a budget that was made anew under the same name is another one")
    func anew() throws {
        take(try object("site", Self.fixed))
        take(try object("site", uid: "v", "{\"limitMilliwatts\":1}"))
        #expect(terms() == [BudgetTerms(name: "site", limit: .zero, maximum: .watts(1_000_000))])
    }

    @Test("only nodes whose labels changed are looked at, and those that are gone are in none")
    func moved() throws {
        take(try object("row", Self.row))
        let nodes = ["a": FleetNode(name: "a", labels: ["row": "1"]), "b": FleetNode(name: "b", labels: [:])]
        book.take(nodes: nodes)
        #expect(book.takeMoved(all: true).map { "\($0.name) \($0.memberships.count)" }.sorted() == ["a 1", "b 0"])
        #expect(book.takeMoved().isEmpty)
        book.take(nodes: ["b": FleetNode(name: "b", labels: ["row": "1"])])
        #expect(book.takeMoved().map { "\($0.name) \($0.memberships.count)" }.sorted() == ["a 0", "b 1"])
    }

    @Test("another selector looks at all nodes")
    func selector() throws {
        take(try object("row", Self.fixed))
        book.take(nodes: ["a": FleetNode(name: "a", labels: [:])])
        _ = book.takeMoved(all: true)
        take(try object("row", generation: 2, Self.row))
        #expect(book.takeMoved().map { "\($0.name) \($0.memberships.count)" } == ["a 0"])
    }

    @Test("options of a budget's source: what isn't one is refused by its name")
    func options() {
        func sentence(_ options: [String: String]) -> String {
            do throws(UsageError) {
                _ = try BudgetSource.settings(options)
                return ""
            } catch { return error.sentence }
        }
        #expect(sentence(["SOURCE": "solar", "MAX_SOURCE": "30kW"]) == "")
        #expect(sentence(["SOURCE": "solar"]).hasPrefix("MAX_SOURCE is missing: "))
        #expect(sentence(["MAX_SOURCE": "1W"]).hasPrefix("SOURCE is missing: "))
        #expect(sentence(["SOURCE": "demo", "MAX_SOURCE": "1kW"]).hasPrefix("SOURCE=\"demo\" is none of a budget"))
        #expect(
            sentence(["SOURCE": "solar", "MAX_SOURCE": "1kW", "TIMEZONE": "UTC"]).hasPrefix("TIMEZONE is the whole coordinator's")
        )
        #expect(sentence(["SOURCE": "solar", "MAX_SOURCE": "1kW", "MAX_SORCE": "1"]).contains("did you mean MAX_SOURCE?"))
        #expect(sentence(["SOURCE": "solar", "MAX_SOURCE": "30"]).hasPrefix("MAX_SOURCE=\"30\" is below 1 W"))
        #expect(sentence(["SOURCE": "solar", "MAX_SOURCE": "1kW", "RAMP_UP": "1W"]).contains("is no option of a source"))
    }

    @Test("every option of a source is one of the table")
    func table() { #expect(BudgetSource.variables.isSubset(of: Set(Option.all.map(\.variable)))) }

    @Test("a source gives at once what a file foretells for the time of a grant")
    func foretold() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/series.csv"
        let now = Moment.now.seconds
        func line(_ seconds: Int64, _ value: String) -> String { "\(Timestamp.seconds(now + seconds)),\(value)\n" }
        try (line(-60, "400W") + line(15, "200W") + line(3_600, "")).write(toFile: path, atomically: true, encoding: .utf8)
        let spec =
            "{\"maximumMilliwatts\":1000,\"grantSeconds\":20,\"source\":{\"SOURCE\":\"series\",\"MAX_SOURCE\":\"400W\",\"SERIES_FILE\":\"\(path)\"}}"
        take(try object("site", spec))
        #expect(terms().map(\.limit) == [Microwatts(200_000_000)])
        take(try object("site", generation: 2, spec.replacing("\"grantSeconds\":20", with: "\"grantSeconds\":10")))
        #expect(terms().map(\.limit) == [Microwatts(400_000_000)])
    }

    @Test("a source whose first answer is still to come gives what an earlier coordinator had last, for a while")
    func unfetched() throws {
        let spec =
            "{\"maximumMilliwatts\":1000,\"source\":{\"SOURCE\":\"http\",\"MAX_SOURCE\":\"400W\",\"SOURCE_URL\":\"http://127.0.0.1:9/\",\"SOURCE_VALUE\":\"$.x\",\"SOURCE_TIME\":\"now\"}}"
        take(try object("site", spec), at: 1_000_000_000, earlier: ["site": Microwatts(300_000_000)])
        #expect(terms().map(\.limit) == [Microwatts(300_000_000)])
        book.refresh(17_000_000_000)
        #expect(terms().map(\.limit) == [.zero])
    }
}
