internal import CLinux

/// An owned file descriptor, closed when its owner goes. See open(2), close(2).
public struct Descriptor: ~Copyable, Sendable {
    /// The number, for calls that need it while the descriptor is alive. It must not be closed or stored elsewhere.
    public let number: Int32

    /// Takes ownership of an open descriptor, for example one that systemd passed.
    public init(owning number: Int32) { self.number = number }

    deinit { _ = cl_close(number) }

    /// Opens a file relative to the working directory. O_CLOEXEC is always set.
    public init(opening path: String, _ access: Access, mode: UInt32 = 0) throws(Errno) {
        self.init(owning: try Descriptor.open(nil, path, access, mode))
    }

    /// Opens a file relative to a directory that is already open (openat(2)).
    public init(opening path: String, in directory: borrowing Descriptor, _ access: Access, mode: UInt32 = 0) throws(Errno) {
        self.init(owning: try Descriptor.open(directory.number, path, access, mode))
    }

    private static func open(_ directory: Int32?, _ path: String, _ access: Access, _ mode: UInt32) throws(Errno) -> Int32 {
        let flags = access.flags
        return try check { unsafe path.withCString { unsafe cl_openat(directory ?? -1, $0, flags, mode) } }
    }

    /// How a file is opened. Only `readThroughLinks` follows a symbolic link in the last component: it is for files that a
    /// person names. It, `read`, `readWrite` and `lockFile` don't wait for the other end of a FIFO; on the files of a disk or of
    /// sysfs that changes nothing. `name` opens none of the contents, only what the path names (O_PATH in open(2)).
    public enum Access: Sendable {
        case read, readThroughLinks, readWrite, write, create, createNew, createNewDurable, lockFile, directory, name

        var flags: Int32 {
            switch self {
            case .read: cl_o_rdonly | cl_o_nofollow | cl_o_nonblock
            case .readThroughLinks: cl_o_rdonly | cl_o_nonblock
            case .readWrite: cl_o_rdwr | cl_o_nofollow | cl_o_nonblock
            case .write: cl_o_wronly | cl_o_nofollow
            case .create: cl_o_rdwr | cl_o_creat | cl_o_trunc | cl_o_nofollow
            case .createNew: cl_o_rdwr | cl_o_creat | cl_o_excl | cl_o_nofollow
            // What a write returned for is on the disk (open(2)).
            case .createNewDurable: cl_o_rdwr | cl_o_creat | cl_o_excl | cl_o_nofollow | cl_o_dsync
            case .lockFile: cl_o_rdwr | cl_o_creat | cl_o_nofollow | cl_o_nonblock
            case .name: cl_o_path | cl_o_nofollow
            case .directory: cl_o_rdonly | cl_o_directory | cl_o_nofollow
            }
        }
    }

    /// read(2) into the buffer: the number of bytes, 0 at the end.
    public borrowing func read(into buffer: inout MutableSpan<UInt8>) throws(Errno) -> Int {
        let number = number
        // SAFETY: the span's memory is exclusively ours for the call, and its own count bounds it.
        return Int(
            try check { unsafe buffer.withUnsafeMutableBufferPointer { unsafe cl_read(number, $0.baseAddress, $0.count) } })
    }

    /// read(2) into an array, from `offset` on: the number of bytes, 0 at the end.
    public borrowing func read(into array: inout [UInt8], from offset: Int, atMost count: Int) throws(Errno) -> Int {
        let number = number
        precondition(offset >= 0 && count >= 0 && offset + count <= array.count)
        // SAFETY: the precondition keeps the bytes within the array, which is exclusively ours for the call.
        return Int(
            try check {
                unsafe array.withUnsafeMutableBufferPointer { unsafe cl_read(number, $0.baseAddress! + offset, count) }
            })
    }

    /// pread(2) at an offset. sysfs gives a fresh value only at offset 0 of each call.
    public borrowing func read(into buffer: inout MutableSpan<UInt8>, at offset: Int64) throws(Errno) -> Int {
        let number = number
        // SAFETY: as above.
        return Int(
            try check {
                unsafe buffer.withUnsafeMutableBufferPointer { unsafe cl_pread(number, $0.baseAddress, $0.count, offset) }
            })
    }

