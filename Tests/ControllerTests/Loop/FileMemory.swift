import Dispatch
import Foundation
import Synchronization

/// How much of a process's memory was files at most. What it gives back in between was in memory at its peak, of which the kernel tells the sum alone.
final class FileMemory {
    private let most = Most()
    private let timer: any DispatchSourceTimer

    private final class Most: Sendable { let kB = Mutex(0) }

    init(of pid: pid_t) {
        timer = DispatchSource.makeTimerSource(queue: .global())
        timer.schedule(deadline: .now(), repeating: .milliseconds(100))
        timer.setEventHandler { [most] in
            let files_kB = (try? FileMemory.status("RssFile", of: pid)) ?? 0
            most.kB.withLock { $0 = max($0, files_kB) }
        }
        timer.resume()
    }

    deinit { timer.cancel() }

    /// In kB.
    var most_kB: Int { most.kB.withLock { $0 } }

    /// A number of /proc/PID/status.
    static func status(_ field: String, of pid: pid_t) throws -> Int? {
        let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(field):") }
        return line.flatMap { Int($0.dropFirst(field.utf8.count + 1).filter(\.isNumber)) }
    }
}
