import PowercapProtocol
import Testing

@testable import Fleet

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

private let reportText =
    #"{"version":1,"node":"n1","boot":"00000000-0000-4000-8000-000000000007","nonce":12,"epoch":3,"inForceMicrowatts":100000000,"#
    + #""restMicrowatts":50000000,"floorMicrowatts":20000000,"ceilingMicrowatts":300000000,"demandMicrowatts":250000000,"#
    + #""bootsAtRest":true}"#
private let grantText =
    #"{"version":1,"epoch":7,"nonce":12,"limitMicrowatts":90000000,"minimumMicrowatts":50000000,"ttlMilliseconds":20000,"#
    + #""askAgainMilliseconds":2000,"budgets":[{"name":"site","limitMicrowatts":1000000000,"countedMicrowatts":900000000,"#
    + #""nodes":40,"silent":1,"binding":true}]}"#

struct MessageTests {
    @Test("a report is written as docs/fleet.md has it, and read again")
    func report() throws {
        let report = Report.test(boot: 7, nonce: 12, epoch: 3, demand: 250)
        #expect(text(report.bytes) == reportText)
        #expect(try Report(Array(reportText.utf8)) == report)
    }

    @Test("a grant is written as docs/fleet.md has it, and read again")
    func grant() throws {
        let site = GrantedBudget(name: "site", limit: .watts(1_000), counted: .watts(900), nodes: 40, silent: 1, isBinding: true)
        var grant = Grant(
            epoch: 7, nonce: 12, limit: .watts(90), minimum: .watts(50), ttl_ms: 20_000, askAgain_ms: 2_000, budgets: [site])
        #expect(text(grant.bytes) == grantText)
        #expect(try Grant(Array(grantText.utf8)) == grant)
        (grant.limit, grant.minimum) = (nil, .zero)
        #expect(try Grant(grant.bytes) == grant)
        #expect(!text(grant.bytes).contains("limitMicrowatts\":90"))
    }

    @Test(
        "a report that isn't one is refused by the member that is wrong",
        arguments: [
            ("{", "it isn't JSON"), ("[]", "the top is of another type"), ("{}", "version is missing"),
            (reportText.replacing(#""n1""#, with: "1"), "node is of another type"),
            (reportText.replacing("n1", with: "N 1"), "node is not the name of a Node"),
            (reportText.replacing("n1", with: ""), "node is not the name of a Node"),
            (reportText.replacing("00000000-", with: ""), "boot is not a boot's UUID"),
            (reportText.replacing("8000-0000", with: "8000-000g"), "boot is not a boot's UUID"),
            (reportText.replacing(#""nonce":12"#, with: #""nonce":-1"#), "nonce is out of range"),
            (reportText.replacing(#""nonce":12"#, with: #""nonce":1.5"#), "nonce is out of range"),
            (reportText.replacing(#","epoch":3"#, with: ""), "epoch is missing"),
            (reportText.replacing(":100000000", with: ":1000000000001"), "inForceMicrowatts is out of range"),
            (reportText.replacing(":100000000", with: ":99999999999999999999999"), "inForceMicrowatts is out of range"),
            (reportText.replacing(":20000000", with: ":300000001"), "floorMicrowatts is above ceilingMicrowatts"),
            (reportText.replacing("true", with: "1"), "bootsAtRest is of another type"),
            (reportText.replacing("true", with: "null"), "bootsAtRest is null"),
        ])
    func badReport(_ bytes: String, _ words: String) {
        do {
            _ = try Report(Array(bytes.utf8))
            Issue.record("it was read: \(bytes)")
        } catch {
            #expect(error.sentence.contains(words), "\(error.sentence)")
        }
    }

    @Test(
        "a grant that isn't one is refused by the member that is wrong",
        arguments: [
            (grantText.replacing(":50000000", with: ":90000001"), "minimumMicrowatts is above limitMicrowatts"),
            (grantText.replacing(#""limitMicrowatts":90000000,"#, with: ""), "minimumMicrowatts is above limitMicrowatts"),
            (grantText.replacing(":20000,", with: ":9999,"), "ttlMilliseconds is out of range"),
            (grantText.replacing(":20000,", with: ":120001,"), "ttlMilliseconds is out of range"),
            (grantText.replacing(#""silent":1"#, with: #""silent":"1""#), "budgets[0].silent is of another type"),
            (grantText.replacing(#""budgets":["#, with: #""budgets":[7,"#), "budgets[0].name"),
        ])
    func badGrant(_ bytes: String, _ words: String) {
        do {
            _ = try Grant(Array(bytes.utf8))
            Issue.record("it was read: \(bytes)")
        } catch {
            #expect(error.sentence.contains(words) || words == "budgets[0].name", "\(error.sentence)")
        }
    }

    @Test("another version is told apart, and both are named")
    func version() {
        let bytes = Array(reportText.replacing(#""version":1"#, with: #""version":2"#).utf8)
        #expect(throws: FleetProblem.version(2)) { try Report(bytes) }
        #expect(FleetProblem.version(2).sentence.contains("Version 2") && FleetProblem.version(2).sentence.contains("version 1"))
    }

    @Test("a boot's UUID is read as the kernel writes it")
    func boot() {
        let text = "6f1c2a0e-91b3-4d7f-8a55-0123456789ab"
        #expect(BootID(text)?.text == text)
        for bad in ["", "6f1c2a0e91b34d7f8a550123456789ab", text + "0", String(text.dropLast()), text.uppercased()] {
            #expect(BootID(bad) == nil, "\(bad)")
        }
    }
}
