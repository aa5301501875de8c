internal import Policy
internal import PowercapProtocol

/// An annotation that administrators set on a Node against the configuration.
struct NodeOverride: Sendable {
    let annotation: String
    let words: ValueWords
    /// Less of it is less power.
    let limitsPower: Bool
    let read: @Sendable (String, inout Overrides) throws(ValueProblem) -> Void

    private init<Value>(
        _ name: String, _ field: any WritableKeyPath<Overrides, Value> & Sendable, _ kind: ValueKind<Value>
    ) {
        (annotation, words, limitsPower) = ("powercap.dev/\(name)", kind.words, false)
        read = { text, overrides throws(ValueProblem) in overrides[keyPath: field] = try kind.parse(text) }
    }

    private init(
        _ name: String, _ field: any WritableKeyPath<Overrides, Microwatts?> & Sendable, _ kind: ValueKind<Microwatts>,
        limitsPower: Bool
    ) {
        (annotation, words, self.limitsPower) = ("powercap.dev/\(name)", kind.words, limitsPower)
        read = { text, overrides throws(ValueProblem) in overrides[keyPath: field] = try kind.parse(text) }
    }

    private static let minPowerName = "min-power"
    static let minPower = "powercap.dev/\(minPowerName)"

    /// The one table of overrides: reading and the document come from it.
    static let all: [NodeOverride] = [
        NodeOverride("paused", \.paused, .boolean),
        NodeOverride("limit", \.limit, .power(.watts(1) ... .watts(1_000_000)), limitsPower: true),
        NodeOverride("max-source", \.maxSource, .power(.watts(1) ... .watts(1_000_000)), limitsPower: true),
        // Without it the floor is the configuration's, which is where every doubt ends.
        NodeOverride(minPowerName, \.minPower, .power(.watts(1) ... .registerMaximum), limitsPower: false),
    ]

    /// One that is not understood, or can't be followed here.
    struct Rejected: Equatable, Sendable {
        let annotation: String
        let value: String
        /// What a person reads.
        let why: String
        /// What holds in its place.
        let instead: String

        var sentence: String { "\(why): \(instead)" }
    }
}

/// Reads a Node's overrides. A value that can't be read changes nothing: what the annotation said before holds until it is put right or
/// removed, so that a slip of the keyboard never gives more power.
struct OverrideReader {
    /// What an annotation said when it could last be read.
    private enum Said {
        /// It was never seen without a fault: this program has just begun.
        case unknown
        case nothing
        case value(String)
    }

    private var said: [String: Said] = [:]

    mutating func read(_ annotations: [String: String]) -> (Overrides, rejected: [NodeOverride.Rejected]) {
        var (overrides, rejected) = (Overrides(), [NodeOverride.Rejected]())
        var isLimitUnknown = false
        for override in NodeOverride.all {
            guard let text = annotations[override.annotation] else {
                said[override.annotation] = .nothing
                continue
            }
            do throws(ValueProblem) {
                try override.read(text, &overrides)
                said[override.annotation] = .value(text)
            } catch {
                let instead: String
                switch said[override.annotation] ?? .unknown {
                case .value(let last):
                    // It was read before.
                    try? override.read(last, &overrides)
                    instead = "\(last) holds, as before"
                case .nothing: instead = "it is ignored, as nothing stood there before"
                case .unknown where override.limitsPower:
                    isLimitUnknown = true
                    instead = "what stood there before isn't known, so the floor holds"
                case .unknown: instead = "it is ignored"
                }
                let given = Given(name: override.annotation, text: text)
                rejected.append(
                    NodeOverride.Rejected(
                        annotation: override.annotation, value: text,
                        why: UsageError.value(given, error, override.words).sentence, instead: instead))
            }
        }
        // Whatever it was, it wasn't less than the floor.
        if isLimitUnknown, overrides.limit == nil { overrides.limit = .zero }
        return (overrides, rejected)
    }
}

extension Overrides {
    /// Takes back what this node can't follow, as `Settings.check` refuses it of the configuration.
    /// - Parameter last: the floor that could last be followed, where the annotation has stood there since.
    mutating func fit(_ policy: PowerPolicy, _ packages: [Package], last: Microwatts? = nil) -> [NodeOverride.Rejected] {
        guard let floor = minPower, let why = obstacle(to: floor, policy, packages) else { return [] }
        minPower = last.flatMap { obstacle(to: $0, policy, packages) == nil ? $0 : nil }
        let instead = minPower.map { "\($0.setting) holds, as before" } ?? "it is ignored"
        return [NodeOverride.Rejected(annotation: NodeOverride.minPower, value: floor.setting, why: why, instead: instead)]
    }

    private func obstacle(to floor: Microwatts, _ policy: PowerPolicy, _ packages: [Package]) -> String? {
        let peak = maxSource ?? policy.maxSource
        if floor > peak { return "\(floor.setting) is above the peak of the source, \(peak.words): give at most that" }
        let low = packages.first { $0.fixed == nil && floor > $0.longTerm.ceiling.roundedDown }
        guard let low else { return nil }
        let ceiling = low.longTerm.ceiling.roundedDown
        return "\(floor.setting) is above the ceiling of \(low.name.text): give at most \(ceiling.words)"
    }
}

extension ValueKind where Value == Bool {
    static let boolean = ValueKind(
        words: ValueWords(noun: "a yes or no", placeholder: "true|false", valid: "true or false"),
        parse: { text throws(ValueProblem) in
            switch text {
            case "true": return true
            case "false": return false
            default: throw text.isEmpty ? .empty : .unknownName
            }
        },
        show: { $0 ? "true" : "false" })
}
