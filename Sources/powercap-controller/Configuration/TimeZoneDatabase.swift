internal import LinuxSystem

/// The zoneinfo files that the C library reads (tzset(3)). It takes an unknown name for UTC without a word, so a name is
/// looked up here before it is used.
enum TimeZoneDatabase {
    /// TZDIR, or where the C library looks without it.
    static var path: String {
        guard let path = Process.environment("TZDIR"), !path.isEmpty else { return "/usr/share/zoneinfo" }
        return path
    }

    /// - Throws: `malformed`, `unknownName`, or `noTimeZoneDatabase` with the directory that is missing.
    static func check(_ name: String) throws(ValueProblem) {
        if name == "UTC" { return }  // The C library knows it without the database.
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        if name.hasPrefix(":") || parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) { throw .malformed }
        guard (try? fileKind(of: path + "/")) == .directory else { throw .noTimeZoneDatabase(path) }
        let file = "\(path)/\(name)"
        // Aliases are symbolic links in some distributions.
        guard isZoneFile(file) else { throw .unknownName }
    }

    /// The directory also holds lists, such as `zone.tab`; a zone begins with "TZif" (RFC 9636, section 3.1).
    private static func isZoneFile(_ file: String) -> Bool {
        var magic = [UInt8](repeating: 0, count: 4)
        guard let descriptor = try? Descriptor(opening: file, .readThroughLinks) else { return false }
        var span = magic.mutableSpan
        guard (try? descriptor.read(into: &span)) == 4 else { return false }
        return magic == Array("TZif".utf8)
    }
}

extension Configuration {
    /// The zone's name, as far as it is known.
    var timeZoneWords: String {
        if let name = timeZone { return name }
        if let name = Process.environment("TZ"), !name.isEmpty { return name }
        return "the host's time zone"
    }
}
