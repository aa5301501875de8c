internal import JSON
internal import Kubernetes
internal import PowercapProtocol

/// A PowerBudget as the API server has it, whole and without a contradiction.
struct BudgetObject: Equatable, Sendable {
    /// Which one.
    let head: Head
    let nodeSelector: LabelSelector
    let power: Power
    /// What each node is guaranteed.
    let minimum: Microwatts
    /// What no node is granted more than.
    let maximum: Microwatts
    let reserve: Microwatts
    let contingencyNodes: Int
    /// How long a grant holds.
    let grant_s: UInt64
    let classes: [NodeClass]

    /// As the schema has it where nothing is said, s.
    static let usualGrant_s: UInt64 = 20

    /// What every PowerBudget has, whatever its spec is.
    struct Head: Equatable, Sendable {
        let name: String
        let uid: String
        /// Of the spec; it grows with each change.
        let generation: UInt64
    }

    /// What there is to be given.
    enum Power: Equatable, Sendable {
        case fixed(Microwatts)
        /// Options of a source, by variable.
        case source([String: String])
    }

    /// Nodes that come before others, or get more.
    struct NodeClass: Equatable, Sendable {
        let name: String
        let nodeSelector: LabelSelector
        let priority: Int
        let weight: UInt64
    }

    /// Why one can't be followed.
    struct Problem: Error, Equatable, Sendable {
        /// Such as `spec.limitMilliwatts is missing`.
        let words: String
    }

    /// - Parameter object: as the API server gives it.
    init(_ object: JSON, _ head: Head) throws(Problem) {
        do throws(JSONField.Problem) {
            self = try BudgetObject(head, spec: JSONField(top: object).member("spec"))
        } catch { throw Problem(words: error.words) }
        try check()
    }

    private init(_ head: Head, spec: JSONField) throws(JSONField.Problem) {
        self.head = head
        nodeSelector = try spec.optional("nodeSelector", LabelSelector.init) ?? .everything
        let limit = try spec.optional("limitMilliwatts") { field throws(JSONField.Problem) in try field.milliwatts() }
        switch (limit, try spec.optional("source", BudgetObject.options)) {
        case (let limit?, nil): power = .fixed(limit)
        case (nil, let options?): power = .source(options)
        case (nil, nil): throw spec.problem(of: "limitMilliwatts", "missing, and so is source: give one of them")
        case (.some, .some): throw spec.problem(of: "source", "given beside limitMilliwatts: give one of them")
        }
        func powerOf(_ name: String) throws(JSONField.Problem) -> Microwatts? {
            try spec.optional(name) { field throws(JSONField.Problem) in try field.milliwatts() }
        }
        minimum = try powerOf("minimumMilliwatts") ?? .zero
        maximum = try spec.member("maximumMilliwatts").milliwatts()
        reserve = try powerOf("reserveMilliwatts") ?? .zero
        contingencyNodes =
            try spec.optional("contingencyNodes") { field throws(JSONField.Problem) in try field.integer() } ?? 1
        grant_s =
            try spec.optional("grantSeconds") { field throws(JSONField.Problem) in try field.integer() }
            ?? BudgetObject.usualGrant_s
        classes = try spec.optional("classes") { field throws(JSONField.Problem) in try BudgetObject.classes(field) } ?? []
    }

    private static func options(_ field: JSONField) throws(JSONField.Problem) -> [String: String] {
        var options: [String: String] = [:]
        for (name, value) in try field.members() { options[name] = try value.text() }
        return options
    }

    private static func classes(_ field: JSONField) throws(JSONField.Problem) -> [NodeClass] {
        var classes: [NodeClass] = []
        for element in try field.elements() {
            classes.append(
                NodeClass(
                    name: try element.member("name").text(),
                    nodeSelector: try element.optional("nodeSelector", LabelSelector.init) ?? .everything,
                    priority: try element.optional("priority") { field throws(JSONField.Problem) in try field.signed() } ?? 0,
                    weight: max(
                        1, try element.optional("weight") { field throws(JSONField.Problem) in try field.integer() } ?? 1)))
        }
        return classes
    }

    /// What the API server has rules for, too: whoever has other ones isn't believed.
    private func check() throws(Problem) {
        if minimum > maximum { throw Problem(words: "spec.minimumMilliwatts is more than spec.maximumMilliwatts") }
        if case .fixed(let limit) = power, reserve >= limit {
            throw Problem(words: "spec.reserveMilliwatts leaves nothing of spec.limitMilliwatts")
        }
        guard GrantTime.range ~= grant_s else { throw Problem(words: "spec.grantSeconds is not from 10 to 120") }
        guard 0...1_000 ~= contingencyNodes else { throw Problem(words: "spec.contingencyNodes is not from 0 to 1000") }
    }

    /// The priority and the weight of a node with these labels.
    func share(of labels: [String: String]) -> (priority: Int, weight: UInt64) {
        classes.first { $0.nodeSelector.matches(labels) }.map { ($0.priority, $0.weight) } ?? (0, 1)
    }
}

extension BudgetObject.Head {
    /// nil where it is no object at all.
    init?(_ object: JSON) {
        guard let metadata = object["metadata"], let name = metadata["name"]?.text, let uid = metadata["uid"]?.text else {
            return nil
        }
        self.init(name: name, uid: uid, generation: metadata["generation"]?.integer ?? 0)
    }
}

extension JSONField {
    /// - Throws: where it is no number, or more than what the sum of many can hold.
    func milliwatts() throws(Problem) -> Microwatts {
        let value: UInt64 = try integer()
        guard value <= 1_000_000_000_000_000 else { throw outOfRange }
        return Microwatts(value * 1_000)
    }
}

extension Microwatts {
    /// As objects have it, rounded down.
    var milliwatts: UInt64 { rawValue / 1_000 }
    /// As an object says it that is to say no less.
    var roundedUpToMilliwatts: Microwatts { Microwatts((rawValue / 1_000 + (rawValue % 1_000 == 0 ? 0 : 1)) * 1_000) }
}
