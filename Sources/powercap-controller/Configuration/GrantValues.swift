internal import Policy
internal import PowercapProtocol

/// Whom SOURCE=granted asks, and what is shown to it.
struct GrantSettings: Equatable, Sendable {
    /// The one that is asked first in front.
    var addresses: [CoordinatorAddress] = []
    /// How many shards the nodes of the cluster are in.
    var shards = 1
    /// nil is where a pod has it.
    var tokenFile: String?
    /// nil is where a pod has it, and where there is none the system's.
    var certificateFile: String?

    /// What is asked for there.
    static let path = "/v1/grant"
    /// Where the manifests put a token of the coordinator's audience.
    static let usualTokenFile = "/var/run/secrets/powercap/token"
    /// Beside it, the authority that has signed the coordinator's certificate.
    static let usualCertificateFile = "/var/run/secrets/powercap/ca.crt"
    /// For each: the helper's lease of a node whose limits are granted. Should the controller die, its fallback limit has to be in force
    /// before the grant is over.
    static let longestLease = Milliseconds.seconds(5)
}

extension ValueKind where Value == [CoordinatorAddress] {
    /// Coordinators. A token goes there, so all have TLS.
    static let coordinators = ValueKind(
        words: ValueWords(
            noun: "a coordinator's address", placeholder: "URL",
            valid: "https://HOST[:PORT], in which {shard} is the node's shard, or several with blanks between them",
            highest: "8 addresses"),
        parse: { text throws(ValueProblem) in
            var addresses: [CoordinatorAddress] = []
            for part in text.split(separator: " ") {
                guard let address = CoordinatorAddress(String(part)) else { throw .malformed }
                addresses.append(address)
            }
            if addresses.count > 8 { throw .tooHigh }
            return addresses
        },
        show: { $0.map(\.text).joined(separator: " ") })
}

extension Settings {
    /// What SOURCE=granted goes with where nobody says anything else, as if it had been given there.
    static func followGrants(
        _ configuration: inout Configuration, _ origins: inout [(origin: Origin, given: Given)]
    ) throws(UsageError) {
        guard configuration.policy.source == .granted,
            let source = Option.all.firstIndex(where: { $0.variable == "SOURCE" })
        else { return }
        let standard = [("LEASE_TIME", GrantSettings.longestLease.setting), ("ON_EXIT", "fallback")]
        for (index, option) in Option.all.enumerated() where origins[index].origin == .standard {
            guard let text = standard.first(where: { $0.0 == option.variable })?.1 else { continue }
            let given = Given(name: option.variable, text: text, place: origins[source].given.words)
            do { try option.read(text, &configuration) } catch { throw .value(given, error, option.words) }
            origins[index] = (origins[source].origin, given)
        }
    }

    /// Refuses grants that nobody can be asked for, and what would hold limits above them.
    func checkGrants() throws(UsageError) {
        let (policy, grants) = (configuration.policy, configuration.grants)
        guard policy.source == .granted else {
            let variables = [
                ("GRANT_URL", !grants.addresses.isEmpty), ("GRANT_SHARDS", grants.shards != 1),
                ("GRANT_TOKEN_FILE", grants.tokenFile != nil),
                ("GRANT_CA_FILE", grants.certificateFile != nil),
            ]
            for (variable, isGiven) in variables where isGiven {
                throw .fileWithoutSource(given(variable), given("SOURCE"), needs: "granted")
            }
            return
        }
        if grants.addresses.isEmpty { throw .noCoordinator(given("SOURCE")) }
        if grants.shards > 1, let first = grants.addresses.first(where: { !$0.namesShard }) {
            throw .noShard(given("GRANT_SHARDS"), first.text)
        }
        if configuration.nodeName == nil { throw .noGrantee(given("SOURCE")) }
        let address =
            configuration.liveFile == nil
            ? configuration.liveService.addressFile == nil ? "LIVE_URL" : "LIVE_URL_FILE" : "LIVE_FILE"
        let refused: [(variable: String, isSo: Bool, because: String, instead: String)] = [
            ("RAMP_DOWN", policy.rampDown != nil, "limits would stay above what is granted for a while", "take it away"),
            (
                "PMAX_FUNC", policy.pmaxFunction != .sum, "a grant is for all packages together", "give PMAX_FUNC=sum"
            ),
            (
                "ON_DRIFT", configuration.onDrift == .leave, "another party's limit may be above what is granted",
                "give ON_DRIFT=reassert"
            ),
            (
                "ON_EXIT", configuration.onExit != .fallback, "what comes back, or stays, may be above what is granted",
                "give ON_EXIT=fallback"
            ),
            (
                "LEASE_TIME", configuration.leaseTime > GrantSettings.longestLease,
                "the helper has to act before the grants of a controller that died are over",
                "give at most \(GrantSettings.longestLease.words)"
            ),
            (
                "FALLBACK_LIMIT", policy.fallbackLimit != nil, "the node's rest is what its coordinator guarantees it",
                "take it away"
            ),
            (address, configuration.isLive, "what is measured on this node isn't what the others leave it", "take it away"),
        ]
        for (variable, isSo, because, instead) in refused where isSo {
            throw .againstGrants(given(variable), given("SOURCE"), because: because, instead: instead)
        }
    }
}
