internal import LinuxSystem

enum Command: String, CaseIterable, Sendable {
    case run, plan, status, check, validate, cleanup, help, version

    var help: String {
        switch self {
        case .run: "Limits this node's power (the default)."
        case .plan: "Prints what `run` would do through one or more days, and writes nothing to the hardware."
        case .status: "Prints the limits in force and who set them."
        case .check: "Exits with 0 where the controller is in control and its limits are in force: for probes (also --check)."
        case .cleanup: "Removes from the Node everything that `run` ever wrote on it. Stop `run` first."
        case .validate: "Checks the configuration and prints what is in effect, and where each value came from."
        case .help: "Prints this."
        case .version: "Prints the version."
        }
    }

    /// The flags it takes beside the configuration's.
    var flags: [FlagHelp] {
        switch self {
        case .plan:
            [
                PlanFlags.date.described, PlanFlags.step.described, PlanFlags.days.described, PlanFlags.format.described,
                PlanFlags.zones.described,
            ]
        case .validate: [ValidateFlags.format.described]
        case .help: [HelpFlags.format.described]
        case .run: [RunFlags.once.described]
        case .check: [CheckFlags.alive.described]
        case .status: [StatusFlags.format.described]
        case .cleanup, .version: []
        }
    }
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
    let kind: ValueKind<Value>
    let standard: Value
    let help: String

    init(_ name: String, _ kind: ValueKind<Value>, default standard: Value, _ help: String) {
        (self.name, self.kind, self.standard, self.help) = (name, kind, standard, help)
    }

    var described: FlagHelp { FlagHelp(name: name, words: kind.words, standard: kind.show(standard), help: help) }

    func value(in invocation: Invocation) throws(UsageError) -> Value {
        guard let given = given(in: invocation) else { return standard }
        do { return try kind.parse(given.text) } catch { throw .value(given, error, kind.words) }
    }

    func given(in invocation: Invocation) -> Given? { invocation.flags[name].map { Given(name: name, text: $0) } }
}

/// What there is to say about a flag, whatever the type of its value.
struct FlagHelp: Sendable {
    let name: String
    let words: ValueWords
    let standard: String
    let help: String
}

/// The command line: a command, and flags with a value, as `--name value` or `--name=value`, or bare.
struct Invocation: Equatable, Sendable {
    private(set) var command = Command.run
    /// By name, with the dashes.
    private(set) var flags: [String: String] = [:]

    init(_ arguments: [String]) throws(UsageError) {
        var given: [(name: String, value: String?)] = []
        var commandName: String?
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--help", "-h":
                (command, flags) = (.help, [:])
                return
            case "--version":
                (command, flags) = (.version, [:])
                return
            case "--check" where commandName == nil: commandName = Command.check.rawValue
            case _ where argument.hasPrefix("-"):
                if let equals = argument.firstIndex(of: "=") {
                    given.append((String(argument[..<equals]), String(argument[argument.index(after: equals)...])))
                } else if Command.isBare(flag: argument) {
                    given.append((argument, nil))
                } else if let next = rest.first, !next.hasPrefix("--") {
                    given.append((argument, rest.popFirst()))
                } else {
                    given.append((argument, nil))
                }
            case _ where commandName == nil: commandName = argument
            default: throw .extraArgument(argument)
            }
        }
        if let commandName {
            guard let command = Command(rawValue: commandName) else {
                throw .unknownCommand(commandName, nearest: nearest(to: commandName, among: Command.allCases.map(\.rawValue)))
            }
            self.command = command
        }
        for (name, value) in given {
            let words = try self.words(of: name)
            if words.isBare, let value { throw .unexpectedValue(name, value) }
            guard let value = words.isBare ? Presence.given : value else { throw .missingValue(name, words) }
            if flags.updateValue(value, forKey: name) != nil { throw .repeatedFlag(name) }
        }
    }

    private func words(of name: String) throws(UsageError) -> ValueWords {
        if let option = Option.all.first(where: { $0.flag == name }) { return option.words }
        if let flag = command.flags.first(where: { $0.name == name }) { return flag.words }
        for other in Command.allCases where other.flags.contains(where: { $0.name == name }) {
            throw .foreignFlag(name, command: command.rawValue, belongsTo: other.rawValue)
        }
        let known = Option.all.map(\.flag) + command.flags.map(\.name) + ["--help", "--version"]
        throw .unknownFlag(name, nearest: nearest(to: name, among: known))
    }
}
