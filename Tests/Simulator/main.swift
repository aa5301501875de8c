// A powercap tree without RAPL hardware: for trying the programs on a laptop, and for their tests. Its files are plain ones:
// they take any text, round nothing and refuse nothing. What the driver does with a write is for Tests/kernel.
internal import Glibc
import LinuxSystem

private func fail(_ sentence: String, status: Int32) -> Never {
    complain(sentence)
    Process.exit(status)
}

private func complain(_ sentence: String) { try? StandardStream.error.writeAll(Array("Simulator: \(sentence)\n".utf8)) }

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
    let orders = Orders()
    print("ready \(tree.root)\n")
    var last_ns = Clock.monotonic_ns
    while true {
        for index in 0..<(try epoll.wait(milliseconds: Int32(interval_ms))) {
            if epoll[index].token == 1 || epoll[index].hangup || !orders.read() { return }
        }
        for line in orders.next() {
            do {
                tree.draw(try Arguments.order(line))
                print("done \(line)\n")
            } catch { complain(error.sentence) }
        }
        let now_ns = Clock.monotonic_ns
        try tree.advance(by: now_ns - last_ns)
        last_ns = now_ns
    }
}

/// What comes on standard input, line by line.
private final class Orders {
    private let input = Descriptor(owning: dup(0))
    private var text: [UInt8] = []

    /// Takes what is there: false at the end of the input.
    func read() -> Bool {
        var storage = InlineArray<256, UInt8>(repeating: 0)
        var buffer = storage.mutableSpan
        let count = (try? input.read(into: &buffer)) ?? 0
        for index in 0..<count { text.append(buffer[index]) }
        return count > 0
    }

    /// The whole lines of it.
    func next() -> [String] {
        guard let end = text.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        defer { text.removeFirst(end + 1) }
        return text[..<end].split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }
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
        let tree = try SimulatedTree(creatingAt: arguments.directory, arguments.machine, complain: complain)
        if arguments.once {
            print("ready \(tree.root)\n")
        } else {
            do { try run(tree, interval_ms: arguments.interval_ms) } catch { throw Problem(doing: "run the simulation", error) }
        }
    } catch { fail(error.sentence, status: 1) }
    Process.exit(0)
}

start()
