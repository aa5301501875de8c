extension Statement {
    /// What --help prints.
    static var help: String {
        var text = """
            usage: MockHelper SOCKET [SCRIPT]
            Speaks the helper's protocol on SOCKET over zones that are in memory only, and goes wrong as a script says: the file
            SCRIPT, executed before the first connection, then the lines of standard input. It ends at SIGTERM, SIGINT, or at the
            end of a piped standard input.

            It prints `ready`, then every request as a line before it is answered, `closed` when a client closed its connection,
            `turned away`, `expired` for a lease, and `done LINE` for every line of standard input.

            A script has one statement a line; # starts a comment. A mistake ends the program with status 2. POWER is in
            microwatts, or ends in mW or W. ID is a zone's directory name (intel-rapl:0), CONSTRAINT a name (long_term).


            """
        for verb in Verb.allCases { text += entry(verb.usage, verb.row.help) }
        text += "\nREQUEST is a name of docs/protocol.md (ReadSample). FAULT is one of\n"
        for fault in faults { text += entry(fault.syntax, fault.help) }
        return text
    }

    private static func entry(_ syntax: String, _ help: String) -> String { "  \(syntax)\n      \(help)\n" }
}
