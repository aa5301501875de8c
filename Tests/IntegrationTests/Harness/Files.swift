import Foundation
import LinuxSystem

enum Files {
    static func contents(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

    static func text(_ path: String) throws -> String { String(decoding: try contents(path), as: UTF8.self) }

    static func firstLine(_ path: String) throws -> String { String(try text(path).prefix { $0 != "\n" }) }

    /// Writes in place, as a tool writes to a sysfs file.
    static func overwrite(_ path: String, _ text: String) throws {
        let file = try Descriptor(opening: path, .write)
        let bytes = Array(text.utf8)
        guard try file.write(bytes.span) == bytes.count else { throw Errno.noSpace }
    }

    /// Creates a file, or replaces its contents.
    static func put(_ path: String, _ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

    static func put(_ path: String, _ text: String) throws { try put(path, Array(text.utf8)) }

    static func exists(_ path: String) -> Bool { (try? fileKind(of: path)) ?? .absent != .absent }
}

/// Waits for what no event announces.
/// - Throws: when it hasn't come true in time.
func wait(for what: String, _ deadline: Deadline = Deadline(), until isTrue: () throws -> Bool) throws {
    while try !isTrue() {
        if deadline.isOver { throw TimeOut(what: what) }
        Clock.sleep(milliseconds: 2)
    }
}

/// The end of a test's patience: long, because machines are slow under load, and only ever used up by a failure.
struct Deadline {
    private let end_ns: UInt64

    init(milliseconds: UInt64 = 20_000) { end_ns = Clock.monotonic_ns + milliseconds * 1_000_000 }

    var isOver: Bool { Clock.monotonic_ns >= end_ns }
    var remaining_ms: Int32 {
        let now = Clock.monotonic_ns
        return now >= end_ns ? 0 : Int32((end_ns - now) / 1_000_000 + 1)
    }
}

struct TimeOut: Error { let what: String }
