internal import Policy
internal import PowercapProtocol

/// An annotation that administrators set on a Node against the configuration.
struct NodeOverride: Sendable {
    let name: String
    let annotation: String
    /// The annotation that says when it ends; nil for what has no end.
    let until: String?
    let words: ValueWords
    /// Less of it is less power.
    let limitsPower: Bool
    let read: @Sendable (String, inout Overrides) throws(ValueProblem) -> Void

    private init<Value>(
        _ name: String, _ field: any WritableKeyPath<Overrides, Value> & Sendable, _ kind: ValueKind<Value>, hasEnd: Bool = false
    ) {
        (self.name, annotation, words, limitsPower) = (name, "powercap.dev/\(name)", kind.words, false)
        until = hasEnd ? "\(annotation)-until" : nil
        read = { text, overrides throws(ValueProblem) in overrides[keyPath: field] = try kind.parse(text) }
    }

    private init(
        _ name: String, _ field: any WritableKeyPath<Overrides, Microwatts?> & Sendable, _ kind: ValueKind<Microwatts>,
        limitsPower: Bool, hasEnd: Bool = false
    ) {
        (self.name, annotation, words, self.limitsPower) = (name, "powercap.dev/\(name)", kind.words, limitsPower)
        until = hasEnd ? "\(annotation)-until" : nil
        read = { text, overrides throws(ValueProblem) in overrides[keyPath: field] = try kind.parse(text) }
    }

    private static let minPowerName = "min-power"
    static let minPower = "powercap.dev/\(minPowerName)"
    /// Why there are overrides, for people.
    static let reason = "powercap.dev/override-reason"

    /// The one table of overrides: reading and the document come from it.
    static let all: [NodeOverride] = [
        NodeOverride("paused", \.paused, .boolean, hasEnd: true),
        NodeOverride("limit", \.limit, .power(.watts(1) ... .watts(1_000_000)), limitsPower: true, hasEnd: true),
        NodeOverride("max-source", \.maxSource, .power(.watts(1) ... .watts(1_000_000)), limitsPower: true),
        // Without it the floor is the configuration's, which is where every doubt ends.
        NodeOverride(minPowerName, \.minPower, .power(.watts(1) ... .registerMaximum), limitsPower: false),
    ]

    /// Every annotation that is read.
    static let keys = Set(all.map(\.annotation) + all.compactMap(\.until) + [reason])

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

extension Overrides {
    /// Takes back what this node can't follow, as `Settings.check` refuses it of the configuration.
    /// - Parameter last: the floor that could last be followed, where the annotation has stood there since.
    mutating func fit(_ policy: PowerPolicy, _ devices: [Device], last: Microwatts? = nil) -> [NodeOverride.Rejected] {
        guard let floor = minPower, let why = obstacle(to: floor, policy, devices) else { return [] }
        minPower = last.flatMap { obstacle(to: $0, policy, devices) == nil ? $0 : nil }
        let instead = minPower.map { "\($0.setting) holds, as before" } ?? "it is ignored"
        return [NodeOverride.Rejected(annotation: NodeOverride.minPower, value: floor.setting, why: why, instead: instead)]
    }

    private func obstacle(to floor: Microwatts, _ policy: PowerPolicy, _ devices: [Device]) -> String? {
        // What is granted has no peak of its own.
        if let peak = maxSource ?? (policy.source == .granted ? nil : policy.maxSource), floor > peak {
            return "\(floor.setting) is above the peak of the source, \(peak.words): give at most that"
        }
        let low = devices.first { $0.fixed == nil && floor > $0.longTerm.ceiling.roundedDown }
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
