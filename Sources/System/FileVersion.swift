internal import CLinux

/// What tells one state of a file from another, without reading it (fstat(2)).
public struct FileVersion: Equatable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    private let size: UInt64
    private let modified_ns: Int64
    private let changed_ns: Int64

    /// When its contents were changed last, in seconds since 1970.
    public var modified_s: Int64 { modified_ns / 1_000_000_000 }

    /// Of what the path names now, through links.
    public init(of path: String) throws(Errno) {
        let file = try Descriptor(opening: path, .readThroughLinks)
        let number = file.number
        var version = cl_file_version()
        try check { unsafe cl_file_version(number, &version) }
        (device, inode, size) = (version.device, version.inode, version.size)
        (modified_ns, changed_ns) = (version.modified_ns, version.changed_ns)
    }
}
