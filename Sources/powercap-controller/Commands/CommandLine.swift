internal import LinuxSystem

/// The command line: a command, and flags with a value, as `--name value` or `--name=value`, or bare.
struct Invocation: Equatable, Sendable {
    let command: Command
    /// With `help`, the command that it is asked about; nil is the whole program.
    let topic: Command?
    /// What stands behind the command without a flag.
    private(set) var argument: String?
    /// By name, with the dashes.
    private(set) var flags: [String: String] = [:]

    private init(_ command: Command, topic: Command? = nil) { (self.command, self.topic) = (command, topic) }

    init(_ arguments: [String]) throws(UsageError) {
        var given: [(name: String, value: String?)] = []
        var command: Command?
        var topic: Command?
        var own: String?
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--help", "-h":
                let isAbout = (command == .help ? topic : command) ?? rest.lazy.compactMap(Command.init(rawValue:)).first
                self.init(.help, topic: isAbout)
                return
            case "--version", "-V":
                self.init(.version)
                return
            case "--check" where command == nil: command = .check
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
            case _ where command == nil: command = try Command(named: argument)
            case _ where command == .help && topic == nil: topic = try Command(named: argument)
            case _ where command?.argument != nil && own == nil: own = argument
            default: throw .extraArgument(argument)
            }
        }
        // What is misspelt is said before what is missing.
        if command == nil { for (name, _) in given { _ = try Invocation.flag(name, of: nil) } }
        guard let command else { throw .noCommand }
        self.init(command, topic: topic)
        if let words = command.argument, own == nil { throw .missingArgument(command.rawValue, words) }
        self.argument = own
        for (text, value) in given {
            let (name, words) = try Invocation.flag(text, of: command)
            if words.isBare, let value { throw .unexpectedValue(text, value) }
            guard let value = words.isBare ? Presence.given : value else { throw .missingValue(text, words) }
            if flags.updateValue(value, forKey: name) != nil { throw .repeatedFlag(name) }
        }
    }

    /// The flag's whole name, and what is to be known about its value.
    /// - Parameter command: nil where none was named: then any command's flag will do.
    private static func flag(_ text: String, of command: Command?) throws(UsageError) -> (name: String, words: ValueWords) {
        func isMeant(_ flag: FlagHelp) -> Bool { flag.name == text || flag.short == text }
        let own = command.map(\.flags) ?? Command.allCases.flatMap(\.flags)
        if command?.isConfigured != false, let option = Option.all.first(where: { $0.flag == text }) {
            return (option.flag, option.words)
        }
        if let flag = own.first(where: isMeant) { return (flag.name, flag.words) }
        if let command {
            for other in Command.allCases where other.flags.contains(where: isMeant) {
                throw .foreignFlag(text, command: command.rawValue, belongsTo: other.rawValue)
            }
        }
        let known = Option.all.map(\.flag) + own.map(\.name) + ["--help", "--version"]
        throw .unknownFlag(text, nearest: nearest(to: text, among: known))
    }
}

extension Command {
    init(named name: String) throws(UsageError) {
        guard let command = Command(rawValue: name) else {
            let commands = Command.allCases.map(\.rawValue)
            throw .unknownCommand(name, nearest: nearest(to: name, among: commands), among: commands)
        }
        self = command
    }
}
