internal import Policy
internal import PowercapProtocol

// What is governed, and how its devices share: as it is read and written.

extension ValueKind where Value == Set<Governable> {
    /// Words with commas between them, in the order of the table when they are written.
    static let governed: ValueKind = {
        let names = Governable.allCases.map(\.rawValue)
        return ValueKind(
            words: ValueWords(
                noun: "a list of what may be governed", placeholder: "WORD[,WORD]...",
                valid: names.dropLast().joined(separator: ", ") + " or " + names.suffix(1).joined()
                    + ", or several with commas between them"),
            parse: { text throws(ValueProblem) in
                if text.isEmpty { throw .empty }
                var words: Set<Governable> = []
                for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                    guard let word = Governable(rawValue: String(part)) else { throw .unknownName }
                    words.insert(word)
                }
                return words
            },
            show: { $0.words })
    }()
}

extension ValueKind where Value == KindWeights {
    /// `package:1,gpu:2`; a kind that isn't named has 1.
    static let weights: ValueKind = {
        let count = ValueKind<Int>.count(1...100)
        return ValueKind(
            words: ValueWords(
                noun: "a list of weights", placeholder: "KIND:N[,KIND:N]",
                valid: "package:N, gpu:N or both, with N from 1 to 100",
                lowest: "1", highest: "100", form: "package:1 to 100, gpu:1 to 100"),
            parse: { text throws(ValueProblem) in
                if text.isEmpty { throw .empty }
                var given: [DeviceKind: UInt64] = [:]
                for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                    let halves = part.split(separator: ":", omittingEmptySubsequences: false)
                    guard halves.count == 2 else { throw .malformed }
                    guard let kind = DeviceKind(rawValue: String(halves[0])), kind != .server else { throw .unknownName }
                    guard given[kind] == nil else { throw .malformed }
                    given[kind] = UInt64(try count.parse(String(halves[1])))
                }
                return KindWeights(package: given[.package] ?? 1, gpu: given[.gpu] ?? 1)
            },
            show: { "package:\($0.package),gpu:\($0.gpu)" })
    }()
}

extension Settings {
    /// Refuses what no device could be given, and what would have no effect.
    func checkGoverned() throws(UsageError) {
        let policy = configuration.policy
        let scope = policy.budgetOf
        func named(_ kind: DeviceKind) -> Governable? {
            Governable.allCases.first { policy.govern.contains($0) && $0.kind == kind }
        }
        if scope != .server, let word = named(.server) {
            throw .outsideBudget(
                given("GOVERN"), given("BUDGET_OF"),
                because: "\(word.rawValue) is a cap of the whole server, which is no part of a limit of its devices",
                instead: "give BUDGET_OF=server, or take \(word.rawValue) away")
        }
        if scope == .packages, let word = named(.gpu) {
            throw .outsideBudget(
                given("GOVERN"), given("BUDGET_OF"), because: "a \(word.rawValue) has no part of a limit of the packages",
                instead: "give BUDGET_OF=devices, or take \(word.rawValue) away")
        }
        if policy.weights != KindWeights(), named(.gpu) == nil || named(.package) == nil {
            throw .withoutEffect(given("WEIGHTS"), given("GOVERN"), needs: "GOVERN with packages and gpu")
        }
        guard scope == .server else { return }
        if policy.pmaxFunction != .sum {
            throw .withoutEffect(given("BUDGET_OF"), given("PMAX_FUNC"), needs: "PMAX_FUNC=sum, where a limit is of all together")
        }
        if policy.source == .granted {
            throw .againstGrants(
                given("BUDGET_OF"), given("SOURCE"),
                because: "what a coordinator counts is what its nodes' devices are limited to, which a whole server isn't",
                instead: "give BUDGET_OF=devices")
        }
    }
}
