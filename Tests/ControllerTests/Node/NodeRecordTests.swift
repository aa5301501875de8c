import LinuxSystem
import PowercapProtocol
import Testing

@testable import JSON
@testable import Policy
@testable import powercap_controller

struct NodeRecordTests {
    private static let noon = Clock.Wall(seconds: 1_795_492_800)

    private func node(labels: [String: String] = [:], annotations: [String: String] = [:]) -> NodeMetadata {
        func object(_ texts: [String: String]) -> JSON { .object(texts.map { JSON.Member($0, .text($1)) }) }
        return NodeMetadata([
            "metadata": [
                "name": "node-a", "uid": "1", "resourceVersion": "7", "labels": object(labels),
                "annotations": object(annotations),
            ]
        ])!
    }

    /// A Node as it is with what a record says.
    private func node(showing record: NodeRecord) -> NodeMetadata {
        var annotations = record.annotations.compactMapValues { $0 }
        annotations["powercap.dev/changed"] = record.effectiveLimit == nil ? nil : "2026-11-24T03:00:00Z"
        return node(labels: record.labels.compactMapValues { $0 }, annotations: annotations)
    }

    private func changes(to record: NodeRecord, on node: NodeMetadata) -> NodeChanges {
        NodeChanges(to: record, on: node, at: Self.noon)
    }

    // MARK: Changes

    @Test("a Node that shows nothing gets everything, in the order of the keys")
    func first() throws {
        let found = changes(to: .test(), on: node(labels: ["a": "b"], annotations: ["powercap.dev/limit": "90W"]))
        #expect(
            String(decoding: found.patch.bytes, as: UTF8.self)
                == #"{"metadata":{"labels":{"rapl/max_power_uw":"200000000","rapl/pmax":"100000000"},"annotations":{"#
                + #""power-manager/initialized":"true","powercap.dev/changed":"2026-11-24T04:00:00Z","#
                + #""powercap.dev/effective-limit":"100 W","powercap.dev/reason":"source","powercap.dev/source":"static","#
                + #""powercap.dev/state":"managed"}}}"#)
        #expect(
            found.words
                == "rapl/max_power_uw=200000000,rapl/pmax=100000000,power-manager/initialized=true,"
                + "powercap.dev/changed=2026-11-24T04:00:00Z,powercap.dev/effective-limit=100 W,"
                + "powercap.dev/reason=source,powercap.dev/source=static,powercap.dev/state=managed")
    }

    @Test("P10: a Node that shows it already gets nothing, whatever else stands there")
    func nothing() {
        for record: NodeRecord in [.test(), .uncontrolled(.solar), .stopped(.restored)] {
            let node = node(showing: record)
            #expect(changes(to: record, on: node).isEmpty)
            let more = self.node(
                labels: node.labels.merging(["a": "b"]) { $1 },
                annotations: node.annotations.merging(["powercap.dev/paused": "true", "other": "x"]) { $1 })
            #expect(changes(to: record, on: more).isEmpty)
        }
    }

    @Test("only what differs is written, and the time of change only with the limit")
    func differing() {
        let node = node(showing: .test())
        let other = changes(to: .test { $0.reason = "floor" }, on: node)
        #expect(other.labels.isEmpty)
        #expect(other.annotations == ["powercap.dev/reason": "floor"])
        let less = changes(to: .test(90), on: node)
        #expect(less.labels == ["rapl/pmax": "90000000"])
        #expect(
            less.annotations == ["powercap.dev/effective-limit": "90 W", "powercap.dev/changed": "2026-11-24T04:00:00Z"])
    }

    @Test("what isn't known any more is removed, with the time of its change")
    func removed() {
        let found = changes(to: .uncontrolled(.constant), on: node(showing: .test()))
        #expect(found.labels == ["rapl/pmax": nil, "rapl/max_power_uw": nil])
        #expect(
            found.annotations == [
                "powercap.dev/effective-limit": nil, "powercap.dev/changed": nil, "powercap.dev/reason": nil,
                "powercap.dev/state": "uncontrolled",
            ])
        #expect(found.words.hasPrefix("rapl/max_power_uw=,rapl/pmax=,powercap.dev/changed=,"))
    }

    @Test("on a clean end the Node isn't managed any more, and only that is left")
    func stopped() {
        let found = changes(to: .stopped(.restored), on: node(showing: .test()))
        #expect(found.annotations["power-manager/initialized"] == .some(nil))
        #expect(found.annotations["powercap.dev/state"] == "stopped")
        let kept = (NodeRecord.Label.all + NodeRecord.Annotation.all).filter { key in
            NodeRecord.stopped(.held).labels[key, default: nil] != nil
                || NodeRecord.stopped(.held).annotations[key, default: nil] != nil
        }
        #expect(kept == ["powercap.dev/state"])
        let messages: [(Ending, String)] = [
            (.restored, "The controller has ended: the original limits are back"),
            (.held, "The controller has ended: the limits stay as they were"),
            (.foreign, "The controller has ended: limits that another party set are left as they are"),
            (.incomplete, "The controller has ended: not every original limit could be restored, see the helper's log"),
            (
                .abandoned,
                "The controller has ended: control could not be given back, and the helper deals with the limits by itself"
            ),
        ]
        for (ending, message) in messages { #expect(NodeRecord.stopped(ending).condition.message == message) }
    }

    @Test("the removal takes away every key that any record writes, and no other")
    func removal() {
        var written: Set<String> = ["powercap.dev/changed"]
        for record: NodeRecord in [.test(), .uncontrolled(.solar), .stopped(.restored)] {
            written.formUnion(record.labels.keys)
            written.formUnion(record.annotations.keys)
        }
        let removal = NodeChanges.removal
        #expect(Set(removal.labels.keys).union(removal.annotations.keys) == written)
        #expect(removal.labels.values.allSatisfy { $0 == nil } && removal.annotations.values.allSatisfy { $0 == nil })
        #expect(written.isDisjoint(with: NodeOverride.keys))
    }

    @Test("a state of an object is older than another by its number, and nobody knows where there is none or another object")
    func older() {
        func node(_ version: String, _ uid: String = "1") -> NodeMetadata {
            NodeMetadata(["metadata": ["uid": .text(uid), "resourceVersion": .text(version)]])!
        }
        #expect(node("9").isOlder(than: node("10")))
        #expect(!node("10").isOlder(than: node("9")))
        #expect(!node("9").isOlder(than: node("9")))
        #expect(!node("9").isOlder(than: node("10", "2")))
        #expect(!node("x").isOlder(than: node("10")))
        #expect(NodeMetadata(["metadata": ["uid": "1"]]) == nil)
        #expect(NodeMetadata([:]) == nil)
    }

    @Test("a condition is merged by its type, and says since when it has its status")
    func conditionPatch() {
        #expect(
            String(decoding: NodeRecord.test().condition.patch(at: Self.noon, since: "2026-11-23T00:00:00Z").bytes, as: UTF8.self)
                == #"{"status":{"conditions":[{"type":"PowerCapped","status":"True","reason":"LimitInForce","#
                + #""message":"Limits are in force","lastHeartbeatTime":"2026-11-24T04:00:00Z","#
                + #""lastTransitionTime":"2026-11-23T00:00:00Z"}]}}"#)
        #expect(
            String(decoding: Condition.removal.bytes, as: UTF8.self)
                == #"{"status":{"conditions":[{"type":"PowerCapped","$patch":"delete"}]}}"#)
    }
}
