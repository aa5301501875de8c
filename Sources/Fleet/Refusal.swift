/// Why a report isn't answered with a grant. What the node holds goes on until its own end.
public enum Refusal: Error, Equatable, Sendable {
    /// Another one is the leader, or nobody is: the Lease isn't valid.
    case notLeading
    /// The node has an answer of a coordinator that took over from this one.
    case superseded
    /// A newer report of the node was heard, or one of a later boot.
    case overtaken
    /// The node is in no budget.
    case inNoBudget(String)

    /// For the node's log.
    public var sentence: String {
        switch self {
        case .notLeading: "This coordinator isn't the leader: ask again, the Service leads to the leader."
        case .superseded: "Another coordinator has taken over: ask again, the Service leads to the leader."
        case .overtaken: "A newer report of this node was heard: this one says nothing any more."
        case .inNoBudget(let node): "No PowerBudget covers the node \(node): see the nodeSelector of each."
        }
    }
}
