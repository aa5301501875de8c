internal import LinuxSystem
internal import PowercapProtocol

/// What goes wrong between the controller and the helper.
enum HelperError: Error, Equatable, Sendable {
    /// No connection: the helper isn't there, or its socket may not be opened.
    case unreachable(path: String, Errno)
    /// The helper closed the connection: at once when this uid isn't on its list.
    case closed(greeting: Bool)
    /// No answer in time.
    case silent
    /// The connection failed.
    case broken(Errno)
    /// Something else than the protocol came.
    case garbled(ProtocolError)
    /// The helper speaks other versions of the protocol.
    case noCommonVersion
    /// The helper could not carry out the request; the connection is fine.
    case failed(Failure)

    /// What a person reads, and what there is to do.
    var sentence: String {
        switch self {
        case .unreachable(let path, .noEntry):
            "the helper is not running: there is no socket \(path) (start raplhelper, or set RAPLHELPER_SOCKET)"
        case .unreachable(let path, .connectionRefused):
            "the helper is not running: nobody listens on \(path) (start raplhelper)"
        case .unreachable(let path, .denied):
            "permission denied on \(path): this user may not connect (see raplhelper --socket-mode, --socket-group)"
        case .unreachable(let path, let errno): "can't connect to \(path): \(errno.explanation) (\(errno.name))"
        case .closed(greeting: true):
            "the helper closed the connection without an answer: this uid and gid are not on its list (raplhelper --allow-uid, --allow-gid)"
        case .closed(greeting: false): "the helper closed the connection: it ended, or was restarted"
        case .silent: "the helper does not answer"
        case .broken(let errno): "the connection failed: \(errno.explanation) (\(errno.name))"
        case .garbled(let error): "the helper sent what this version does not understand: \(error.explanation)"
        case .noCommonVersion:
            "the helper speaks no version of the protocol that this controller knows: install matching versions"
        case .failed(let failure): failure.sentence
        }
    }
}

extension Failure {
    /// The helper's words, with the kernel's errno where there is one.
    var sentence: String { "\(code.explanation)" + (errno == 0 ? "" : " (\(Errno(Int32(errno)).name))") }
}
