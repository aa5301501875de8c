internal import LinuxSystem

/// Flags of every command that reads the configuration.
enum CommonFlags {
    static let environmentFile = CommandFlag(
        "--env-file", .environmentFile, default: nil,
        "A file of variables in the syntax of systemd's EnvironmentFile=, such as /etc/powercap/controller.env. They win over the "
            + "environment, and an unknown one is refused. With - before its name the file may be absent.")
}

extension ValueKind where Value == String? {
    static let environmentFile = ValueKind(
        words: ValueWords(noun: "a file's name", placeholder: "FILE", valid: "a file's name"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty || text == "-" { throw .empty }
            return text
        },
        show: { $0 ?? "none" })
}

extension Command {
    /// What is likely to be missed about the configuration that this command shows.
    func hints(_ invocation: Invocation, environment: (String) -> String?, unit path: String = EnvironmentFile.ofUnit) -> [String]
    {
        guard self == .validate || self == .plan || self == .replay else { return [] }
        var hints = Misspelling.ofThisProcess.map(\.sentence) + FormerName.ofThisProcess.map(\.sentence)
        // Within a unit (INVOCATION_ID, systemd.exec(5)) the environment is the unit's.
        if CommonFlags.environmentFile.given(in: invocation) == nil, environment("INVOCATION_ID") == nil,
            (try? fileKind(of: path)) == .regular
        {
            hints.append("powercap-controller.service reads \(path), this command did not: `--env-file \(path)` takes it in")
        }
        return hints
    }
}
