/// `package-N`, or `package-N-die-M` where a package has several dies with limits of their own.
public struct PackageName: Comparable, Hashable, Sendable {
    /// The N of `package-N`, as firmware has it.
    public let package: UInt32
    let die: UInt32?

    init(package: UInt32, die: UInt32? = nil) { (self.package, self.die) = (package, die) }

    /// nil for the name of any other zone. Firmware decides the numbers, so they need not begin at 0 nor follow the zone's index.
    public init?(_ name: String) {
        var rest = name.utf8[...]
        guard let package = Self.number(behind: "package-", &rest) else { return nil }
        if rest.isEmpty {
            self.init(package: package)
        } else {
            guard let die = Self.number(behind: "-die-", &rest), rest.isEmpty else { return nil }
            self.init(package: package, die: die)
        }
    }

    /// Takes a word and the number that follows it. Nothing is copied: every zone is asked for its name at each turn of the loop.
    private static func number(behind word: String, _ text: inout Substring.UTF8View) -> UInt32? {
        guard text.starts(with: word.utf8) else { return nil }
        text = text.dropFirst(word.utf8.count)
        let digits = text.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        text = text[digits.endIndex...]
        return UInt32(Substring(digits))
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
