internal import LinuxSystem

/// Gives the memory of code back that has run and isn't needed for now, as a page's that somebody has looked at: once a minute, so that what
/// is needed all the time doesn't cost more than it is worth. Read anew, from the page cache, it takes about 0.3 ms.
struct SpareCode {
    /// On CLOCK_MONOTONIC.
    private var due_ns: UInt64
    private static let interval_ns: UInt64 = 60_000_000_000

    init(_ now_ns: UInt64) { due_ns = now_ns + SpareCode.interval_ns }

    /// After each step of the loop, which isn't woken up for it.
    mutating func step(_ now_ns: UInt64) {
        guard now_ns >= due_ns else { return }
        due_ns = now_ns + SpareCode.interval_ns
        Process.dropUnusedCode()
    }
}
