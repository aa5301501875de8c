internal import Policy
internal import PowercapProtocol

/// An option of the configuration: a variable of the environment, and a flag which wins over it.
struct Option: Sendable {
    let variable: String
    let flag: String
    let words: ValueWords
    let help: String
    /// Reads a text into the option's field.
    let read: @Sendable (String, inout Configuration) throws(ValueProblem) -> Void
    /// The field as a text that reads back as the same value.
    let show: @Sendable (Configuration) -> String

    /// The default, which is the field's initial value.
    var standard: String { show(Configuration()) }

    /// A field of the configuration: gives it to whoever reads or sets it. A key path would say the same, and the types of so many take a
    /// millisecond to be made at every start.
    typealias Field<Value> = @Sendable (inout Configuration, (inout Value) -> Void) -> Void

    /// - Parameter flag: where it is not the variable's name in kebab-case.
    init<Value>(
        _ variable: String, flag: String? = nil, _ field: @escaping Field<Value>, _ kind: ValueKind<Value>, _ help: String
    ) {
        self.variable = variable
        self.flag = flag ?? "--" + variable.lowercased().split(separator: "_").joined(separator: "-")
        self.words = kind.words
        self.help = help
        read = { text, configuration throws(ValueProblem) in
            let value = try kind.parse(text)
            field(&configuration) { $0 = value }
        }
        show = { configuration in
            var (copy, text) = (configuration, "")
            field(&copy) { text = kind.show($0) }
            return text
        }
    }
}
