import LinuxSystem

/// One line per event on stderr, without a time stamp: journald and container runtimes add theirs.
enum Log {
    enum Format { case logfmt, json }
    enum Level {
        case error, warning, info

        var name: StaticString {
            switch self {
            case .error: "error"
            case .warning: "warning"
            case .info: "info"
            }
        }

        /// syslog(3)'s number.
        var priority: StaticString {
            switch self {
            case .error: "3"
            case .warning: "4"
            case .info: "6"
            }
        }
    }

    // SAFETY: both are set before anything is logged, by the only thread.
    nonisolated(unsafe) static var format = Format.logfmt
    /// Standard error is the journal, which takes a line's importance from `<N>` before it (sd-daemon(3)).
    nonisolated(unsafe) static var isJournal = false

    /// - Parameter stream: JOURNAL_STREAM, which says what the journal's stream is. It is inherited also where standard error was
    ///   redirected since, so that only the stream itself counts (systemd.exec(5)).
    static func isJournal(_ stream: String?, _ error: (device: UInt64, inode: UInt64)?) -> Bool {
        guard let stream, let error else { return false }
        let own: Message = "\(error.device):\(error.inode)"
        return stream.utf8.elementsEqual(own.bytes)
    }

    static func info(_ message: StaticString, _ fields: Message = "") { write(.info, message, fields) }
    static func warning(_ message: StaticString, _ fields: Message = "") { write(.warning, message, fields) }
    static func error(_ message: StaticString, _ fields: Message = "") { write(.error, message, fields) }

    static func write(_ level: Level, _ message: StaticString, _ fields: Message) {
        emit(event(level, message, fields))
    }

    /// The line as it is written, with its newline.
    static func event(_ level: Level, _ message: StaticString, _ fields: Message) -> Message {
        "\(head(level))\(unsafe line(format, level, "\(message)", fields))\n"
    }

    private static func head(_ level: Level) -> Message { unsafe isJournal ? "<\(level.priority)>" : "" }

    /// A sentence for the person who started the program; used where it exits instead of serving.
    static func sentence(_ text: Message) {
        let shown = unsafe format == .json ? line(.json, .error, text, "") : "raplhelper: \(text)"
        emit("\(head(.error))\(shown)\n")
    }

    /// - Parameter fields: as logfmt has them, from which JSON is made.
    static func line(_ format: Format, _ level: Level, _ message: Message, _ fields: Message) -> Message {
        switch format {
        case .logfmt:
            let space: StaticString = fields.isEmpty ? "" : " "
            return "level=\(level.name) msg=\"\(message)\"\(space)\(fields)"
        case .json:
            var line: Message = "{\"level\":\"\(level.name)\",\"msg\":"
            line.append(json: message.bytes.span)
            line.append(jsonOfLogfmt: fields.bytes.span)
            return line + "}"
        }
    }

    // SAFETY: the helper has one thread. Tests that log from several count wrongly, at worst.
    nonisolated(unsafe) private static var stream = LogStream()

    private static func emit(_ line: Message) { unsafe stream.write(line) }
}

/// Standard error, which may be something that nobody reads. A line that it doesn't take at once is dropped and counted: waiting
/// for a reader that has stopped would keep a lease from expiring.
struct LogStream {
    private var dropped = 0
    /// What was taken of the last line ends in the middle of it.
    private var isCut = false

    mutating func write(_ line: Message) {
        if dropped > 0 {
            let start: StaticString = isCut ? "\n" : ""
            let event = Log.event(.warning, "log lines were dropped: nobody read them", "dropped=\(dropped)")
            guard put("\(start)\(event)") else {
                dropped += 1
                return
            }
            dropped = 0
        }
        if !put(line) { dropped += 1 }
    }

    /// - Returns: whether all of it was taken. A pipe that poll(2) calls writable takes 4096 bytes at once (pipe(7)), a stream
    ///   socket a quarter of its buffer (unix(7)); a terminal may take less, and has to refuse the rest (`unblockError`).
    private mutating func put(_ line: Message) -> Bool {
        guard (try? StandardStream.error.wait(forWrite: true, milliseconds: 0)) == true,
            let count = try? StandardStream.error.write(line.bytes.span)
        else { return false }
        if count > 0 { isCut = count < line.bytes.count }
        return count == line.bytes.count
    }
}

/// At most `burst` lines a minute of what a peer can cause at will; the rest are counted and told with the next line.
struct LogBudget {
    let burst: Int
    private var windowEnd_ns: UInt64 = 0
    private var used = 0
    private var suppressed = 0

    init(burst: Int = 10) { self.burst = burst }

    mutating func info(_ message: StaticString, _ fields: Message) { write(.info, message, fields) }
    mutating func warning(_ message: StaticString, _ fields: Message) { write(.warning, message, fields) }
    mutating func error(_ message: StaticString, _ fields: Message) { write(.error, message, fields) }

    @inline(never)
    mutating func write(_ level: Log.Level, _ message: StaticString, _ fields: Message) {
        if let more = take(Clock.monotonic_ns) { Log.write(level, message, fields + more) }
    }

    /// The fields to add to the line (how many were left out), or nil when this line must be left out too.
    mutating func take(_ now_ns: UInt64) -> Message? {
        if now_ns >= windowEnd_ns {
            windowEnd_ns = now_ns + 60_000_000_000
            used = 0
        }
        guard used < burst else {
            suppressed += 1
            return nil
        }
        used += 1
        defer { suppressed = 0 }
        return suppressed == 0 ? "" : " suppressed=\(suppressed)"
    }
}
