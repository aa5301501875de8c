internal import Policy
internal import PowercapProtocol

extension NodeState {
    /// Of the whole server's limit, behind what its devices have; nothing where the node's limit isn't the server's.
    var serverWords: String {
        guard let server = decision?.decision.server else { return "" }
        let limit = " of its \(server.limit.roughly)"
        guard let meter = server.loop.meter else { return limit + "; its meter says nothing, so nothing rises" }
        return limit + "; its meter says \(meter.roughly)"
            + (server.loop.rest.map { ", \($0.roughly) of that beside the devices" } ?? "")
    }
}
