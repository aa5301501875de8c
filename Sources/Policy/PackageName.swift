/// `package-N`, or `package-N-die-M` where a package has several dies with limits of their own.
public struct PackageName: Comparable, Hashable, Sendable {
    /// The N of `package-N`, as firmware has it.
    public let package: UInt32
    let die: UInt32?

    init(package: UInt32, die: UInt32? = nil) { (self.package, self.die) = (package, die) }

    /// nil for the name of any other zone. Firmware decides the numbers, so they need not begin at 0 nor follow the zone's index.
    public init?(_ name: String) {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 4, parts[0] == "package", let package = Self.number(parts[1]) else { return nil }
        if parts.count == 4 {
            guard parts[2] == "die", let die = Self.number(parts[3]) else { return nil }
            self.init(package: package, die: die)
        } else {
            self.init(package: package)
        }
    }

    private static func number(_ text: Substring) -> UInt32? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? UInt32(text) : nil
    }

    /// As the zone is called.
    var text: String { "package-\(package)" + (die.map { "-die-\($0)" } ?? "") }

    /// By package, and then by die.
    public static func < (left: PackageName, right: PackageName) -> Bool {
        if left.package != right.package { return left.package < right.package }
        guard let right = right.die else { return false }
        return left.die.map { $0 < right } ?? true
    }
}
