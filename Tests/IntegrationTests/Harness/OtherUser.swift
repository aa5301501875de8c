import Foundation
import Glibc
import LinuxSystem
import Synchronization

/// Does things as another uid, in a thread of its own: Linux keeps credentials per thread, and only the C library makes all
/// threads follow. The thread loses its capabilities with its uid (capabilities(7)).
enum OtherUser {
    /// Runs `body` as `uid` and `gid`, with these supplementary groups.
    static func run<Result: Sendable>(
        uid: UInt32, gid: UInt32, groups: [UInt32] = [], _ body: @escaping @Sendable () throws -> Result
    ) throws -> Result {
        let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)
        let box = Box(outcome)
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            let result = Swift.Result {
                try become(uid, gid, groups)
                return try body()
            }
            box.outcome.withLock { $0 = result }
            done.signal()
        }
        thread.start()
        done.wait()
        return try box.outcome.withLock { $0! }.get()
    }

    private final class Box<Value: Sendable>: Sendable {
        let outcome: Mutex<Swift.Result<Value, any Error>?>
        init(_ outcome: consuming Mutex<Swift.Result<Value, any Error>?>) { self.outcome = outcome }
    }

    /// A connection whose SO_PEERCRED says `uid` and `gid`, and its SO_PEERGROUPS `groups`.
    static func connect(to path: String, uid: UInt32, gid: UInt32, groups: [UInt32] = []) throws -> Descriptor {
        let number = try run(uid: uid, gid: gid, groups: groups) {
            let socket = try Socket.connect(to: path)
            return dup(socket.number)
        }
        return Descriptor(owning: number)
    }

    private static func become(_ uid: UInt32, _ gid: UInt32, _ groups: [UInt32]) throws {
        let (id, group) = (Int(uid), Int(gid))
        // SAFETY: the kernel reads as many numbers as it is told, and the array outlives the call.
        let result = unsafe groups.withUnsafeBufferPointer {
            Kernel.call(Kernel.setgroups, $0.count, Int(bitPattern: $0.baseAddress), 0)
        }
        guard result == 0 else { throw Errno(errno) }
        for (number, arguments) in [(Kernel.setresgid, (group, group, group)), (Kernel.setresuid, (id, id, id))] {
            let result = Kernel.call(number, arguments.0, arguments.1, arguments.2)
            guard result == 0 else { throw Errno(errno) }
        }
    }
}

/// System calls by number, for what the C library does differently or not at all.
enum Kernel {
    #if arch(x86_64)
        static let setgroups = 116
        static let setresgid = 119
        static let setresuid = 117
    #elseif arch(arm64)
        static let setgroups = 159
        static let setresgid = 149
        static let setresuid = 147
    #endif
    static let landlockCreateRuleset = 444

    private typealias Call = @convention(c) (Int, Int, Int, Int) -> Int

    /// syscall(2), which Swift can't import because it is variadic.
    static func call(_ number: Int, _ first: Int, _ second: Int, _ third: Int) -> Int {
        let symbol = unsafe dlsym(nil, "syscall")!
        // SAFETY: syscall(2) takes integers only, which both architectures pass in the same registers as fixed arguments.
        let function = unsafe unsafeBitCast(symbol, to: Call.self)
        return function(number, first, second, third)
    }

    /// The version of Landlock that the kernel speaks; 0 where it has none.
    static var landlockVersion: Int { max(0, call(landlockCreateRuleset, 0, 0, 1)) }
}
