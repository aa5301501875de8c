internal import CLinux

/// This process: its arguments, environment, identity and signals.
public enum Process {
    /// The arguments without the program's name.
    public static var arguments: [String] {
        var all: [String] = []
        var index: Int32 = 1
        while let text = unsafe cl_argument(index) {
            unsafe all.append(String(cString: text))
            index += 1
        }
        return all
    }

    /// getenv(3): nil when unset, "" when empty.
    public static func environment(_ name: String) -> String? {
        guard let value = unsafe name.withCString({ unsafe cl_environment($0) }) else { return nil }
        return unsafe String(cString: value)
    }

    /// The environment's entry of this index as `NAME=value`, nil behind the last one (environ(7)).
    public static func environmentEntry(_ index: Int32) -> String? {
        guard let entry = unsafe cl_environment_entry(index) else { return nil }
        return unsafe String(cString: entry)
    }

    /// setenv(3).
    public static func setEnvironment(_ name: String, _ value: String) throws(Errno) {
        try check { unsafe name.withCString { name in unsafe value.withCString { unsafe cl_set_environment(name, $0) } } }
    }

    /// The effective ids (geteuid(2), getegid(2)).
    public static var uid: UInt32 { cl_uid() }
    public static var gid: UInt32 { cl_gid() }
    public static var pid: Int32 { cl_pid() }

    /// This machine's name, or the pod's (uname(2)); empty where nobody gave it one.
    public static var hostName: String {
        let bytes = (try? GivenFile.contents(of: "/proc/sys/kernel/hostname", atMost: 64)) ?? []
        return String(decoding: bytes.prefix { $0 > UInt8(ascii: " ") }, as: UTF8.self)
    }

    /// The device and the inode of what standard error is (fstat(2)); nil where it is closed.
    public static var standardError: (device: UInt64, inode: UInt64)? {
        var (device, inode): (UInt64, UInt64) = (0, 0)
        return unsafe cl_file_identity(2, &device, &inode) == 0 ? (device, inode) : nil
    }

    /// Lifts the soft limit of open descriptors to the hard one: the limit then in force.
    @discardableResult
    public static func raiseDescriptorLimit() -> UInt64 { cl_raise_descriptor_limit() }

    /// close_range(2): closes every descriptor from `first` on.
    public static func closeDescriptors(from first: UInt32) { _ = cl_close_from(first) }

    /// Gives back the memory of code that has run and won't run again soon; the rest is read anew when it is needed. The kernel maps
    /// up to sixteen pages around each page that a program touches, so after start-up nearly all of it is resident.
    public static func dropUnusedCode() { cl_drop_program_text() }

    /// Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed. It has to come before anything else: the next file
    /// that is opened would become standard error, and the log would be written into it.
    public static func openStandardStreams() { cl_open_standard_streams() }

    /// A write to a connection whose other end is gone then gives EPIPE instead of a signal.
    public static func ignoreBrokenPipes() { cl_ignore_sigpipe() }

    /// _exit(2): at once, without destructors.
    public static func exit(_ status: Int32) -> Never { cl_exit(status) }
}

/// SIGTERM, SIGINT and SIGHUP as readable events (signalfd(2)); they no longer interrupt anything.
public final class Signals: Sendable {
    private let descriptor: Descriptor
    public var number: Int32 { descriptor.number }

    public init() throws(Errno) { descriptor = Descriptor(owning: try check { cl_signal_descriptor() }) }

    /// The name of the signal that arrived, or nil.
    public func next() -> StaticString? {
        switch cl_next_signal(descriptor.number) {
        case cl_sigterm: "SIGTERM"
        case cl_sigint: "SIGINT"
        case cl_sighup: "SIGHUP"
        default: nil
        }
    }
}
