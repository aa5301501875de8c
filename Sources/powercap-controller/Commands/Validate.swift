internal import LinuxSystem
internal import Text

enum ValidateFormat: String, CaseIterable, Sendable { case table, json }

enum ValidateFlags {
    static let format = CommandFlag("--format", short: "-o", .choice, default: ValidateFormat.table, "What to print.")
    static let quiet = CommandFlag(
        "--quiet", .presence, default: false, "Prints nothing where all is well: for a unit's ExecStartPre= and ExecReload=.")
}

/// `powercap-controller validate`: what is wrong was refused before this is called.
func validateCommand(_ invocation: Invocation, settings: Settings) throws(UsageError) -> Int32 {
    let format = try ValidateFlags.format.value(in: invocation)
    _ = try OwnNode(settings)
    _ = try settings.sourceData()
    try settings.checkServiceFiles()
    if try ValidateFlags.quiet.value(in: invocation) { return 0 }
    return printing { output in
        switch format {
        case .table: settings.writeTable(to: &output)
        case .json: settings.writeJSON(to: &output)
        }
    }
}

extension Settings {
    func writeTable(to output: inout Output) {
        let values = Option.all.map { $0.show(configuration).printable }
        let nameWidth = Option.all.map(\.variable.utf8.count).max() ?? 0
        let valueWidth = values.map(\.utf8.count).max() ?? 0
        for ((option, value), origin) in zip(zip(Option.all, values), origins) {
            output.append(option.variable)
            output.appendSpaces(nameWidth - option.variable.utf8.count + 2)
            output.append(value)
            output.appendSpaces(valueWidth - value.utf8.count + 2)
            output.append(origin.origin.rawValue + "\n")
        }
    }

    func writeJSON(to output: inout Output) {
        output.append("{\"format\":1,\"options\":[")
        for (index, (option, origin)) in zip(Option.all, origins).enumerated() {
            output.append(index == 0 ? "\n" : ",\n")
            output.append("{\"variable\":\"\(option.variable)\",\"flag\":\"\(option.flag)\",\"value\":")
            output.append(json: option.show(configuration))
            output.append(",\"from\":\"\(origin.origin.rawValue)\"}")
        }
        output.append("\n]}\n")
    }
}
