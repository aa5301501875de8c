internal import LinuxSystem

/// Variables of the program that this one replaces which mean nothing here.
enum FormerName: String, CaseIterable {
    /// What its scraper asked a market's pages for. The files say what they are of.
    case parameters = "PROVIDER_PARAMS"
    /// When it asked again. Files are read when they change.
    case cron = "DATA_REFRESH_CRON"

    /// Those that this process was given.
    static var ofThisProcess: [FormerName] { allCases.filter { !(Process.environment($0.rawValue) ?? "").isEmpty } }

    var sentence: String {
        let why =
            switch self {
            case .parameters: "nothing is asked of a market's pages, and the files of SCHEDULE_FILE say what they are of"
            case .cron: "files are read when they change"
            }
        return "\(rawValue) has no effect: \(why)"
    }

    /// Of the same program, and refused: whoever gives it counts on what isn't done.
    static let address = "PROVIDER_URL"
}

/// What DATA_PROVIDER of that program may be.
enum DataProvider: String, Sendable {
    case epex

    /// What it stands for, unless it is said otherwise.
    var stands: [(variable: String, text: String)] {
        [("SOURCE", "schedule"), ("SOURCE_PRESET", "origin-epex"), ("SIGNAL_MAP", "share")]
    }
}

extension ValueKind where Value == DataProvider? {
    static let dataProvider = ValueKind(
        words: ValueWords(
            noun: "a provider", placeholder: "epex",
            valid: "epex, with a directory of its files as SCHEDULE_FILE (mock and static were made-up days: give SOURCE=demo, "
                + "SOURCE=solar, or SOURCE=static, which is a constant)",
            form: "epex"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { return nil }
            guard let provider = DataProvider(rawValue: text.lowercased()) else { throw .unknownName }
            return provider
        },
        show: { $0?.rawValue ?? "" })
}
