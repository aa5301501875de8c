// A helper without hardware, for tests of its clients: it has the helper's answers, and every way of not giving them.
import LinuxSystem

private func fail(_ sentence: String, status: Int32) -> Never {
    try? StandardStream.error.writeAll(Array("MockHelper: \(sentence)\n".utf8))
    Process.exit(status)
}

private func start() -> Never {
    Process.ignoreBrokenPipes()
    let arguments = Process.arguments
    if arguments.contains("--help") {
        try? StandardStream.output.writeAll(Array(Statement.help.utf8))
        Process.exit(0)
    }
    guard 1...2 ~= arguments.count else { fail("usage: MockHelper SOCKET [SCRIPT]; --help says more", status: 2) }
    do {
        let server = try Server(at: arguments[0])
        do throws(ScriptError) {
            if arguments.count == 2 { try server.execute(file: arguments[1]) }
            try server.listen()
            Trace.write("ready")
            try server.run()
        } catch { fail(error.sentence, status: 2) }
    } catch { fail("can't start the event loop: \(error.name)", status: 1) }
    Process.exit(0)
}

start()
