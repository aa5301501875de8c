internal import Policy
internal import PowercapProtocol

/// The running controller as the interface sees it.
protocol ControlDesk: AnyObject {
    var state: NodeState { get }
    /// The last 24 hours.
    var history: History { get }
    /// Follows an order at once.
    func give(_ order: Order) -> OrderBook.Receipt
    /// - Returns: nil where there was none.
    func takeBack(_ kind: Order.Kind, uid: UInt32) -> OrderBook.Receipt?
}
