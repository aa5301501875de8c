import Foundation

/// The files of the repository that the tests were built from.
public enum Repository {
    public static let root = URL(fileURLWithPath: #filePath).pathComponents.dropFirst().dropLast(3).reduce("") { "\($0)/\($1)" }

    public static func text(_ path: String) throws -> String {
        try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
    }
}
