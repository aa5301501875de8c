import Testing

@testable import JSON
@testable import Kubernetes

struct LabelSelectorTests {
    private func selector(_ json: JSON) throws -> LabelSelector { try LabelSelector(JSONField(top: json)) }

    @Test("an empty selector chooses everything", arguments: ["{}", #"{"matchLabels":{}}"#, #"{"matchExpressions":[]}"#])
    func everything(text: String) throws {
        let selector = try selector(JSON(Array(text.utf8)))
        #expect(selector.matches([:]) && selector.matches(["a": "b"]))
        #expect(selector == .everything)
    }

    /// As labels.Requirement.Matches of k8s.io/apimachinery has it.
    @Test(
        "each operator says of a label that has a value, has another, or isn't there what Kubernetes says",
        arguments: [
            ("In", ["4", "5"], [true, false, false]), ("NotIn", ["4", "5"], [false, true, true]),
            ("Exists", [], [true, true, false]), ("DoesNotExist", [], [false, false, true]),
        ] as [(String, [String], [Bool])])
    func operators(word: String, values: [String], wanted: [Bool]) throws {
        let term: JSON = ["key": "rack", "operator": .text(word), "values": .list(values.map { .text($0) })]
        let selector = try selector(["matchExpressions": [term]])
        #expect([["rack": "4"], ["rack": "6"], ["row": "4"]].map(selector.matches) == wanted)
    }

    @Test("all that is asked for has to be so")
    func all() throws {
        let term: JSON = ["key": "gpu", "operator": "DoesNotExist"]
        let selector = try selector(["matchLabels": ["rack": "4", "row": "b"], "matchExpressions": [term]])
        #expect(selector.matches(["rack": "4", "row": "b", "other": "x"]))
        #expect(!selector.matches(["rack": "4"]))
        #expect(!selector.matches(["rack": "4", "row": "b", "gpu": ""]))
    }

    @Test(
        "what makes no sense is refused with its member's name",
        arguments: [
            (#"{"matchLabels":{"a":5}}"#, "matchLabels.a is of another type"),
            (#"{"matchLabels":["a"]}"#, "matchLabels is of another type"),
            (#"{"matchExpressions":[{"operator":"In"}]}"#, "matchExpressions[0].key is missing"),
            (#"{"matchExpressions":[{"key":"a","operator":"Is"}]}"#, "matchExpressions[0].operator is an unknown word"),
            (#"{"matchExpressions":[{"key":"a","operator":"In"}]}"#, "matchExpressions[0].values is missing: In needs some"),
            (
                #"{"matchExpressions":[{"key":"a","operator":"Exists","values":["b"]}]}"#,
                "matchExpressions[0].values is not for Exists"
            ),
            ("5", "the top is of another type"),
        ])
    func nonsense(text: String, words: String) throws {
        #expect(throws: JSONField.Problem(words: words)) { try selector(JSON(Array(text.utf8))) }
    }
}
