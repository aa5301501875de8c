public import LinuxSystem

/// What is wrong with a certificate or its key. What the two are is never told.
public enum CertificateProblem: Error, Equatable, Sendable {
    /// GnuTLS can't be loaded (dlerror(3)).
    case noLibrary(String)
    case unreadable(String, Errno)
    /// A FIFO, a device or a socket.
    case notAFile(String)
    /// Larger than any certificate, or no text.
    case notText(String)
    /// GnuTLS finds none in this file.
    case noCertificate(String, String)
    /// GnuTLS finds none in this file that it can use; one with a password, say.
    case noKey(String, String)
    /// Each is one, and they don't belong together.
    case misfit(certificate: String, key: String)
    /// No client takes it any more: for how many hours, rounded down.
    case expired(String, hours: Int64)
    /// No client takes it yet, nor for so many hours more.
    case early(String, hours: Int64)

    /// What is so, and what to do about it.
    var words: String {
        switch self {
        case .noLibrary(let why): "GnuTLS can't be loaded (\(why)): install Debian's libgnutls30, or what has libgnutls.so.30"
        case .unreadable(let path, let errno):
            "\(path) can't be read: \(errno.explanation) (\(errno.name)); a certificate and its key are two files in PEM"
        case .notAFile(let path): "\(path) is no file, but a FIFO, a device or a socket: name a file in PEM"
        case .notText(let path): "\(path) is no text in PEM, or has more than 256 kB: name the certificate or key alone"
        case .noCertificate(let path, let why): "\(path) holds no certificate in PEM (GnuTLS: \(why))"
        case .noKey(let path, let why): "\(path) holds no private key in PEM that can be used without a password (GnuTLS: \(why))"
        case .misfit(let certificate, let key):
            "the key in \(key) isn't that of the certificate in \(certificate): both have to be of the same issue"
        case .expired(let path, let hours):
            "the certificate in \(path) ended \(hours) h ago, and clients refuse it: issue another (`openssl x509 -enddate` shows when)"
        case .early(let path, let hours):
            "the certificate in \(path) begins in \(hours) h, and clients refuse it before: is this machine's clock right?"
        }
    }
}
