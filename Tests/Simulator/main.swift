// A powercap tree without RAPL hardware: for trying the programs on a laptop, and for their tests. Its files are plain ones:
// they take any text, round nothing and refuse nothing. What the driver does with a write is for Tests/kernel.
internal import Glibc
import LinuxSystem

private func fail(_ sentence: String, status: Int32) -> Never {
    try? StandardStream.error.writeAll(Array("Simulator: \(sentence)\n".utf8))
    Process.exit(status)
}

private func print(_ text: String) {
    do { try StandardStream.output.writeAll(Array(text.utf8)) } catch { fail("can't write to standard output", status: 1) }
}

/// Ends when a signal arrives or what feeds standard input goes. A terminal isn't watched: reading from it in the
/// background would stop the program.
private func run(_ tree: SimulatedTree, interval_ms: UInt64) throws(Errno) {
    let signals = try Signals()
    let epoll = try Epoll()
    try epoll.add(signals.number, token: 1)
    if isatty(0) == 0 { try? epoll.add(0, token: 0) }
    print("ready \(tree.root)\n")
    var last_ns = Clock.monotonic_ns
    while true {
        for index in 0..<(try epoll.wait(milliseconds: Int32(interval_ms))) {
            if epoll[index].token == 1 || epoll[index].hangup || !discardInput() { return }
        }
        let now_ns = Clock.monotonic_ns
        try tree.advance(by: now_ns - last_ns)
        last_ns = now_ns
    }
}

/// Reads what was typed, and forgets it: false at the end of the input.
private func discardInput() -> Bool {
    var storage = InlineArray<256, UInt8>(repeating: 0)
    var buffer = storage.mutableSpan
    let input = Descriptor(owning: dup(0))
    return (try? input.read(into: &buffer)) ?? 0 > 0
}

private func start() -> Never {
    Process.ignoreBrokenPipes()
    let arguments: Arguments
    do { arguments = try Arguments(parsing: Process.arguments) } catch { fail(error.sentence, status: 2) }
    if arguments.action == .help {
        print(Arguments.usage)
        Process.exit(0)
    }
    do throws(Problem) {
        let tree = try SimulatedTree(creatingAt: arguments.directory, arguments.machine) {
            try? StandardStream.error.writeAll(Array("Simulator: \($0)\n".utf8))
        }
        if arguments.once {
            print("ready \(tree.root)\n")
        } else {
            do { try run(tree, interval_ms: arguments.interval_ms) } catch { throw Problem(doing: "run the simulation", error) }
        }
    } catch { fail(error.sentence, status: 1) }
    Process.exit(0)
}

start()
