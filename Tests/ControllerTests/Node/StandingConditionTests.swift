import LinuxSystem
import Testing

@testable import JSON
@testable import powercap_controller

struct StandingConditionTests {
    private static let noon = Clock.Wall(seconds: 1_795_492_800, nanoseconds: 0)
    private static let written = "2026-11-24T03:00:00Z"
    private static let all = ["f:status", "f:reason", "f:message", "f:lastTransitionTime"]

    /// A Node as an event shows it: other managers, and of this program's condition these fields.
    private func event(_ fields: [String] = all, time: String = written, manager: String = "powercap-controller") throws
        -> NodeMetadata
    {
        let tree = fields.map { #""\#($0)":{}"# }.joined(separator: ",")
        let text = """
            {"metadata":{"name":"node-a","uid":"1","resourceVersion":"7","managedFields":[
            {"manager":"kubelet","operation":"Update","time":"2026-11-24T03:59:00Z","subresource":"status","fieldsV1":
            {"f:status":{"f:conditions":{"k:{\\"type\\":\\"Ready\\"}":{"f:status":{}}},"f:images":{}}}},
            {"manager":"\(manager)","operation":"Update","time":"2026-11-24T01:00:00Z","fieldsV1":
            {"f:metadata":{"f:labels":{"f:rapl/pmax":{}}}}},
            {"manager":"\(manager)","operation":"Update","time":"\(time)","subresource":"status","fieldsV1":
            {"f:status":{"f:conditions":{"k:{\\"type\\":\\"PowerCapped\\"}":{\(tree)}}}}}]}}
            """
        return try #require(NodeMetadata(JSON(Array(text.utf8), NodeMetadata.interest, within: .answer)))
    }

    /// A Node as a list shows it.
    private func listed(_ status: String?, reason: String = "LimitInForce", since: String = "2026-11-01T00:00:00Z") throws
        -> NodeMetadata
    {
        let own =
            status.map {
                #"{"type":"PowerCapped","status":"\#($0)","reason":"\#(reason)","message":"Limits are in force","lastTransitionTime":"\#(since)"},"#
            } ?? ""
        let text = """
            {"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"node-a","uid":"1","resourceVersion":"7"},"status":
            {"images":[{"names":["x"]}],"conditions":[\(own){"type":"Ready","status":"True"}]}}]}
            """
        let list = try JSON(
            Array(text.utf8),
            .members(["items": .each(.members(NodeMetadata.rest.merging(["metadata": .all]) { own, _ in own }))]), within: .answer
        )
        let item = try #require(list["items"]?.elements?.first)
        return try #require(NodeMetadata(item))
    }

    private let condition = NodeRecord.test().condition

    private func standing() throws -> StandingCondition {
        var standing = StandingCondition()
        standing.written(condition, since: Self.written, on: try event())
        return standing
    }

    @Test("what was written stands there while nobody else wrote a field of it, whatever else changes")
    func stands() throws {
        var standing = try standing()
        for _ in 0..<3 { standing.note(try event()) }
        #expect(standing.known == condition)
    }

    @Test("a field that another party wrote, or all that it removed, is noticed")
    func falsified() throws {
        for fields in [["f:reason", "f:message", "f:lastTransitionTime"], Array(Self.all.dropLast()), []] {
            var standing = try standing()
            standing.note(try event(fields))
            #expect(standing.known == nil)
        }
        for changed in [try event(manager: "another"), try event(time: "2026-11-24T03:00:01Z")] {
            var standing = try standing()
            standing.note(changed)
            #expect(standing.known == nil)
        }
    }

    @Test("the time of transition is that of another status: it is kept when the condition is put back, and after a restart")
    func transition() throws {
        var standing = try standing()
        standing.note(try event([]))
        #expect(standing.since(condition, at: Self.noon) == Self.written)
        #expect(standing.since(.init(status: .yes, reason: "Paused", message: ""), at: Self.noon) == Self.written)
        #expect(standing.since(NodeRecord.stopped(.held).condition, at: Self.noon) == "2026-11-24T04:00:00Z")
        var new = StandingCondition()
        #expect(new.since(condition, at: Self.noon) == "2026-11-24T04:00:00Z")
        new.note(try listed("True"))
        #expect(new.known == condition)
        #expect(new.since(condition, at: Self.noon) == "2026-11-01T00:00:00Z")
        new.note(try listed("False", reason: "Stopped"))
        #expect(new.known == .init(status: .no, reason: "Stopped", message: "Limits are in force"))
        #expect(new.since(condition, at: Self.noon) == "2026-11-24T04:00:00Z")
        for nothing in [try listed(nil), try listed("Perhaps")] {
            new.note(nothing)
            #expect(new.known == nil)
            #expect(new.since(condition, at: Self.noon) == "2026-11-24T04:00:00Z")
        }
    }
}
