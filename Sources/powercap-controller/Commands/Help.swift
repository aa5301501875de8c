internal import LinuxSystem
internal import PowercapProtocol
internal import Text

/// The program's version.
let programVersion = "\(Release.version)"

enum HelpFormat: String, CaseIterable, Sendable { case text, markdown, metrics, json }

enum HelpFlags {
    static let format = CommandFlag(
        "--format", short: "-o", .choice, default: HelpFormat.text,
        "What to print: this text, the table of options or of metrics for a document, or all of it for a program.")
}

/// `powercap-controller help`.
func helpCommand(_ invocation: Invocation) throws(UsageError) -> Int32 {
    let format = try HelpFlags.format.value(in: invocation)
    return printing { output in
        switch format {
        case .text: output.append(invocation.topic?.helpText ?? helpText)
        case .markdown: output.append(optionsMarkdown)
        case .metrics: output.append(invocation.topic == .coordinate ? FleetMetric.markdown : Metric.markdown)
        case .json: writeHelpJSON(to: &output)
        }
    }
}

/// `powercap-controller` alone.
func overviewCommand() -> Int32 {
    printing {
        $0.append(overview)
        $0.append("\n`powercap-controller help` has the options, too.\n")
    }
}

/// `powercap-controller --version`.
func versionCommand() -> Int32 { printing { $0.append("powercap-controller \(programVersion)\n") } }

private var overview: String {
    var text = "Usage: powercap-controller COMMAND [--option value]...\n\n"
    text += wrapped("Keeps this node's power limit in step with the power that is available.")
    text += "\nCommands:\n"
    for command in Command.allCases { text += wrapped("  " + command.rawValue.padded(to: 12) + command.help, indent: 14) }
    text += "\n" + wrapped("`powercap-controller COMMAND --help` has a command's flags.")
    return text
}

private var helpText: String {
    var text = overview
    text +=
        "\n"
        + wrapped(
            "Options, as a flag or as a variable of the environment (the flag wins), of every command but help and version:")
    for option in Option.all {
        // Choices that don't fit beside the flag stand below it.
        let isLong = option.words.placeholder.utf8.count > 40
        text += "  \(option.flag) \(isLong ? "NAME" : option.words.placeholder)".padded(to: 42) + " \(option.variable)\n"
        text += wrapped("      \(option.help)", indent: 6)
        if isLong { text += wrapped("      NAME is \(option.words.valid).", indent: 6) }
        text += option.standard.isEmpty ? "      No default." : "      Default: \(option.standard)."
        if let form = option.words.form {
            text += "\n" + wrapped("      Valid: \(form).", indent: 6)
        } else {
            text += option.words.highest.isEmpty ? "\n" : " From \(option.words.range).\n"
        }
    }
    text += "\n"
    text += wrapped(
        "A power is a plain number of microwatts, or has a unit: uW, mW, W, kW. A time is a plain number of seconds, or has "
            + "one: ms, s, m, h, d.")
    text += "\n"
    text += wrapped(
        "Exit status: 0 success, 1 failure, 2 bad configuration or usage (nothing was written), 75 handed over after SIGHUP "
            + "(start it again).")
    return text
}

extension Command {
    /// What `help COMMAND` prints.
    var helpText: String {
        let usage = self == .help ? " [COMMAND]" : argument.map { " \($0.placeholder)" } ?? ""
        var text = "Usage: powercap-controller \(rawValue)\(usage)\(flags.isEmpty ? "" : " [--flag value]...")\n\n"
        text += wrapped(help)
        if !flags.isEmpty { text += "\nFlags:\n" }
        for flag in flags {
            let names = (flag.short.map { "\($0), " } ?? "") + flag.name
            text += "  \(names)\(flag.words.isBare ? "" : " " + flag.words.placeholder)\n"
            text += wrapped("      \(flag.help)", indent: 6)
            if !flag.words.isBare { text += wrapped("      Default: \(flag.standard).", indent: 6) }
        }
        if isConfigured {
            text +=
                "\n"
                + wrapped(
                    "It also takes the options of the configuration, as flags or from the environment: `powercap-controller help` lists them."
                )
        }
        return text
    }
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
        object([("name", command.rawValue), ("argument", command.argument?.placeholder ?? ""), ("help", command.help)])
        output.append(",\"flags\":[")
        for (index, flag) in command.flags.enumerated() {
            if index > 0 { output.append(",") }
            object([
                ("flag", flag.name), ("short", flag.short ?? ""), ("value", flag.words.placeholder),
                ("default", flag.words.isBare ? "" : flag.standard), ("help", flag.help),
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
