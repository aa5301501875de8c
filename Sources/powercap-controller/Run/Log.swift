internal import LinuxSystem
internal import PowercapProtocol

/// Log lines on standard error, one per event: logfmt, or an object of JSON.
struct Log: Sendable {
    let format: LogFormat
    let level: LogLevel
    /// Where nobody reads standard error there is nobody to tell; the limits matter more.
    var output: @Sendable ([UInt8]) -> Void = { try? StandardStream.error.writeAll($0) }

    /// What a field holds.
    enum Value: Sendable {
        case text(String)
        case number(UInt64)
        case flag(Bool)
        /// What couldn't be read.
        case unknown
    }

    typealias Field = (name: String, value: Value)

    func error(_ message: String, _ fields: Field...) { error(message, fields) }
    func error(_ message: String, _ fields: [Field]) { write(.error, message, fields) }
    func warning(_ message: String, _ fields: Field...) { write(.warning, message, fields) }
    func info(_ message: String, _ fields: Field...) { info(message, fields) }
    func info(_ message: String, _ fields: [Field]) { write(.info, message, fields) }
    func debug(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> [Field] = []) {
        if isLogged(.debug) { write(.debug, message(), fields()) }
    }

    func isLogged(_ level: LogLevel) -> Bool { level.rank <= self.level.rank }

    private func write(_ level: LogLevel, _ message: String, _ fields: [Field]) {
        guard isLogged(level) else { return }
        output(Log.line(format, level, message, fields, at: .now).bytes)
    }

    /// The line as it is written, with its newline.
    static func line(
        _ format: LogFormat, _ level: LogLevel, _ message: String, _ fields: [Field], at moment: Moment
    ) -> Output {
        var output = Output()
        switch format {
        case .logfmt:
            output.append("time=")
            output.append(moment)
            output.append(" level=\(level.rawValue) msg=")
            output.append(json: message)
            for field in fields {
                output.append(" \(field.name)=")
                field.value.append(to: &output, isJSON: false)
            }
        case .json:
            output.append("{\"time\":\"")
            output.append(moment)
            output.append("\",\"level\":\"\(level.rawValue)\",\"msg\":")
            output.append(json: message)
            for field in fields {
                output.append(",\"\(field.name)\":")
                field.value.append(to: &output, isJSON: true)
            }
            output.append("}")
        }
        output.append("\n")
        return output
    }
}

extension Log.Value {
    fileprivate func append(to output: inout Output, isJSON: Bool) {
        switch self {
        case .number(let number): output.append(number)
        case .flag(let flag): output.append(flag ? "true" : "false")
        case .unknown: output.append(isJSON ? "null" : "unknown")
        case .text(let text):
            let isPlain =
                !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D && $0 != 0x5C && $0 != 0x7F }
            if isPlain && !isJSON { output.append(text) } else { output.append(json: text) }
        }
    }

    static func power(_ power: Microwatts?) -> Log.Value { power.map { .number($0.rawValue) } ?? .unknown }
}

extension LogLevel {
    fileprivate var rank: Int { Self.allCases.firstIndex(of: self)! }
}
