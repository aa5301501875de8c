internal import CMicrohttpd
internal import LinuxSystem

/// A server's certificate and the key to it, in files that others replace. Both are PEM; behind the certificate comes its chain.
public struct CertificateFiles: Equatable, Sendable {
    let certificate: String
    let key: String

    public init(certificate: String, key: String) { (self.certificate, self.key) = (certificate, key) }

    /// All authorities that a distribution comes with have 220 kB.
    private static let largest = 1 << 18

    /// What is in them now.
    /// - Throws: why TLS can't be served with that.
    func read() throws(CertificateProblem) -> Certificate {
        let (chain, secret) = (try CertificateFiles.text(certificate), try CertificateFiles.text(key))
        var validity = unsafe cmhd_validity()
        let verdict = unsafe cmhd_check(chain, secret, &validity)
        let why = unsafe validity.why.map { unsafe String(cString: $0) } ?? ""
        switch verdict {
        case cmhd_fits: break
        case cmhd_no_library: throw .noLibrary(why)
        case cmhd_no_certificate: throw .noCertificate(certificate, why)
        case cmhd_misfit: throw .misfit(certificate: certificate, key: key)
        default: throw .noKey(key, why)
        }
        return unsafe Certificate(chain: chain, key: secret, from_s: validity.from_s, until_s: validity.until_s)
    }

    /// What a change of either is seen by; nil for what can't be opened.
    var versions: [FileVersion?] { [certificate, key].map { try? FileVersion(of: $0) } }

    private static func text(_ path: String) throws(CertificateProblem) -> String {
        let bytes: [UInt8]
        do throws(GivenFile.Problem) { bytes = try GivenFile.contents(of: path, atMost: largest) } catch {
            switch error {
            case .notAFile: throw .notAFile(path)
            case .failed(let errno): throw .unreadable(path, errno)
            }
        }
        if bytes.count > largest { throw .notText(path) }
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else { throw .notText(path) }
        return text
    }
}

/// A certificate and its key that fit each other.
struct Certificate {
    /// PEM, both.
    let chain: String
    let key: String
    /// When clients take it, in seconds since 1970.
    let from_s: Int64
    let until_s: Int64

    /// Why no client takes it at a time; nil where they do.
    func lapse(of path: String, _ now_s: Int64) -> CertificateProblem? {
        if now_s < from_s { return .early(path, hours: (from_s - now_s) / 3_600) }
        return now_s > until_s ? .expired(path, hours: (now_s - until_s) / 3_600) : nil
    }
}
