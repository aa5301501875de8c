import CSandbox
import Foundation
import LinuxSystem

/// System calls by name.
enum SystemCalls {
    /// What the helper's filter lets through on this architecture, with each call's number.
    static let allowed: [String: Int] = {
        var calls: [String: Int] = [:]
        var number: Int32 = 0
        while let name = unsafe cs_allowed_call(UInt32(calls.count), &number) {
            calls[unsafe String(cString: name)] = Int(number)
        }
        return calls
    }()

    /// What arm64 has in the place of two.
    static let elsewhere = ["epoll_wait": "epoll_pwait", "poll": "ppoll"]

    /// uretprobe and uprobe, which newer kernels let through every filter (kernel/seccomp.c): they refuse to be called from
    /// anywhere but the kernel's own trampoline.
    #if arch(x86_64)
        static let neverFiltered = [335, 336]
    #else
        static let neverFiltered: [Int] = []
    #endif

    /// Executes a program and writes what it calls to `file`, a line each (strace(1)).
    static func recording(in file: String) -> [String] { ["strace", "-D", "-qq", "-o", file] }

    /// Those that a record has after the sandbox was closed.
    static func afterSandbox(in file: String) throws -> Set<String> {
        var lines = try Files.text(file).split(separator: "\n").drop { !$0.hasPrefix("seccomp(SECCOMP_SET_MODE_FILTER, ") }
        guard !lines.isEmpty else { throw TimeOut(what: "the filter in \(file)") }
        lines = lines.dropFirst()
        return Set(lines.filter { $0.first?.isLowercase == true }.map { String($0.prefix { $0 != "(" }) })
    }
}
