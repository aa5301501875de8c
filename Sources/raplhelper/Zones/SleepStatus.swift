import LinuxSystem

/// `power/runtime_status` of a device: whether the kernel has suspended it, which doesn't wake it
/// (Documentation/ABI/testing/sysfs-devices-power).
final class SleepStatus {
    private let file: Descriptor

    /// - Returns: nil where the device has no such file.
    init?(in directory: borrowing Descriptor, _ path: String) {
        guard let file = try? Descriptor(opening: path, in: directory, .read) else { return nil }
        self.file = file
    }

    var descriptorNumber: Int32 { file.number }

    func isAsleep() -> Bool {
        var storage = InlineArray<16, UInt8>(repeating: 0)
        var buffer = storage.mutableSpan
        guard let count = try? file.read(into: &buffer, at: 0) else { return false }
        return SleepStatus.meansAsleep(storage.span.extracting(0..<count))
    }

    /// `suspended`, or on the way there or back. `active`, `unsupported` and `error` are awake.
    static func meansAsleep(_ text: Span<UInt8>) -> Bool {
        var scanner = Scanner(text)
        return scanner.literal("suspend") || scanner.literal("resum")
    }
}
