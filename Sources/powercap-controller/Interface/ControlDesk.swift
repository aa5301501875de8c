internal import Policy
internal import PowercapProtocol

/// The running controller as the interface sees it.
protocol ControlDesk: AnyObject {
    var state: NodeState { get }
    /// The last 24 hours.
    var history: History { get }
    /// Follows an order at once.
    /// - Returns: why it isn't saved and ends with this process; nil where it is.
    func give(_ order: Order) -> String?
    /// - Returns: whether there was one.
    func takeBack(_ kind: Order.Kind, uid: UInt32) -> Bool
}
