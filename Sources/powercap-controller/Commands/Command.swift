internal import LinuxSystem

enum Command: String, CaseIterable, Sendable {
    case run, plan, status, explain, top, set, unset, pause, resume, record, replay, check, validate, cleanup, coordinate, help,
        version

    var help: String {
        switch self {
        case .run: "Limits this node's power. Without it nothing does."
        case .plan: "Prints what `run` would do through one or more days, and writes nothing to the hardware."
        case .status: "Prints what the running controller does, and the limits in force; of its helper alone where none runs."
        case .explain:
            "Prints in sentences why the limit is what it is, and what comes next. Exits with 1 where it isn't in force."
        case .top: "Shows limits and power as bars, anew each second; plain lines where standard output is no terminal."
        case .set: "Orders the running controller to limit the node to POWER, for a time."
        case .unset: "Takes the order of `set` back."
        case .pause: "Orders the running controller to leave the limits as they are, for a time."
        case .resume: "Takes the order of `pause` back."
        case .record: "Writes what the packages draw and are limited to, sample by sample, to standard output, for `replay`."
        case .replay: "Runs a recording through the configuration, and prints what would have come of it."
        case .check: "Exits with 0 where the controller is in control and its limits are in force: for probes (also --check)."
        case .validate: "Checks the configuration and prints what is in effect, and where each value came from."
        case .cleanup:
            "Puts back what devices of DEVICE_URL had before, and removes from the Node everything that `run` ever wrote on it. Stop "
                + "`run` first."
        case .coordinate:
            "Divides the power of PowerBudgets over a cluster's nodes, which follow with SOURCE=granted. It limits nothing itself."
        case .help: "Prints this, or with a command's name what there is to say about that (also COMMAND --help)."
        case .version: "Prints the version."
        }
    }

    /// The flags it takes beside the configuration's.
    var flags: [FlagHelp] {
        switch self {
        case .run: [RunFlags.once.described, CommonFlags.environmentFile.described]
        case .plan:
            [
                PlanFlags.date.described, PlanFlags.step.described, PlanFlags.days.described, PlanFlags.format.described,
                PlanFlags.zones.described, PlanFlags.answer.described, PlanFlags.rest.described,
                PlanFlags.assumed.described,
                CommonFlags.environmentFile.described,
            ]
        case .status:
            [StatusFlags.format.described, StatusFlags.watch.described, CommonFlags.environmentFile.described]
        case .explain: [CommonFlags.environmentFile.described]
        case .top: [TopFlags.count.described, CommonFlags.environmentFile.described]
        case .set, .pause:
            [OrderFlags.time.described, OrderFlags.reason.described, CommonFlags.environmentFile.described]
        case .unset, .resume: [CommonFlags.environmentFile.described]
        case .record: [RecordFlags.interval.described, RecordFlags.time.described, CommonFlags.environmentFile.described]
        case .replay:
            [
                ReplayFlags.samples.described, ReplayFlags.compare.described, ReplayFlags.format.described,
                CommonFlags.environmentFile.described,
            ]
        case .check: [CheckFlags.alive.described, CommonFlags.environmentFile.described]
        case .validate:
            [ValidateFlags.format.described, ValidateFlags.quiet.described, CommonFlags.environmentFile.described]
        case .cleanup: [CommonFlags.environmentFile.described]
        case .coordinate: CoordinateFlags.all + [CommonFlags.environmentFile.described]
        case .help: [HelpFlags.format.described]
        case .version: []
        }
    }

    /// What stands behind its name without a flag; nil for most.
    var argument: ValueWords? { self == .set ? OrderRequest.power.words : nil }

    /// Whether it reads the configuration.
    var isConfigured: Bool { self != .help && self != .version }
}

extension Command {
    /// Whether a command has this flag and it takes no value: then the next argument isn't its.
    static func isBare(flag name: String) -> Bool {
        allCases.contains { command in command.flags.contains { $0.name == name && $0.words.isBare } }
    }
}

/// A flag of one command.
struct CommandFlag<Value: Sendable>: Sendable {
    let name: String
    /// One letter that stands for it, with its dash.
    let short: String?
    let kind: ValueKind<Value>
    let standard: Value
    let help: String

    init(_ name: String, short: String? = nil, _ kind: ValueKind<Value>, default standard: Value, _ help: String) {
        (self.name, self.short, self.kind, self.standard, self.help) = (name, short, kind, standard, help)
    }

    var described: FlagHelp {
        FlagHelp(name: name, short: short, words: kind.words, standard: kind.show(standard), help: help)
    }

    func value(in invocation: Invocation) throws(UsageError) -> Value {
        guard let given = given(in: invocation) else { return standard }
        do { return try kind.parse(given.text) } catch { throw .value(given, error, kind.words) }
    }

    func given(in invocation: Invocation) -> Given? { invocation.flags[name].map { Given(name: name, text: $0) } }
}

/// What there is to say about a flag, whatever the type of its value.
struct FlagHelp: Sendable {
    let name: String
    let short: String?
    let words: ValueWords
    let standard: String
    let help: String
}