    /// write(2): the number of bytes taken, which may be fewer.
    public borrowing func write(_ bytes: Span<UInt8>) throws(Errno) -> Int {
        let number = number
        // SAFETY: the span outlives the call, and its own count bounds it.
        return Int(try check { unsafe bytes.withUnsafeBufferPointer { unsafe cl_write(number, $0.baseAddress, $0.count) } })
    }

    /// pwrite(2): one call, one value. The number of bytes taken.
    public borrowing func write(_ bytes: Span<UInt8>, at offset: Int64) throws(Errno) -> Int {
        let number = number
        // SAFETY: as above.
        return Int(
            try check { unsafe bytes.withUnsafeBufferPointer { unsafe cl_pwrite(number, $0.baseAddress, $0.count, offset) } })
    }

    /// flock(2), exclusive: throws `.again` when another process holds it. It ends with the descriptor.
    public borrowing func lock() throws(Errno) {
        let number = number
        try check { cl_lock(number) }
    }

    /// Whether only root, or this process's own user, can open it: a regular file of theirs without a right for others.
    public var isPrivate: Bool { isOwn(withoutRights: 0o077) }

    /// Whether it is a regular file that only root, or this process's own user, can have written (fstat(2)).
    public var isTrustworthy: Bool { isOwn(withoutRights: 0o022) }

    private func isOwn(withoutRights others: UInt32) -> Bool {
        guard let status = try? status() else { return false }
        return status.kind == cl_kind_regular && status.mode & others == 0 && (status.uid == 0 || status.uid == Process.uid)
    }

    /// Whether it is a regular file (fstat(2)).
    public var isRegular: Bool { (try? status())?.kind == cl_kind_regular }

    /// Whether it is a directory (fstat(2)).
    public var isDirectory: Bool { (try? status())?.kind == cl_kind_directory }

    /// Whether it is a socket (fstat(2)).
    public var isSocket: Bool { (try? status())?.kind == cl_kind_socket }

    private borrowing func status() throws(Errno) -> cl_file_status {
        let number = number
        var status = cl_file_status()
        try check { unsafe cl_status(number, &status) }
        return status
    }

    /// fchownat(2) with AT_EMPTY_PATH. `UInt32.max` leaves an id as it is.
    public borrowing func changeOwner(uid: UInt32 = .max, gid: UInt32 = .max) throws(Errno) {
        let number = number
        try check { cl_chown(number, uid, gid) }
    }

    /// Whether this is in sysfs, the kernel's own tree, and not a copy of it (statfs(2)).
    public var isInSysfs: Bool { cl_is_sysfs(number) }

    /// Whether the file has no name any more: it was removed, or another took its place (fstat(2)).
    public borrowing func isRemoved() throws(Errno) -> Bool {
        let number = number
        return try check { cl_link_count(number) } == 0
    }

    /// The number of another descriptor of the same file or socket (fcntl(2), F_DUPFD_CLOEXEC), for somebody who closes it himself.
    public borrowing func duplicate() throws(Errno) -> Int32 {
        let number = number
        return try check { cl_duplicate(number) }
    }

    /// fsync(2).
    public borrowing func synchronize() throws(Errno) {
        let number = number
        try check { cl_fsync(number) }
    }
}

/// What a path names, without following a symbolic link (lstat(2)).
public enum FileKind: Sendable { case absent, socket, directory, regular, link, other }

extension Descriptor {
    /// The names in a directory, without `.` and `..`, in the kernel's order.
    public borrowing func entries() throws(Errno) -> [String] {
        var names: [String] = []
        var name = [CChar](repeating: 0, count: 256)
        var stream: UnsafeMutableRawPointer?
        while true {
            let number = number
            // SAFETY: `name` has 256 bytes, the size that is passed; the shim ends it with a zero byte.
            let length = try check {
                unsafe name.withUnsafeMutableBufferPointer { unsafe cl_directory_next(number, &stream, $0.baseAddress, $0.count) }
            }
            if length == 0 { return names }
            names.append(unsafe name.withUnsafeBufferPointer { unsafe String(cString: $0.baseAddress!) })
        }
    }

