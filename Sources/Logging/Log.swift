internal import LinuxSystem
internal import Text

/// Log lines on standard error, one per event: logfmt, or an object of JSON.
public struct Log: Sendable {
    let format: LogFormat
    let level: LogLevel
    var head = Head.time
    /// Takes a line without waiting, or loses it: the limits matter more than who reads of them.
    var output: @Sendable ([UInt8]) -> Void = LogStream.write
    /// How many lines were lost since it was asked last.
    var takeLost: @Sendable () -> UInt64 = LogStream.takeLost

    public init(format: LogFormat, level: LogLevel, head: Head = .time) {
        (self.format, self.level, self.head) = (format, level, head)
    }

    /// For tests: lines go to `output`.
    init(
        format: LogFormat, level: LogLevel, head: Head = .time, output: @escaping @Sendable ([UInt8]) -> Void,
        takeLost: @escaping @Sendable () -> UInt64 = { 0 }
    ) {
        self.init(format: format, level: level, head: head)
        (self.output, self.takeLost) = (output, takeLost)
    }

    /// What stands before a line.
    public enum Head: Sendable {
        case time
        /// The journal has a time of its own, and takes a line's importance from `<N>` (sd-daemon(3)).
        case priority

        /// - Parameter journal: JOURNAL_STREAM, which says what the journal's stream is. It is inherited also where standard error was
        ///   redirected since, so that only the stream itself counts (systemd.exec(5)).
        public init(journal: String?, standardError: (device: UInt64, inode: UInt64)?) {
            guard let journal, let (device, inode) = standardError, journal == "\(device):\(inode)" else {
                self = .time
                return
            }
            self = .priority
        }
    }

    /// What a field holds.
    public enum Value: Sendable {
        case text(String)
        case number(UInt64)
        case flag(Bool)
        /// What couldn't be read.
        case unknown
    }

    /// A name and what it stands for. Their order is kept.
    public typealias Field = (name: String, value: Value)

    /// Something that was to be done wasn't, and somebody has to look at it.
    public func error(_ message: String, _ fields: Field...) { error(message, fields) }
    /// As above.
    public func error(_ message: String, _ fields: [Field]) { write(.error, message, fields) }
    /// Something that is not as it should be, and is dealt with.
    public func warning(_ message: String, _ fields: Field...) { warning(message, fields) }
    /// As above.
    public func warning(_ message: String, _ fields: [Field]) { write(.warning, message, fields) }
    /// Something that changed.
    public func info(_ message: String, _ fields: Field...) { info(message, fields) }
    /// As above.
    public func info(_ message: String, _ fields: [Field]) { write(.info, message, fields) }
    /// What only somebody who looks for a fault wants to know. Nothing of it is computed where it isn't logged.
    public func debug(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> [Field] = []) {
        if isLogged(.debug) { write(.debug, message(), fields()) }
    }

    /// Whether lines of this importance are written.
    public func isLogged(_ level: LogLevel) -> Bool { level.rank <= self.level.rank }

    /// To be called now and then: whoever reads again is told what he missed.
    /// - Returns: how many lines that is.
    @discardableResult
    public func tellLost() -> UInt64 {
        let lost = takeLost()
        if lost > 0 {
            warning(
                "log lines were lost: nobody read them, or they could not be written", ("lines", .number(lost)))
        }
        return lost
    }

    private func write(_ level: LogLevel, _ message: String, _ fields: [Field]) {
        guard isLogged(level) else { return }
        output(Log.line(format, level, message, fields, at: Clock.local(Clock.wall.seconds), head).bytes)
    }

    /// The line as it is written, with its newline.
    static func line(
        _ format: LogFormat, _ level: LogLevel, _ message: String, _ fields: [Field], at time: Clock.Local, _ head: Head = .time
    ) -> Output {
        var output = Output()
        if head == .priority { output.append("<\(level.priority)>") }
        switch format {
        case .logfmt:
            if head == .time {
                output.append("time=")
                output.append(time)
                output.append(" ")
            }
            output.append("level=\(level.rawValue) msg=")
            output.append(json: message)
            for field in fields {
                output.append(" \(field.name)=")
                field.value.append(to: &output, isJSON: false)
            }
        case .json:
            output.append("{")
            if head == .time {
                output.append("\"time\":\"")
                output.append(time)
                output.append("\",")
            }
            output.append("\"level\":\"\(level.rawValue)\",\"msg\":")
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
        case .text(let given):
            let text = given.shortened(to: Log.longestText)
            let isPlain =
                !text.isEmpty
                && text.unicodeScalars.allSatisfy {
                    $0.isPrintable && $0 != " " && $0 != "\"" && $0 != "=" && $0 != "\\"
                }
            if isPlain && !isJSON { output.append(text) } else { output.append(json: text) }
        }
    }
}

extension Log {
    /// Of a field, in bytes: a line stays within what the stream takes, whoever had a hand in it.
    fileprivate static let longestText = 1_000
}

/// How a line is written.
public enum LogFormat: String, CaseIterable, Sendable { case logfmt, json }

/// How important a line is, the most important first.
public enum LogLevel: String, CaseIterable, Sendable { case error, warning, info, debug }

extension LogLevel {
    fileprivate var rank: Int { Self.allCases.firstIndex(of: self)! }

    /// syslog(3)'s.
    fileprivate var priority: Int {
        switch self {
        case .error: 3
        case .warning: 4
        case .info: 6
        case .debug: 7
        }
    }
}

extension Output {
    /// RFC 3339, with the zone's offset: `2026-06-21T12:00:00+02:00`.
    fileprivate mutating func append(_ time: Clock.Local) {
        append(year: time.year, month: time.month, day: time.day)
        append("T")
        append(hour: time.hour, minute: time.minute)
        append(":")
        append(time.second, digits: 2)
        append(offset_s: time.offset_s)
    }
}
