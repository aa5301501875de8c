internal import LinuxSystem

/// The certificate in use, and its files, which are looked at again and again. Nobody says when a Secret's files become others (a volume's are
/// swapped by a link, a directory's one after the other), and a look takes microseconds.
struct CertificateWatch {
    private let files: CertificateFiles
    private(set) var current: Certificate
    /// When the next look is due, on CLOCK_MONOTONIC.
    private(set) var due_ns: UInt64
    /// Of the files when they were read last.
    private var versions: [FileVersion?]
    /// What was wrong with them when they were looked at last, and nobody was told of: one of the two may have been replaced a moment before the
    /// other.
    private var doubt: CertificateProblem?
    private var hasToldOfLapse = false

    private static let pace_ns: UInt64 = 5_000_000_000

    /// What a look has found.
    enum News {
        /// Other files, which are to be used from now on.
        case replaced(Certificate)
        case problem(ServerProblem)
    }

    /// - Throws: `.certificate`.
    init(_ files: CertificateFiles, _ now_ns: UInt64) throws(ServerProblem) {
        versions = files.versions
        do throws(CertificateProblem) { current = try files.read() } catch { throw .certificate(error) }
        // What is wrong with its time is told by the first look.
        (self.files, due_ns) = (files, now_ns)
    }

    /// Looks, where it is time to.
    mutating func look(_ now_ns: UInt64) -> [News] {
        guard due_ns <= now_ns else { return [] }
        due_ns = now_ns + CertificateWatch.pace_ns
        var news: [News] = []
        let now = files.versions
        if now != versions || doubt != nil {
            do throws(CertificateProblem) {
                current = try files.read()
                (doubt, hasToldOfLapse) = (nil, false)
                news.append(.replaced(current))
            } catch {
                if now == versions { news.append(.problem(.keptCertificate(error))) }
                doubt = now == versions ? nil : error
            }
            versions = now
        }
        if !hasToldOfLapse, let lapse = current.lapse(of: files.certificate, Clock.wall.seconds) {
            hasToldOfLapse = true
            news.append(.problem(.certificate(lapse)))
        }
        return news
    }
}
