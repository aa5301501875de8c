import Foundation
import Glibc
import LinuxSystem
import Testing

/// What attempts are about: files, a process and sockets to try them on.
final class Scenery {
    private let tree: TemporaryTree
    private let wrapper: [String]
    private let uid: UInt32
    private var words: [String: String] = [:]
    private let pathSocket: Descriptor
    private let abstractSocket: Descriptor

    /// - Parameters:
    ///   - wrapper: what starts the helper.
    ///   - uid: what it has then.
    init(_ tree: TemporaryTree, _ wrapper: [String], uid: UInt32) throws {
        (self.tree, self.wrapper, self.uid) = (tree, wrapper, uid)
        let path = "\(tree.directory)/open-\(uid)"
        pathSocket = try UnixAddress(path).bind(SOCK_STREAM)
        abstractSocket = try UnixAddress("\0\(path)").bind(SOCK_STREAM)
        for socket in [pathSocket.number, abstractSocket.number] where listen(socket, 1) != 0 { throw Errno(errno) }
        try changeMode(path, 0o666)
        words = [
            "counter": tree.path(package0, "energy_uj"), "limit": tree.path(package0, "constraint_0_power_limit_uw"),
            "state": tree.statePath, "directory": tree.directory,
            "O_RDONLY": "\(O_RDONLY)", "O_RDWR": "\(O_RDWR)", "O_CREAT": "\(O_RDWR | O_CREAT)", "O_DIRECTORY": "\(O_DIRECTORY)",
            "S_IFCHR": "\(S_IFCHR | 0o600)", "MAP_ANONYMOUS": "\(MAP_PRIVATE | MAP_ANONYMOUS)",
            "AF_UNIX": "\(AF_UNIX)", "AF_INET": "\(AF_INET)", "AF_NETLINK": "\(AF_NETLINK)",
            // Of linux/sched.h, ptrace.h, prctl.h and random.h, and asm-generic/resource.h.
            "CLONE_NEWNS": "0x20000", "CLONE_NEWUSER": "0x10000000", "PTRACE_ATTACH": "16", "PR_SET_NO_NEW_PRIVS": "38",
            "PR_SET_DUMPABLE": "4", "RNDCLEARPOOL": "0x5206", "RLIMIT_NOFILE": "7",
            "most": String(repeating: "ff", count: 16),
            "every-capability": String(repeating: "ffffffffffffffff00000000", count: 2),
            "scratch": Scenery.vector(0x1000_0000), "port-0": Scenery.internet(port: 0), "port-1": Scenery.internet(port: 1),
            "path-socket": Scenery.hex(UnixAddress(path).bytes), "abstract-socket": Scenery.hex(UnixAddress("\0\(path)").bytes),
            "abstract-length": "\(UnixAddress("\0\(path)").bytes.count)",
        ]
    }

    func outcome(of attempt: Attempt, without calls: [String] = [], landlock version: Int? = nil) throws -> Intruder.Outcome {
        if attempt.call.contains("{limit-descriptor}") { try lookAtDescriptors() }
        if attempt.call.contains("{victim}") { try startVictim() }
        return try Intruder.outcome(
            of: filled(attempt.call), after: attempt.preparation.map(filled), without: calls, in: tree, through: wrapper,
            landlock: version)
    }

    private func filled(_ call: String) -> String {
        words.reduce(call) { $0.replacingOccurrences(of: "{\($1.key)}", with: $1.value) }
    }

    /// Another helper of the same start has the same numbers.
    private func lookAtDescriptors() throws {
        let helper = try tree.startHelper(through: wrapper)
        let descriptor = try helper.descriptors().first { $0.value == words["limit"] }
        words["limit-descriptor"] = "\(try #require(descriptor?.key))"
        helper.kill()
    }

    /// Another process with all that the helper has, and no more.
    private func startVictim() throws {
        let victim = try tree.spawn(
            "victim-\(uid)",
            ["setpriv", "--reuid=\(uid)", "--regid=\(uid)"] + Conditions.dropAll.dropFirst() + ["sleep", "infinity"])
        try wait(for: "the victim") { try Files.text("/proc/\(victim.pid)/comm") == "sleep\n" }
        let memory = try Files.text("/proc/\(victim.pid)/maps").split(separator: "\n").first { $0.hasSuffix("[stack]") }
        let address = try #require(memory.flatMap { UInt64($0.prefix { $0 != "-" }, radix: 16) })
        words["victim"] = "\(victim.pid)"
        words["victim-memory"] = Scenery.vector(address)
    }

    // MARK: Structures of the kernel, in hexadecimal

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
    private static func bytes<Value>(of value: Value) -> [UInt8] { unsafe withUnsafeBytes(of: value) { unsafe Array($0) } }

    /// struct iovec, of four bytes.
    private static func vector(_ address: UInt64) -> String { hex(bytes(of: address) + bytes(of: UInt64(4))) }

    /// struct sockaddr_in, of this host.
    private static func internet(port: UInt16) -> String {
        hex(bytes(of: UInt16(AF_INET)) + bytes(of: port.bigEndian) + [127, 0, 0, 1] + [UInt8](repeating: 0, count: 8))
    }
}
