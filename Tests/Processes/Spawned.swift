public import Dispatch
public import Glibc
public import LinuxSystem
import Synchronization

/// A process that a test has started (posix_spawn(3)). Foundation's `Process` does it by reading /proc/self/fd, and beyond the end of what
/// readdir(3) gave where 1,350 files are open: now and then that ended all tests.
public final class Spawned: Sendable {
    public let pid: pid_t
    private let ended = Mutex<End?>(nil)

    /// How a process ended.
    public enum End: Equatable, Sendable { case exited(Int32), killed(Int32) }

    /// - Parameters:
    ///   - command: the program, which is looked for in PATH where it is named without a slash, and its arguments.
    ///   - environment: nil is this process's own.
    ///   - files: the descriptors that it gets as 0, 1, 2 and so on. It has no others.
    /// - Throws: what posix_spawnp(3) says, such as `.noEntry` for a program that isn't there.
    public init(_ command: [String], environment: [String: String]?, files: [Int32]) throws(Errno) {
        // One that is put into its place could be where another still is, and one that is in its place already has to stay open: all go
        // by way of a number that is no place.
        var copies: [Int32] = []
        defer { for copy in copies { close(copy) } }
        for file in files {
            let copy = fcntl(file, F_DUPFD_CLOEXEC, Int32(files.count))
            guard copy >= 0 else { throw Errno(errno) }
            copies.append(copy)
        }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, copy) in copies.enumerated() { unsafe posix_spawn_file_actions_adddup2(&actions, copy, Int32(number)) }
        try unsafe Spawned.closeOthers(from: Int32(files.count), in: &actions)
        // What this process blocks or ignores is no business of the child's.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var child: pid_t = 0
        let result = unsafe Spawned.withCStrings(command) { argv in
            guard let environment else { return unsafe posix_spawnp(&child, command[0], &actions, &attributes, argv, environ) }
            return unsafe Spawned.withCStrings(environment.map { "\($0)=\($1)" }) { envp in
                unsafe posix_spawnp(&child, command[0], &actions, &attributes, argv, envp)
            }
        }
        guard result == 0 else { throw Errno(result) }
        pid = child
    }

    /// posix_spawn_file_actions_addclosefrom_np(3), which Swift doesn't import.
    private static func closeOthers(from number: Int32, in actions: inout posix_spawn_file_actions_t) throws(Errno) {
        typealias Function = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
        guard let symbol = unsafe dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { throw .notSupported }
        let result = unsafe unsafeBitCast(symbol, to: Function.self)(&actions, number)
        guard result == 0 else { throw Errno(result) }
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = unsafe strings.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
    }

    /// Nobody else gets it: a process that has been waited for is spared.
    public func signal(_ number: Int32) {
        ended.withLock { if $0 == nil { _ = Glibc.kill(pid, number) } }
    }

    public var isRunning: Bool {
        var info = unsafe siginfo_t()
        let isKnown = unsafe waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT | WNOHANG) == 0
        return unsafe isKnown && info.si_signo == 0
    }

    /// A program that hangs has to fail its test, not all of them: it is killed after so long, unless that is cancelled.
    public func kill(after_ms: Int) -> DispatchWorkItem {
        let item = DispatchWorkItem { self.signal(SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(after_ms), execute: item)
        return item
    }

    /// Waits for its end.
    @discardableResult
    public func wait() -> End {
        // It stays a zombie until the lock is held, so that no signal can reach whoever has its number next.
        var info = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR {}
        return ended.withLock { ended in
            if let ended { return ended }
            var status: Int32 = 0
            while unsafe waitpid(pid, &status, 0) < 0 && errno == EINTR {}
            let signal = status & 0x7F
            let end: End = signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal)
            ended = end
            return end
        }
    }
}

extension Spawned.End {
    /// As a shell has it.
    public var status: Int32 {
        switch self {
        case .exited(let status): status
        case .killed(let signal): 128 + signal
        }
    }
}

/// The two ends of a pipe(2).
public struct Ends: ~Copyable {
    public let read: Descriptor
    public let write: Descriptor

    public init() throws(Errno) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw Errno(errno) }
        read = Descriptor(owning: ends[0])
        write = Descriptor(owning: ends[1])
    }

    /// The bytes until nobody has the other end any more.
    public static func everything(from descriptor: borrowing Descriptor) throws(Errno) -> [UInt8] {
        var (all, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
        while case let count = try descriptor.read(into: &chunk, from: 0, atMost: chunk.count), count > 0 {
            all += chunk[..<count]
        }
        return all
    }

    /// The other one is closed.
    public consuming func takeRead() -> Descriptor { read }
    public consuming func takeWrite() -> Descriptor { write }
}
