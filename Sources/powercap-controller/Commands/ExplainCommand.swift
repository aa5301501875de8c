internal import JSON
internal import Text

extension JSON {
    /// Of the controller's document: the limits are in force, as the Node's condition would say.
    var isInForce: Bool { self["condition"]?["status"]?.text == Condition.Status.yes.rawValue }
}

/// `powercap-controller explain`: the exit status, 1 where what was asked for isn't in force, or nobody can say.
func explainCommand(settings: Settings) -> Int32 {
    do throws(ControlClient.Problem) {
        let document = try ControlClient(settings.configuration).get("/status")
        let explanation = document["explanation"]
        let status = printing { output in
            output.append(sentence: explanation?["answer"]?.text ?? "-")
            for (title, name) in [("Why", "because"), ("Next", "next")] {
                output.append("\n\(title):\n")
                for sentence in explanation?[name]?.elements ?? [] {
                    output.append(sentence: sentence.text ?? "-", behind: "  - ")
                }
            }
        }
        return max(status, document.isInForce ? 0 : 1)
    } catch {
        complain(error.sentence)
        return 1
    }
}
