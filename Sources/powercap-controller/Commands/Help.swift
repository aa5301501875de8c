internal import LinuxSystem
internal import PowercapProtocol

/// The program's version.
let programVersion = "\(Release.version)"

enum HelpFormat: String, CaseIterable, Sendable { case text, markdown, json }

enum HelpFlags {
    static let format = CommandFlag(
        "--format", .choice, default: HelpFormat.text,
        "What to print: this text, the table of options for a document, or all of it for a program.")
}

/// `powercap-controller help`.
func helpCommand(_ invocation: Invocation) throws(UsageError) -> Int32 {
    let format = try HelpFlags.format.value(in: invocation)
    return printing { output in
        switch format {
        case .text: output.append(helpText)
        case .markdown: output.append(optionsMarkdown)
        case .json: writeHelpJSON(to: &output)
        }
    }
}

/// `powercap-controller --version`.
func versionCommand() -> Int32 { printing { $0.append("powercap-controller \(programVersion)\n") } }

private var helpText: String {
    var text = "Usage: powercap-controller [command] [--option value]...\n\nCommands:\n"
    for command in Command.allCases {
        text += wrapped("  \(command.rawValue.padded(to: 10))\(command.help)", indent: 12)
        for flag in command.flags {
            text += wrapped("      \(flag.name) \(flag.words.placeholder)".padded(to: 35) + flag.help, indent: 35)
            if flag.words.isBare { continue }
            text += wrapped("".padded(to: 35) + "Default: \(flag.standard).", indent: 35)
        }
    }
    text += "\nOptions, as a flag or as a variable of the environment (the flag wins):\n"
    for option in Option.all {
        text += "  \(option.flag) \(option.words.placeholder)".padded(to: 42) + " \(option.variable)\n"
        text += wrapped("      \(option.help)", indent: 6)
        text += option.standard.isEmpty ? "      No default." : "      Default: \(option.standard)."
        text += option.words.highest.isEmpty ? "\n" : " From \(option.words.range).\n"
    }
    text += "\n"
    text += wrapped(
        "A power is a plain number of microwatts, or has a unit: uW, mW, W, kW. A time is a plain number of seconds, or has "
            + "one: ms, s, m, h, d. Exit status: 0 success, 1 failure, 2 bad configuration or usage (nothing was written), 75 handed "
            + "over after SIGHUP (start it again).",
        indent: 0)
    return text
}

/// The table of options for README.md.
var optionsMarkdown: String {
    var text = "| variable | flag | default | valid | meaning |\n| --- | --- | --- | --- | --- |\n"
    for option in Option.all {
        let valid = option.words.range.split(separator: "|").joined(separator: "\\|")
        let standard = option.standard.isEmpty ? "none" : "`\(option.standard)`"
        text += "| `\(option.variable)` | `\(option.flag)` | \(standard) | \(valid) | \(option.help) |\n"
    }
    return text
}

/// Commands, flags and options, from which scripts/documents makes manual pages, completions and the environment file.
private func writeHelpJSON(to output: inout Output) {
    func object(_ fields: [(String, String)]) {
        for (index, (name, value)) in fields.enumerated() {
            output.append(index == 0 ? "{\"\(name)\":" : ",\"\(name)\":")
            output.append(json: value)
        }
    }
    output.append("{\"format\":1,\"commands\":[")
    for (index, command) in Command.allCases.enumerated() {
        output.append(index == 0 ? "\n" : ",\n")
        object([("name", command.rawValue), ("help", command.help)])
        output.append(",\"flags\":[")
        for (index, flag) in command.flags.enumerated() {
            if index > 0 { output.append(",") }
            object([
                ("flag", flag.name), ("value", flag.words.placeholder), ("default", flag.words.isBare ? "" : flag.standard),
                ("help", flag.help),
            ])
            output.append("}")
        }
        output.append("]}")
    }
    output.append("\n],\"options\":[")
    for (index, option) in Option.all.enumerated() {
        output.append(index == 0 ? "\n" : ",\n")
        object([
            ("variable", option.variable), ("flag", option.flag), ("value", option.words.placeholder),
            ("default", option.standard), ("valid", option.words.range), ("help", option.help),
        ])
        output.append("}")
    }
    output.append("\n]}\n")
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - utf8.count)) }
}

/// A line broken at spaces before column 100; the lines after the first are indented.
private func wrapped(_ text: String, indent: Int) -> String {
    var (result, column) = ("", 0)
    for (index, word) in text.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
        if index > 0, column + 1 + word.utf8.count > 100 {
            result += "\n" + "".padded(to: indent) + word
            column = indent + word.utf8.count
        } else {
            result += (index == 0 ? "" : " ") + word
            column += (index == 0 ? 0 : 1) + word.utf8.count
        }
    }
    return result + "\n"
}