    /// Where a symbolic link of this directory leads; nil where `path` is none, or leads farther than 4095 bytes.
    public borrowing func linkTarget(of path: String) -> String? {
        var target = [CChar](repeating: 0, count: 4_096)
        let number = number
        // SAFETY: `target` has the size that is passed.
        let length = try? check {
            unsafe path.withCString { name in
                unsafe target.withUnsafeMutableBufferPointer { unsafe cl_link_target(number, name, $0.baseAddress, $0.count) }
            }
        }
        guard let length, length < target.count else { return nil }
        return String(decoding: target[..<Int(length)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// What `path` names in this directory.
    public borrowing func kind(of path: String) throws(Errno) -> FileKind { try fileKind(number, path) }
}

/// What `path` names.
public func fileKind(of path: String) throws(Errno) -> FileKind { try fileKind(-1, path) }

private func fileKind(_ directory: Int32, _ path: String) throws(Errno) -> FileKind {
    var kind = cl_kind_absent
    try check { unsafe path.withCString { unsafe cl_kind(directory, $0, &kind) } }
    return switch kind {
    case cl_kind_absent: .absent
    case cl_kind_socket: .socket
    case cl_kind_directory: .directory
    case cl_kind_regular: .regular
    case cl_kind_link: .link
    default: .other
    }
}

/// rename(2): replaces `to` atomically.
public func rename(_ from: String, to: String) throws(Errno) {
    try check { unsafe from.withCString { source in unsafe to.withCString { unsafe cl_rename(source, $0) } } }
}

/// unlink(2).
public func unlink(_ path: String) throws(Errno) { try check { unsafe path.withCString { unsafe cl_unlink($0) } } }

/// mkdir(2); a directory that is already there is no error.
public func makeDirectory(_ path: String, mode: UInt32) throws(Errno) {
    let result = unsafe path.withCString { unsafe cl_mkdir($0, mode) }
    if result < 0 && Errno(-result) != .exists { throw Errno(-result) }
}

/// chmod(2).
public func changeMode(_ path: String, _ mode: UInt32) throws(Errno) {
    try check { unsafe path.withCString { unsafe cl_chmod($0, mode) } }
}

/// lchown(2). `UInt32.max` leaves an id as it is.
public func changeOwner(_ path: String, uid: UInt32 = .max, gid: UInt32 = .max) throws(Errno) {
    try check { unsafe path.withCString { unsafe cl_chown_link($0, uid, gid) } }
}

/// umask(2): sets the mask and gives the one before.
@discardableResult
public func setFileModeMask(_ mask: UInt32) -> UInt32 { cl_umask(mask) }

/// The standard streams, which belong to the process and are never closed.
public struct StandardStream: Sendable {
    public let number: Int32
    public static let output = StandardStream(number: 1)
    public static let error = StandardStream(number: 2)

    /// write(2): the number of bytes taken.
    public func write(_ bytes: Span<UInt8>) throws(Errno) -> Int {
        let number = number
        // SAFETY: the span outlives the call, and its own count bounds it.
        return Int(try check { unsafe bytes.withUnsafeBufferPointer { unsafe cl_write(number, $0.baseAddress, $0.count) } })
    }

    /// From here on a write to standard error never waits, where that is a pipe or a terminal: what doesn't fit is refused. Only
    /// this process is concerned.
    public static func unblockError() { cl_unblock_stderr() }

    /// Writes all of it, waiting as long as the reader takes.
    public func writeAll(_ bytes: [UInt8]) throws(Errno) {
        var done = 0
        while done < bytes.count { done += try write(bytes.span.extracting(done..<bytes.count)) }
    }

    /// Waits until the stream takes bytes: false when the time ran out (poll(2)).
    public func wait(forWrite: Bool, milliseconds: Int32) throws(Errno) -> Bool {
        let number = number
        return try check { cl_poll(number, forWrite, milliseconds) } > 0
    }
}
