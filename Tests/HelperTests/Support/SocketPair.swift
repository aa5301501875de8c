import Glibc
import LinuxSystem

/// Two connected stream sockets that don't block.
struct SocketPair: ~Copyable {
    let near: Descriptor
    let far: Descriptor

    init() throws {
        let numbers = try SocketPair.open()
        near = Descriptor(owning: numbers[0])
        far = Descriptor(owning: numbers[1])
    }

    private static func open() throws -> [Int32] {
        var numbers: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &numbers) == 0 else { throw Errno(errno) }
        return numbers
    }
}

/// dup(2).
func duplicate(_ number: Int32) -> Int32 { dup(number) }
