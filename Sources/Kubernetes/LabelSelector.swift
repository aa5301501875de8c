public import JSON

/// Chooses objects by their labels (metav1.LabelSelector): all that it asks for has to be so. An empty one chooses everything.
public struct LabelSelector: Equatable, Sendable {
    /// What is asked of one label.
    public struct Requirement: Equatable, Sendable {
        /// In which way.
        public enum Operator: String, Sendable {
            case isIn = "In"
            case notIn = "NotIn"
            case exists = "Exists"
            case doesNotExist = "DoesNotExist"
        }

        let key: String
        let `operator`: Operator
        let values: Set<String>

        fileprivate func matches(_ labels: [String: String]) -> Bool {
            switch self.operator {
            case .isIn: labels[key].map(values.contains) ?? false
            // An object without the label has none of the values.
            case .notIn: labels[key].map { !values.contains($0) } ?? true
            case .exists: labels[key] != nil
            case .doesNotExist: labels[key] == nil
            }
        }
    }

    let requirements: [Requirement]

    /// Chooses everything.
    public static let everything = LabelSelector(requirements: [])

    init(requirements: [Requirement]) { self.requirements = requirements }

    /// Whether it chooses an object with these labels.
    public func matches(_ labels: [String: String]) -> Bool { requirements.allSatisfy { $0.matches(labels) } }

    /// Reads `matchLabels` and `matchExpressions`.
    /// - Throws: `JSONField.Problem` that names the member.
    public init(_ field: JSONField) throws(JSONField.Problem) {
        var found: [Requirement] = []
        // Something else than an object would choose everything.
        _ = try field.members()
        let labels = try field.optional("matchLabels") { field throws(JSONField.Problem) in try field.members() } ?? []
        for (key, value) in labels { found.append(Requirement(key: key, operator: .isIn, values: [try value.text()])) }
        let terms = try field.optional("matchExpressions") { field throws(JSONField.Problem) in try field.elements() } ?? []
        for term in terms { found.append(try Requirement(term)) }
        requirements = found
    }
}

extension LabelSelector.Requirement {
    fileprivate init(_ field: JSONField) throws(JSONField.Problem) {
        key = try field.member("key").text()
        let word = try field.member("operator")
        guard let known = Operator(rawValue: try word.text()) else { throw word.unknownWord }
        `operator` = known
        let given = try field.optional("values") { field throws(JSONField.Problem) in try field.elements() } ?? []
        var values: Set<String> = []
        for value in given { values.insert(try value.text()) }
        self.values = values
        // What matches nothing, or everything, by mistake must not look as if it had been meant.
        switch known {
        case .isIn, .notIn: if values.isEmpty { throw field.problem(of: "values", "missing: \(known.rawValue) needs some") }
        case .exists, .doesNotExist: if !values.isEmpty { throw field.problem(of: "values", "not for \(known.rawValue)") }
        }
    }
}
