internal import CLinux

/// An error number of the running kernel, as in errno(3).
public struct Errno: Error, Equatable, Sendable {
    public let number: Int32

    public init(_ number: Int32) { self.number = number }

    // The generic values of include/uapi/asm-generic/errno*.h, which x86 and arm64 share.
    public static let notPermitted = Errno(1)
    public static let noEntry = Errno(2)
    public static let interrupted = Errno(4)
    public static let again = Errno(11)
    public static let inputOutput = Errno(5)
    /// Of open(2): a socket, or the other end of a device that isn't there.
    public static let noDeviceOrAddress = Errno(6)
    public static let denied = Errno(13)
    public static let exists = Errno(17)
    public static let noDevice = Errno(19)
    public static let invalid = Errno(22)
    public static let noSpace = Errno(28)
    public static let readOnlyFileSystem = Errno(30)
    public static let brokenPipe = Errno(32)
    public static let notImplemented = Errno(38)
    public static let noData = Errno(61)
    public static let badMessage = Errno(74)
    public static let notSupported = Errno(95)
    public static let addressInUse = Errno(98)
    public static let addressNotAvailable = Errno(99)
    public static let connectionAborted = Errno(103)
    public static let connectionReset = Errno(104)
    /// Of a reading: the device is suspended, and isn't read.
    public static let shutdown = Errno(108)
    public static let timedOut = Errno(110)
    public static let connectionRefused = Errno(111)

    /// The symbol, for example `ENODATA` (strerrorname_np(3)).
    public var name: String { unsafe String(cString: cl_errno_name(number)) }
    /// The sentence, for example `No data available` (strerrordesc_np(3)).
    public var explanation: String { unsafe String(cString: cl_errno_description(number)) }
}

/// Turns the shim's "negative errno" into a typed error, and calls again when a signal interrupted the call.
@discardableResult
func check<Result: FixedWidthInteger & SignedInteger>(_ call: () -> Result) throws(Errno) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        if result == -4 { continue }
        throw Errno(Int32(-result))
    }
}
