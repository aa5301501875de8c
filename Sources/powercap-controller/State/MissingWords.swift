internal import Policy
internal import PowercapProtocol

extension NodeState {
    /// What GOVERN names, and isn't here; nil without control, because then nobody knows what is.
    var missing: [Governable]? { limits?.missing }

    /// Each a sentence: what isn't as somebody may expect who has named devices, and limits nothing.
    var deviceSentences: [String] {
        let absent = (missing ?? []).isEmpty ? [] : ["\((missing ?? []).missingClause)."]
        return absent
            + services.filter { !$0.isUp }.map { service in
                "\(service.url) \(service.answered_ns == nil ? "hasn't shown its devices yet" : "can't be asked, and its devices' limits stay as they are")"
                    + (service.problem.map { ": \($0)." } ?? ".")
            }
    }
}

extension [Governable] {
    /// `GOVERN names gpu, and no such device is here`
    var missingClause: String { "GOVERN names \(map(\.rawValue).joined(separator: ", ")), and no such device is here" }
}
