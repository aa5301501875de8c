/// What is known of the node's work, beside what the source gives.
public struct Workload: Equatable, Sendable {
    /// For each device, in the order in which they are given to `decide`, nil of one of which nothing is known; nil where the node's limit is
    /// divided in proportion.
    let demands: [Demand?]?
    /// The node has had nothing to do for as long as the policy says.
    public let isIdle: Bool

    public init(demands: [Demand?]? = nil, isIdle: Bool = false) { (self.demands, self.isIdle) = (demands, isIdle) }
}
