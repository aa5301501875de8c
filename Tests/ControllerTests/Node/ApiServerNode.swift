import Foundation
import JSON
import TestSupport
import Testing

@testable import JSON
@testable import powercap_controller

extension ApiServer {
    var ownNode: OwnNode {
        get throws {
            let environment = environment
            return try #require(try OwnNode(Settings(flags: [:]) { environment[$0] }))
        }
    }

    func metadata() throws -> NodeMetadata { try #require(NodeMetadata(try show(ApiServer.path))) }

    func condition() throws -> JSON? {
        try show(ApiServer.path)["status"]?["conditions"]?.elements?.first { $0["type"]?.text == "PowerCapped" }
    }

    /// Waits for what the Node shows to be so, by its watch or by a write.
    func expectNode(_ location: SourceLocation = #_sourceLocation, _ what: (NodeMetadata) -> Bool) throws {
        let deadline = Date.now + Double(Child.patience_ms) / 1_000
        while Date.now < deadline {
            if what(try metadata()) { return }
            try next("request PATCH")
        }
        Issue.record("the Node never showed it: \(try metadata())", sourceLocation: location)
    }

    /// Waits until an Event of this reason is there.
    func nextEvent(_ reason: NodeEvent.Reason) throws -> JSON {
        while true {
            if let event = try eventObjects().first(where: { $0["reason"]?.text == reason.rawValue }) { return event }
            try next("request POST")
        }
    }
}
