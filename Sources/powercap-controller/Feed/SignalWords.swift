internal import Signals
internal import Text

extension SignalProblem {
    /// What is wrong with what a service answers, or with a file of it: what follows its name in the sentence.
    var words: String {
        switch self {
        case .empty: "is empty: an answer has a JSON document"
        case .markup(let beginning):
            "begins with \(quoted(beginning)): that is a page or an XML document, perhaps one about an error, and no JSON: look at the address"
        case .notJSON(let offset): "is no JSON from byte \(offset + 1) on: it may be cut off, or be something else"
        case .tooLarge: "is larger, or nested deeper, than what is read (\(SignalReader.largest >> 20) MiB): ask for less"
        case .says(let text): "has no data: the answer says \(quoted(text))"
        case .manyValues(let count):
            "has \(count) values at SOURCE_VALUE, and none has a time: name one by its number or its name, or give SOURCE_TIME"
        case .notANumber(let place):
            "has an object or a list, and no number, at SOURCE_VALUE\(SignalProblem.of(place)): name what is in it"
        case .timeMissing(let place):
            "has a value without a time\(SignalProblem.of(place)): give a SOURCE_TIME whose wildcards stand for the same as SOURCE_VALUE's"
        case .notATime(let text, let place):
            "has \(quoted(text)) where SOURCE_TIME looks for a time\(SignalProblem.of(place)): give a path to times of ISO 8601, or to seconds or "
                + "milliseconds since 1970"
        case .twoValues(let seconds, let one, let other):
            "has two values of \(SignalProblem.time(seconds)), \(SignalProblem.number(one)) and \(SignalProblem.number(other)): name one of "
                + "them by a filter such as [?@.name=='text'], or keep one in the file"
        case .keyIsNoName:
            "has a list where SOURCE_TIME=key looks for an object whose members are named by their times: give a path"
        case .notADuration(let text):
            "has \(quoted(text)) where SOURCE_STEP looks for a length: give a path to a duration (PT15M) or a number of seconds"
        case .stepMissing: "counts its values from SOURCE_START, and nothing says how long each is: give SOURCE_STEP"
        case .startMissing: "has no time at SOURCE_START: give the path to the first value's"
        case .severalFromNow: "has several values from now on, which nobody can tell apart later: ask for one"
        case .noLength: "has one value with the time of its end, and nothing says how long it is: give SOURCE_STEP"
        case .line(let line, _): "has a mistake in line \(line)"
        case .noLines: "has no line with a value"
        }
    }

    private static func of(_ place: String) -> String { place.isEmpty ? "" : ", of \(place)" }

    private static func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "none" }
}
