internal import LinuxSystem

/// A file of variables as systemd reads it for EnvironmentFile= (systemd.exec(5)): no shell, and nothing is expanded.
///
/// systemd passes over what it doesn't understand; here that is an error, because somebody meant something by it.
struct EnvironmentFile: Equatable, Sendable {
    struct Assignment: Equatable, Sendable {
        let name: String
        let value: String
        /// Where it begins.
        let line: Int
    }

    /// What is wrong with a file. The sentence about it is written in UsageError.
    enum Problem: FileProblem, Error, Equatable, Sendable {
        case absent
        case denied
        case notAFile
        case unreadable(Errno)
        case tooLarge
        case noAssignment(String, line: Int)
        case badName(String, line: Int)
        case unknownName(String, meant: String?, line: Int)
        case openQuote(line: Int)
        case openComment(line: Int)
        case notText(line: Int)
    }

    let path: String
    /// In the file's order; of those that have the same name the last counts.
    let assignments: [Assignment]

    static let largest = 1 << 20
    /// Where systemd's unit of the controller reads its environment.
    static let ofUnit = "/etc/powercap/controller.env"

    /// Not options, and known to this program or its libraries.
    private static let others = [
        "TZ", "TZDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT",
        FormerName.parameters.rawValue, FormerName.cron.rawValue, FormerName.address,
        // A file that sets one of them sets them all, also http_proxy, which the API server's https never asks for.
        "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    ]

    /// - Parameter given: the path; with a dash before it, as in a unit, the file may be absent.
    init(reading given: String) throws(UsageError) {
        let isOptional = given.hasPrefix("-")
        path = isOptional ? String(given.dropFirst()) : given
        do throws(Problem) {
            assignments = try EnvironmentFile.read(path, isOptional: isOptional)
            for assignment in assignments where Option.named(assignment.name) == nil {
                if EnvironmentFile.others.contains(assignment.name) { continue }
                throw .unknownName(assignment.name, meant: Option.meant(by: assignment.name, among: .all), line: assignment.line)
            }
        } catch { throw .environmentFile(path, error) }
    }

    private static func read(_ path: String, isOptional: Bool) throws(Problem) -> [Assignment] {
        let bytes: [UInt8]
        do throws(GivenFile.Problem) { bytes = try GivenFile.contents(of: path, atMost: largest) } catch {
            let problem = Problem(error)
            if problem == .absent, isOptional { return [] }
            throw problem
        }
        if bytes.count > largest { throw .tooLarge }
        return try parse(bytes)
    }

    func last(_ name: String) -> Assignment? { assignments.last { $0.name == name } }

    /// Puts what isn't an option where the C library looks for it.
    func export() {
        for assignment in assignments where Option.named(assignment.name) == nil {
            // It only fails for want of memory.
            try? Process.setEnvironment(assignment.name, assignment.value)
        }
    }
}
