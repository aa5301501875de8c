import Foundation
import Glibc
import LinuxSystem

/// Keeps system calls waiting as a driver does: in the kernel, until somebody lets them go on (seccomp_unotify(2)).
final class Gate {
    enum Call: UInt32 {
        #if arch(x86_64)
            case read = 17
            case write = 18
        #else
            case read = 67
            case write = 68
        #endif
    }

    private let call: Call
    private var listener: Int32 = -1
    /// What has come in `hold`.
    private var held: [Waiting] = []

    /// A call that waits.
    struct Waiting {
        let id: UInt64
        /// Who called, by gettid(2).
        let thread: UInt64
    }

    init(_ call: Call) { self.call = call }
    deinit { _ = Glibc.close(listener) }

    /// Runs `body` on a thread. The calls of what it starts wait at the gate; its own don't.
    func hold<Value>(_ body: @escaping () throws -> Value) throws -> Value {
        nonisolated(unsafe) var outcome: Result<Value, any Error>?
        nonisolated(unsafe) var own: UInt64 = 0
        nonisolated(unsafe) let (gate, work) = (self, body)
        let (isClosed, isDone) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        Thread.detachNewThread {
            unsafe outcome = Result {
                defer { isClosed.signal() }
                unsafe own = UInt64(try Gate.kernel((186, 178), 0, 0, 0))
                try unsafe gate.close()
            }
            .flatMap { _ in Result { try unsafe work() } }
            isDone.signal()
        }
        isClosed.wait()
        while isDone.wait(timeout: .now() + .milliseconds(listener < 0 ? 60_000 : 5)) == .timedOut {
            guard let call = try next(milliseconds: 0) else { continue }
            if unsafe call.thread == own { try letGo(call) } else { held.append(call) }
        }
        return try unsafe outcome!.get()
    }

    /// A system call by its number, which is another on arm64.
    static func kernel(_ numbers: (x86: Int, arm: Int), _ a: Int, _ b: Int, _ c: Int) throws -> Int32 {
        typealias Function = @convention(c) (Int, Int, Int, Int, Int, Int) -> Int
        guard let symbol = unsafe dlsym(nil, "syscall") else { throw Errno.noEntry }
        #if arch(x86_64)
            let number = numbers.x86
        #else
            let number = numbers.arm
        #endif
        let result = unsafe unsafeBitCast(symbol, to: Function.self)(number, a, b, c, 0, 0)
        if result < 0 { throw Errno(errno) }
        return Int32(result)
    }

    /// Of this thread: PR_SET_NO_NEW_PRIVS, and SECCOMP_SET_MODE_FILTER with SECCOMP_FILTER_FLAG_NEW_LISTENER.
    private func close() throws {
        _ = try Gate.kernel((157, 167), 38, 1, 0)
        // struct sock_filter: load the number; is it this one; ask the listener; allow.
        var program: [(code: UInt16, yes: UInt8, no: UInt8, value: UInt32)] = [
            (0x20, 0, 0, 0), (0x15, 0, 1, call.rawValue), (0x06, 0, 0, 0x7fc0_0000), (0x06, 0, 0, 0x7fff_0000),
        ]
        listener = try unsafe program.withUnsafeMutableBytes { filter in
            var header: (count: UInt16, program: UnsafeMutableRawPointer?) = (4, filter.baseAddress)
            return try unsafe withUnsafeMutablePointer(to: &header) {
                try Gate.kernel((317, 277), 1, 8, Int(bitPattern: $0))
            }
        }
    }

    /// Waits for a call that waits; nil where none comes in time.
    func next(milliseconds: Int32 = 60_000) throws -> Waiting? {
        var watched = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&watched, 1, milliseconds) == 1 else { return nil }
        // struct seccomp_notif, which begins with the call's id and who called.
        var notice = [UInt64](repeating: 0, count: 10)
        guard unsafe ioctl(listener, 0xC050_2100, &notice) == 0 else { throw Errno(errno) }
        return Waiting(id: notice[0], thread: notice[1] & 0xffff_ffff)
    }

    /// Lets go what waits now.
    func open() throws {
        for call in held { try letGo(call) }
        held = []
        while let call = try next(milliseconds: 0) { try letGo(call) }
    }

    func letGo(_ call: Waiting) throws {
        // struct seccomp_notif_resp, with SECCOMP_USER_NOTIF_FLAG_CONTINUE.
        var answer: [UInt64] = [call.id, 0, 1 << 32]
        guard unsafe ioctl(listener, 0xC018_2101, &answer) == 0 else { throw Errno(errno) }
    }

    static let isThere: Bool = {
        let gate = Gate(.read)
        return (try? gate.hold {}) != nil
    }()
}
