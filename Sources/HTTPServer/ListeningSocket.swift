internal import LinuxSystem

/// A socket that takes connections: of TCP, or at a path, whose file goes with it.
final class ListeningSocket {
    let descriptor: Descriptor
    private let file: File?

    /// The file that a Unix socket has made.
    private struct File: ~Copyable {
        let path: String
        /// Of the file itself: another may get its name.
        let descriptor: Descriptor

        deinit { if (try? descriptor.isRemoved()) == false { try? unlink(path) } }
    }

    /// Here who finds no room waits until there is some.
    private static let unixBacklog: Int32 = 64
    /// Anybody may connect: what he may do depends on the request and on who he is.
    private static let unixMode: UInt32 = 0o666

    /// - Parameter backlog: how many connections wait in the kernel. One that finds no room there is tried again after 1, 3, 7 and 15 s (tcp(7),
    ///   tcp_syn_retries), together with all others that found none: of 475 clients at once 186 had no answer after 30 s with room for 16, all
    ///   had one after 2 s with 64, and after 0.1 s with 512.
    /// - Throws: `.taken`, `.notLocal`, `.reservedPort`, `.failed`.
    init(at address: ListenAddress, backlog: Int32) throws(ServerProblem) {
        do throws(Errno) {
            descriptor = try Socket.bind(address: address.bytes, port: address.port)
            // Another may have bound the same address and not listened until now.
            try descriptor.listen(backlog: backlog)
        } catch {
            switch error {
            case .addressInUse: throw .taken("\(address)")
            case .addressNotAvailable: throw .notLocal("\(address)")
            case .denied: throw .reservedPort("\(address)")
            default: throw .failed("listen on \(address)", error)
            }
        }
        file = nil
    }

    /// - Throws: `.taken`, `.notASocket`, `.failed`.
    init(at path: String) throws(ServerProblem) {
        try ListeningSocket.makeRoom(at: path)
        do throws(Errno) { descriptor = try Socket.bind(at: path, mode: ListeningSocket.unixMode) } catch {
            // Made since it was looked for.
            if error == .addressInUse { throw .taken(path) }
            throw .failed("make \(path)", error)
        }
        do throws(Errno) {
            file = File(path: path, descriptor: try Descriptor(opening: path, .name))
            try descriptor.listen(backlog: ListeningSocket.unixBacklog)
        } catch { throw .failed("listen at \(path)", error) }
    }

    /// Removes a socket that nobody listens on, and nothing else.
    private static func makeRoom(at path: String) throws(ServerProblem) {
        let kind: FileKind
        do throws(Errno) { kind = try fileKind(of: path) } catch { throw .failed("look at \(path)", error) }
        switch kind {
        case .absent: return
        case .socket: break
        default: throw .notASocket(path)
        }
        do throws(Errno) {
            // Without waiting: somebody who listens and doesn't accept, with a full queue, answers EAGAIN.
            _ = try Socket.connect(to: path, isBlocking: false)
        } catch {
            guard error == .connectionRefused else {
                if error == .again { throw .taken(path) }
                throw .failed("find out whether somebody listens at \(path)", error)
            }
            do throws(Errno) { return try unlink(path) } catch { throw .failed("remove the stale socket \(path)", error) }
        }
        throw .taken(path)
    }
}
