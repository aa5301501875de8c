import LinuxSystem

/// What the mock prints: a line for each request, before it is answered, and for each event, so that a test can wait for it.
enum Trace {
    static func write(_ line: String) {
        do { try StandardStream.output.writeAll(Array("\(line)\n".utf8)) } catch {
            // Who started the mock is gone.
            Process.exit(1)
        }
    }
}
