import Foundation

/// A directory of a test's own, removed with its last reference. Its path is short: a socket's has at most 107 bytes.
public final class TemporaryDirectory {
    public let path: String

    public init() throws {
        path = "\(NSTemporaryDirectory())powercap-\(UUID().uuidString.prefix(13))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
