internal import LinuxSystem
internal import Text

/// Names that look like an option's variable and are none.
extension Option {
    static func named(_ variable: String) -> Option? { all.first { $0.variable == variable } }

    /// How far a name may be from an option's.
    enum Likeness {
        /// For a file that holds nothing but options.
        case all
        /// For a process's environment, which has many variables of other programs.
        case surely
    }

    /// The variable that whoever wrote `name` meant; nil where the name is an option's or doesn't look like one.
    static func meant(by name: String, among likeness: Likeness) -> String? {
        if named(name) != nil || isServiceLink(name) { return nil }
        let typed = essence(of: name)
        // `source` and `alpha` are words that others may use, too.
        if case .surely = likeness, typed == name.uppercased(), slips(in: typed) == 0 { return nil }
        for option in all where forms(of: option).contains(typed) { return option.variable }
        for ending in unitEndings where name.hasSuffix(ending) {
            let rest = essence(of: String(name.dropLast(ending.utf8.count)))
            for option in all where forms(of: option).contains(rest) { return option.variable }
        }
        var best: (variable: String, distance: Int)?
        for option in all {
            for form in forms(of: option) {
                let distance = editDistance(Array(typed.utf8), Array(form.utf8))
                if distance <= slips(in: form), distance < best?.distance ?? .max { best = (option.variable, distance) }
            }
        }
        if let best { return best.variable }
        return switch likeness {
        case .all: nearest(to: name, among: all.map(\.variable))
        case .surely: name.hasPrefix("RAPL_") ? nearest(to: name, among: all.map(\.variable)) : nil
        }
    }

    /// Slips of the finger that a name of this length may have without being another word.
    private static func slips(in form: String) -> Int {
        switch form.utf8.count {
        case ..<7: 0
        case ..<12: 1
        default: 2
        }
    }

    /// The variable's and the flag's name without what is forgotten or written in another way.
    private static func forms(of option: Option) -> [String] { [essence(of: option.variable), essence(of: option.flag)] }

    private static func essence(of name: String) -> String {
        var upper = name.uppercased().filter { $0 != "_" && $0 != "-" && $0 != "." }
        for prefix in ["POWERCAPCONTROLLER", "POWERCAP"] where upper.hasPrefix(prefix) {
            upper.removeFirst(prefix.utf8.count)
            break
        }
        return upper
    }

    /// MAX_SOURCE_W, STABILISATION_TIME_SECONDS
    private static let unitEndings = ["_UW", "_MW", "_W", "_KW", "_WATTS", "_MS", "_S", "_SEC", "_SECS", "_SECONDS", "_PERCENT"]

    /// What the kubelet sets in every container for a Service, whatever it is called.
    private static func isServiceLink(_ name: String) -> Bool {
        // FOO_SERVICE_HOST, FOO_SERVICE_PORT, FOO_SERVICE_PORT_HTTP, FOO_PORT, FOO_PORT_80_TCP, FOO_PORT_80_TCP_ADDR.
        let words = name.split(separator: "_", omittingEmptySubsequences: false)
        return name.hasSuffix("_SERVICE_HOST") || words.dropFirst().contains("PORT")
    }
}

/// Variables of this process that look like an option and are none.
struct Misspelling: Equatable, Sendable {
    let name: String
    let meant: String

    /// In order of their names.
    static func all(in names: [String]) -> [Misspelling] {
        Set(names).sorted().compactMap { name in Option.meant(by: name, among: .surely).map { Misspelling(name: name, meant: $0) }
        }
    }

    static var ofThisProcess: [Misspelling] { all(in: Process.environmentNames) }

    var sentence: String { "\(quoted(name)) in the environment has no effect: did you mean \(meant)?" }
}

extension Process {
    /// Every variable's name.
    fileprivate static var environmentNames: [String] {
        var names: [String] = []
        while let entry = environmentEntry(Int32(names.count)) { names.append(String(entry.prefix { $0 != "=" })) }
        return names
    }
}
