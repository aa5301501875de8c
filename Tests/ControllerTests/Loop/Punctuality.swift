import Foundation
import TestSupport
import Testing

extension Mock {
    /// P14: of a lease of 3 s, which is renewed every second, no renewal came a second late or more. The helper's own clock says so.
    func expectPunctual(renewals: Int, _ location: SourceLocation = #_sourceLocation) throws {
        let left_ms = lines.filter { $0.hasPrefix("Renew ") }.compactMap { line in
            line.split(separator: " ").first { $0.hasPrefix("lease_remaining_ms=") }.flatMap { Int($0.dropFirst(19)) }
        }
        #expect(left_ms.count >= renewals, sourceLocation: location)
        #expect(left_ms.allSatisfy { $0 > 1_000 }, "\(left_ms)", sourceLocation: location)
        #expect(!lines.contains("expired"), sourceLocation: location)
    }

    /// Longer than the lease.
    func outlive(renewals: Int = 4, _ location: SourceLocation = #_sourceLocation) throws {
        for _ in 0..<renewals { try next("Renew") }
        try expectPunctual(renewals: renewals, location)
    }
}

extension RunningController {
    /// What the node's pod has besides is 48 MiB; the program may have two thirds of it. Of files as much counts as the program that ships
    /// has of them at most: this one is compiled for tests, and several times as large.
    func expectSmall(_ location: SourceLocation = #_sourceLocation) throws {
        let peak_kB = try #require(try status("VmHWM"))
        let files_kB = max(files.most_kB, try #require(try status("RssFile")))
        #expect(peak_kB - files_kB + min(files_kB, 11 << 10) <= 32 << 10, sourceLocation: location)
    }
}

/// What a test can do that has root, and nobody else.
enum Root {
    static let isHere = getuid() == 0

    /// A command within a mount namespace of its own, where files of this machine are others. Keys are the paths that are covered.
    static func covering(_ files: [String: String], _ program: String, _ arguments: [String]) -> (String, [String]) {
        let mounts = files.map { "mount --bind \($0.value) \($0.key) && " }.joined()
        return ("/usr/bin/unshare", ["--mount", "/bin/sh", "-c", "\(mounts)exec \"$0\" \"$@\"", program] + arguments)
    }
}

extension RunningController {
    /// Where some files are others.
    convenience init(covering files: [String: String], _ socket: String, _ environment: [String: String]) throws {
        let (program, arguments) = Root.covering(files, Executable.url("powercap-controller").path, ["run"])
        try self.init(
            socket, environment.merging(["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]) { $1 }, program: program, before: arguments)
    }
}
