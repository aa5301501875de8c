/// What a device is called wherever one reads of it: `package-0`, and where firmware gives no such name the zone's id, which is the same at
/// every boot: `amdgpu:0000:03:00.0`, `amd_hsmp_hwmon:AMDI0097:00`.
public struct DeviceName: Comparable, Hashable, Sendable {
    /// As people and programs read it.
    public let text: String
    /// Its package's and die's number; nil of what isn't named so.
    private let processor: PackageName?

    /// Of a processor package.
    public init(package: UInt32, die: UInt32? = nil) { self.init(PackageName(package: package, die: die)) }

    init(_ name: PackageName) { (text, processor) = (name.text, name) }

    /// Any name.
    public init(_ text: String) { (self.text, processor) = (text, PackageName(text)) }

    /// The N of `package-N`, as firmware has it; nil of what isn't named so.
    public var package: UInt32? { processor?.package }

    /// Packages by their numbers, and then the others by their text.
    public static func < (left: DeviceName, right: DeviceName) -> Bool {
        switch (left.processor, right.processor) {
        case (let left?, let right?): left < right
        case (.some, nil): true
        case (nil, .some): false
        case (nil, nil): left.text < right.text
        }
    }
}
