/// What the helper may be told to govern (`--govern`), in the words of the controller's GOVERN. Everything else it measures.
enum GovernedKind: UInt8, CaseIterable {
    case rapl, mmio, hsmp, scmi, dtpm, gpu, powerMeter, opal

    var word: StaticString {
        switch self {
        case .rapl: "intel-rapl"
        case .mmio: "intel-rapl-mmio"
        case .hsmp: "amd_hsmp"
        case .scmi: "arm-scmi"
        case .dtpm: "dtpm"
        case .gpu: "gpu"
        case .powerMeter: "power_meter"
        case .opal: "opal"
        }
    }
}

/// A set of them.
struct GovernedKinds {
    private var bits: UInt8 = 0

    init(_ kinds: GovernedKind...) { for kind in kinds { insert(kind) } }

    mutating func insert(_ kind: GovernedKind) { bits |= 1 << kind.rawValue }
    func contains(_ kind: GovernedKind?) -> Bool { kind.map { bits & 1 << $0.rawValue != 0 } ?? false }

    /// Reads words with commas between them; nil where one isn't in the table.
    init?(parsing list: String) {
        for word in [UInt8](list.utf8).split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let word = String(decoding: word, as: UTF8.self)
            guard let kind = GovernedKind.allCases.first(where: { word.isSame(as: $0.word) }) else { return nil }
            insert(kind)
        }
    }

    /// Every word there is, for a refusal.
    static var words: Message {
        var text: Message = ""
        for kind in GovernedKind.allCases { text += text.isEmpty ? "\(kind.word)" : ", \(kind.word)" }
        return text
    }
}
