internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// What goes wrong between the controller and the helper.
enum HelperError: Error, Equatable, Sendable {
    /// No connection: the helper isn't there, or its socket may not be opened.
    case unreachable(path: String, Errno)
    /// It closed the connection before it answered, and isn't there any more.
    case ended(path: String)
    /// The helper closed the connection: at once, and again, when this uid isn't on its list.
    case closed(greeting: Bool)
    /// No answer in time.
    case silent(patience_ms: Int32)
    /// The beginning of an answer, and then nothing.
    case unfinished
    /// The connection failed.
    case broken(Errno)
    /// Something else than the protocol came.
    case garbled(ProtocolError)
    /// An answer to another request.
    case otherRequest
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
        case .unreachable(let path, .again):
            "nobody takes the connections to \(path): the helper hangs or is stopped (see its log, or restart it)"
        case .unreachable(let path, let errno): "can't connect to \(path): \(errno.explanation) (\(errno.name))"
        case .ended(let path):
            "the helper ended before it answered, and nobody listens on \(path) now: it is being restarted, or was stopped "
                + "(see its log)"
        case .closed(greeting: true):
            "the helper closed the connection without an answer: uid \(Process.uid) and gid \(Process.gid) are not on its list "
                + "(raplhelper --allow-uid, --allow-gid)"
        case .closed(greeting: false): "the helper closed the connection: it ended, or was restarted"
        case .silent(let patience_ms):
            "the helper does not answer within \(Milliseconds(UInt64(patience_ms)).words): it hangs or is stopped "
                + "(see its log, or restart it)"
        case .unfinished:
            "the helper stopped in the middle of an answer: it hangs or is overloaded (see its log, or restart it)"
        case .broken(let errno): "the connection failed: \(errno.explanation) (\(errno.name))"
        case .garbled(let error):
            "the helper sent what this version does not understand: \(error.explanation) "
                + "(is RAPLHELPER_SOCKET raplhelper's, and of the same version?)"
        case .otherRequest:
            "the helper answered another request than the one that was sent: restart raplhelper, and report this"
        case .noCommonVersion:
            "the helper speaks another version of the protocol than this controller, which speaks \(Greeting.lowestVersion) "
                + "and \(Greeting.highestVersion): install both programs from one release"
        case .failed(let failure): failure.sentence
        }
    }
}

extension Failure {
    /// The helper's words, with the kernel's errno where there is one.
    var sentence: String { "\(code.explanation)" + (errno == 0 ? "" : " (\(Errno(Int32(errno)).name))") }
}
