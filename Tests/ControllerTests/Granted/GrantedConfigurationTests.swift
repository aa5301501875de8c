import HTTP
import PowercapProtocol
import Testing

@testable import Policy
@testable import powercap_controller

/// SOURCE=granted: what it needs, what it goes with, and what would keep limits above a grant.
struct GrantedConfigurationTests {
    private static let given = ["SOURCE": "granted", "GRANT_URL": "https://coordinator:8443", "NODE_NAME": "node-a"]

    private func settings(_ more: [String: String]) throws -> Settings {
        let environment = Self.given.merging(more) { $1 }
        return try Settings(flags: [:], environment: { environment[$0] })
    }

    @Test("P17: the lease is short and the limits fall back at exit, whether that is said or not")
    func standard() throws {
        for more in [[:], ["LEASE_TIME": "5s", "ON_EXIT": "fallback"], ["LEASE_TIME": "2s"]] {
            let configuration = try settings(more).configuration
            #expect(configuration.onExit == .fallback && configuration.leaseTime <= .seconds(5))
        }
        // Its default of 40 W is nothing to a grant.
        #expect(throws: Never.self) { try settings(["RAPL_MIN_POWER": "50W"]) }
    }

    @Test(
        "P17: what would keep limits above a grant is refused, and so is what nobody could be asked with",
        arguments: [
            ("GRANT_URL", "", "GRANT_URL is not set"), ("NODE_NAME", "", "NODE_NAME is not set"),
            ("RAMP_DOWN", "1W/s", "take it away"),
            ("PMAX_FUNC", "max", "PMAX_FUNC=sum"), ("ON_DRIFT", "leave", "ON_DRIFT=reassert"),
            ("ON_EXIT", "restore", "ON_EXIT=fallback"),
            ("ON_EXIT", "hold", "ON_EXIT=fallback"), ("LEASE_TIME", "5.001s", "at most 5 s"), ("LIVE_FILE", "/x", "take it away"),
            ("LIVE_URL", "https://10.0.0.1/x", "take it away"), ("FALLBACK_LIMIT", "60W", "take it away"),
            ("LOOK_AHEAD", "window", "no effect"), ("STALE_AFTER", "1h", ""), ("RAMP_UP", "1W/s", ""), ("MIN_HOLD", "1m", ""),
            ("DEAD_BAND", "5W", ""), ("SPLIT", "demand", ""), ("STRATEGY", "idle-down", ""), ("MAX_SOURCE", "90W", ""),
        ])
    func refused(_ variable: String, _ value: String, _ words: String) {
        do throws(UsageError) {
            let environment = Self.given.merging([variable: value]) { $1 }
            _ = try Settings(flags: [:], environment: { environment[$0] })
            #expect(words.isEmpty, "\(variable)=\(value) is taken")
        } catch { #expect(!words.isEmpty && error.sentence.contains(words), "\(error.sentence)") }
    }

    @Test("P11: of several shards each address names the shard, and the node's own stands for {shard}")
    func shards() throws {
        #expect(throws: UsageError.self) { try settings(Self.given.merging(["GRANT_SHARDS": "2"]) { $1 }) }
        let address = try #require(CoordinatorAddress("https://coordinator-{shard}-0:8443"))
        #expect(address.url(shard: 7)?.origin == "https://coordinator-7-0:8443" && address.url(shard: 7)?.path == "/v1/grant")
        #expect(address.namesShard && CoordinatorAddress("https://a")?.namesShard == false)
    }

    @Test(
        "P11: what is only for grants is refused with another source",
        arguments: ["GRANT_URL", "GRANT_SHARDS", "GRANT_TOKEN_FILE", "GRANT_CA_FILE"])
    func others(_ variable: String) {
        let value = ["GRANT_URL": "https://a", "GRANT_SHARDS": "2"][variable] ?? "/x"
        #expect(throws: UsageError.self) {
            try settings(["SOURCE": "static", "GRANT_URL": ""].merging([variable: value]) { $1 })
        }
    }
}
