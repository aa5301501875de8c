import Glibc
import LinuxSystem

/// The receiving end of sd_notify(3).
final class NotifySocket {
    let path: String
    private let socket: Descriptor
    private(set) var messages: [String] = []

    init(at path: String) throws {
        self.path = path
        socket = try UnixAddress(path).bind(SOCK_DGRAM)
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

/// The address of a path, or with a first byte of 0 an abstract one (unix(7)).
struct UnixAddress {
    private var address = sockaddr_un()
    /// An abstract address ends with its name.
    private let length: Int

    init(_ path: String) {
        length = path.hasPrefix("\0") ? MemoryLayout<sa_family_t>.size + path.utf8.count : MemoryLayout<sockaddr_un>.size
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { target in
            precondition(bytes.count < target.count, "\(path) is too long for a socket")
            unsafe target.copyBytes(from: bytes)
        }
    }

    /// A socket bound to it. The umask, which all threads share, is left alone.
    func bind(_ type: __socket_type) throws -> Descriptor {
        let socket = Descriptor(owning: Glibc.socket(AF_UNIX, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0))
        let result = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.bind(socket.number, $0, socklen_t(length))
            }
        }
        guard result == 0 else { throw Errno(errno) }
        return socket
    }

    var bytes: [UInt8] { unsafe withUnsafeBytes(of: address) { unsafe Array($0.prefix(length)) } }
}
