internal import PowercapProtocol

/// An annotation that administrators set on a Node against the configuration.
struct NodeOverride: Sendable {
    let annotation: String
    let words: ValueWords
    let read: @Sendable (String, inout Overrides) throws(ValueProblem) -> Void

    private init<Value>(
        _ name: String, _ field: any WritableKeyPath<Overrides, Value> & Sendable, _ kind: ValueKind<Value>
    ) {
        (annotation, words) = ("powercap.dev/\(name)", kind.words)
        read = { text, overrides throws(ValueProblem) in overrides[keyPath: field] = try kind.parse(text) }
    }

    private init(_ name: String, _ field: any WritableKeyPath<Overrides, Microwatts?> & Sendable, _ kind: ValueKind<Microwatts>) {
        (annotation, words) = ("powercap.dev/\(name)", kind.words)
        read = { text, overrides throws(ValueProblem) in overrides[keyPath: field] = try kind.parse(text) }
    }

    private static let minPowerName = "min-power"
    static let minPower = "powercap.dev/\(minPowerName)"

    /// The one table of overrides: reading and the document come from it.
    static let all: [NodeOverride] = [
        NodeOverride("paused", \.paused, .boolean),
        NodeOverride("limit", \.limit, .power(.watts(1) ... .watts(1_000_000))),
        NodeOverride("max-source", \.maxSource, .power(.watts(1) ... .watts(1_000_000))),
        NodeOverride(minPowerName, \.minPower, .power(.watts(1) ... .registerMaximum)),
    ]

    /// One that is not understood, and ignored.
    struct Rejected: Equatable, Sendable {
        let annotation: String
        let value: String
        /// What a person reads.
        let why: String
    }
}

extension Overrides {
    /// What a Node's annotations say. A bad one counts as if it weren't there.
    init(_ annotations: [String: String], rejected: inout [NodeOverride.Rejected]) {
        self.init()
        for override in NodeOverride.all {
            guard let text = annotations[override.annotation] else { continue }
            do throws(ValueProblem) { try override.read(text, &self) } catch {
                let given = Given(name: override.annotation, text: text)
                rejected.append(
                    NodeOverride.Rejected(
                        annotation: override.annotation, value: text,
                        why: UsageError.value(given, error, override.words).sentence))
            }
        }
    }
}

extension Overrides {
    /// Removes what this node can't follow, as `Settings.check` refuses it of the configuration.
    mutating func fit(_ configuration: Configuration, _ packages: [Package]) -> [NodeOverride.Rejected] {
        guard let floor = minPower else { return [] }
        let text = floor.setting
        func rejected(_ why: String) -> [NodeOverride.Rejected] {
            minPower = nil
            return [NodeOverride.Rejected(annotation: NodeOverride.minPower, value: text, why: why)]
        }
        let peak = maxSource ?? configuration.maxSource
        if floor > peak {
            return rejected("\(text) is above the peak of the source, \(peak.words): give at most that")
        }
        for package in packages where package.fixed == nil && floor > package.longTerm.ceiling.roundedDown {
            return rejected(
                "\(text) is above the ceiling of \(package.name.text): give at most \(package.longTerm.ceiling.roundedDown.words)"
            )
        }
        return []
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
