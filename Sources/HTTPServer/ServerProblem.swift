public import LinuxSystem

/// Why nothing is served, or nobody can connect.
public enum ServerProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// libmicrohttpd can't be loaded (dlerror(3)).
    case noLibrary(String)
    /// Somebody else listens on this address, or at this path.
    case taken(String)
    /// No address of this machine.
    case notLocal(String)
    /// The port of this address is below 1024.
    case reservedPort(String)
    /// What is at this path isn't a socket.
    case notASocket(String)
    /// So many descriptors are needed, and fewer are allowed (setrlimit(2), RLIMIT_NOFILE).
    case fewDescriptors(needed: Int, allowed: UInt64)
    /// TLS can't be served with this.
    case certificate(CertificateProblem)
    /// What the files hold now can't be served; the certificate that was in use stays.
    case keptCertificate(CertificateProblem)
    /// What could not be done, for another reason.
    case failed(String, Errno)
    /// The kernel takes no connection at present; it is tried again every second.
    case deaf(Errno)

    /// The sentence about it, which says what to do.
    public var description: String {
        switch self {
        case .noLibrary(let why):
            "libmicrohttpd can't be loaded (\(why)): install Debian's libmicrohttpd12, or what has libmicrohttpd.so.12"
        case .taken(let place): "\(place) is taken, another program listens there: stop it, or choose another"
        case .notLocal(let address): "\(address) is no address of this machine (`ip address` shows which are): choose one of them"
        case .reservedPort(let address):
            "\(address) is refused, ports below 1024 take CAP_NET_BIND_SERVICE: choose one from 1024 on"
        case .notASocket(let path): "\(path) exists and isn't a socket: remove it, or choose another path"
        case .fewDescriptors(let needed, let allowed):
            "\(needed) descriptors are needed, and this process may have \(allowed): raise its hard limit (LimitNOFILE= of a unit, "
                + "`--ulimit nofile=` of a container, `ulimit -Hn`)"
        case .certificate(let problem): problem.words
        case .keptCertificate(let problem): "\(problem.words); what was in use before stays in use"
        case .failed(let what, let errno): "can't \(what): \(errno.explanation) (\(errno.name))"
        case .deaf(let errno): "can't take connections at present: \(errno.explanation) (\(errno.name))"
        }
    }
}
