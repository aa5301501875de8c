import LinuxSystem

/// The socket on which controllers connect: systemd's (sd_listen_fds(3)), or one of its own.
final class ListenSocket {
    let descriptor: Descriptor
    /// Nil for systemd's socket, which isn't ours to remove.
    private(set) var ownPath: String?

    init(_ options: Options) throws(Problem) {
        if let count = ListenSocket.inheritedCount {
            guard count == 1 else { throw Problem(.failed, "LISTEN_FDS=\(count): exactly one socket is expected") }
            descriptor = Descriptor(owning: 3)
            ownPath = nil
            guard (try? descriptor.isListeningUnixStream()) == true, (try? descriptor.setNonBlocking()) != nil else {
                throw Problem(.failed, "LISTEN_FDS: descriptor 3 isn't a listening Unix stream socket")
            }
            descriptor.refuseDescriptors()
        } else {
            descriptor = try ListenSocket.bind(options)
            ownPath = options.socketPath
        }
    }

    /// Takes an own socket's file away again, for a start that fails later. Once the sandbox is closed the file can't be
    /// removed; the next start finds that nobody listens on it.
    func remove() { if let ownPath { try? unlink(ownPath) } }

    /// From here on the file stays: a system call that isn't allowed any more would end the process without a word.
    func keep() { ownPath = nil }

    /// systemd passes its sockets from 3 on (sd_listen_fds(3)).
    static var firstFreeDescriptor: UInt32 { 3 + UInt32(min(inheritedCount ?? 0, 1)) }

    private static var inheritedCount: UInt64? {
        guard let pid = Process.environment("LISTEN_PID"), wholeNumber(pid) == UInt64(Process.pid) else { return nil }
        return Process.environment("LISTEN_FDS").flatMap { wholeNumber($0) }
    }

    private static func bind(_ options: Options) throws(Problem) -> Descriptor {
        let path = options.socketPath
        try attempt("create the directory of \(path)") { () throws(Errno) in
            try makeDirectory(parent(of: path), mode: 0o755)
        }
        var kind = FileKind.absent
        try attempt("look at \(path)") { () throws(Errno) in kind = try fileKind(of: path) }
        switch kind {
        case .absent: break
        case .socket: try removeStale(path)
        default: throw Problem(.failed, "\(path) exists and isn't a socket: remove it, or choose another --socket")
        }
        let socket: Descriptor
        do throws(Errno) { socket = try Socket.bind(at: path, mode: options.socketMode) } catch {
            throw failure("make \(path)", error)
        }
        do throws(Problem) {
            if let group = options.socketGroup, group != Process.gid { try give(path, toGroup: group) }
            // Until here nobody could connect.
            do throws(Errno) { try socket.listen() } catch { throw failure("listen on \(path)", error) }
        } catch {
            try? unlink(path)
            throw error
        }
        return socket
    }

    /// By what the path names now, and only if that is a socket: whoever may write to the directory may have put a link there.
    private static func give(_ path: String, toGroup group: UInt32) throws(Problem) {
        do throws(Errno) {
            let file = try Descriptor(opening: path, .name)
            guard file.isSocket else { throw .exists }
            try file.changeOwner(gid: group)
        } catch {
            throw Problem(
                .failed,
                "can't give \(path) to group \(group): \(error.explanation) (\(error)). Start with that gid "
                    + "instead (runAsGroup in Kubernetes, Group= in systemd)")
        }
    }

    /// Removes a socket that nobody listens on. One that somebody does listen on is never touched.
    private static func removeStale(_ path: String) throws(Problem) {
        do throws(Errno) {
            // Without waiting: somebody who listens and doesn't accept, with a full queue, answers EAGAIN.
            _ = try Socket.connect(to: path, isBlocking: false)
        } catch {
            if error == .connectionRefused {
                return try attempt("remove the stale socket \(path)") { () throws(Errno) in try unlink(path) }
            }
            if error != .again { throw failure("find out whether somebody listens on \(path)", error) }
        }
        throw Problem(.failed, "another raplhelper listens on \(path): stop it, or choose another --socket")
    }

    private static func attempt(_ what: Message, _ body: () throws(Errno) -> Void) throws(Problem) {
        do throws(Errno) { try body() } catch { throw failure(what, error) }
    }

    private static func failure(_ what: Message, _ error: Errno) -> Problem {
        Problem(.failed, "can't \(what): \(error.explanation) (\(error))")
    }

    private static func parent(of path: String) -> String {
        let bytes = [UInt8](path.utf8)
        let end = bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0
        return end == 0 ? "/" : String(decoding: bytes[..<end], as: UTF8.self)
    }
}
