import Glibc
import LinuxSystem

/// The receiving end of sd_notify(3).
final class NotifySocket {
    let path: String
    private let socket: Descriptor
    private(set) var messages: [String] = []

    init(at path: String) throws {
        self.path = path
        let number = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw Errno(errno) }
        socket = Descriptor(owning: number)
        var address = UnixAddress(path)
        guard unsafe address.withPointer({ unsafe bind(number, $0, $1) }) == 0 else { throw Errno(errno) }
        // A helper that doesn't run as root reports as well.
        try changeMode(path, 0o666)
    }

    /// Waits for one more message, or until a process closes the pipe `end`.
    /// - Returns: false when none came.
    func receive(orEndOf end: Int32, _ deadline: Deadline) throws -> Bool {
        var watched = [
            pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0), pollfd(fd: end, events: 0, revents: 0),
        ]
        while true {
            let count = unsafe poll(&watched, 2, deadline.remaining_ms)
            if count < 0 && errno == EINTR { continue }
            guard count > 0, watched[0].revents != 0 else { return false }
            var storage = InlineArray<4096, UInt8>(repeating: 0)
            var buffer = storage.mutableSpan
            let length = try socket.read(into: &buffer)
            var bytes: [UInt8] = []
            for index in 0..<length { bytes.append(storage[index]) }
            messages.append(String(decoding: bytes, as: UTF8.self))
            return true
        }
    }
}

/// The address of a path (unix(7)).
struct UnixAddress {
    private var address = sockaddr_un()

    init(_ path: String) {
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { target in
            precondition(bytes.count < target.count, "\(path) is too long for a socket")
            unsafe target.copyBytes(from: bytes)
        }
    }

    mutating func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
