internal import Kubernetes

/// What is known of a token that somebody shows.
enum Verdict: Equatable, Sendable {
    /// It is the one of a pod on this node.
    case node(String)
    /// The API server is being asked.
    case pending
    /// It isn't taken: why.
    case refused(String)
    /// It is good, and not for this: why.
    case forbidden(String)
    /// Nobody can say at present: why.
    case unknown(String)
}

extension Verdict {
    init(_ finding: TokenCache.Finding) {
        self =
            switch finding {
            case .known(let identity): .node(identity.node)
            case .asking: .pending
            case .unanswered(let why): .unknown(why)
            case .refused(let refusal):
                switch refusal {
                case .noNode, .otherAccount: .forbidden(refusal.sentence)
                default: .refused(refusal.sentence)
                }
            }
    }
}
