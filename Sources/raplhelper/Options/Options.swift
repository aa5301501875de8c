import LinuxSystem
import PowercapProtocol

/// How the helper was asked to run.
struct Options {
    enum Action { case serve, list(json: Bool), check, release, boot, version, help }
    enum CeilingRule { case maxPower, original }

    var action = Action.serve
    var socketPath = "/run/powercap/raplhelper.sock"
    var socketMode: UInt32 = 0o660
    var socketGroup: UInt32?
    /// Where devices, classes and firmware are looked for.
    var sysfs = "/sys"
    /// Nil: below `sysfs`. Given alone, zones are looked for nowhere else.
    var powercapRoot: String?
    private(set) var isSysfsGiven = false
    var governed = GovernedKinds(.rapl)
    var stateDirectory = "/run/raplhelper"
    /// Nil: the helper's own user.
    var user: UInt32?
    var allowedUIDs: [UInt32] = []
    var allowedGIDs: [UInt32] = []
    var minPower = Microwatts(10_000_000)
    var ceilingRule = CeilingRule.maxPower
    var leaseTime_ms: UInt32 = 30_000
    /// Without a fallback limit that is `restore`.
    var onLeaseExpiry = LimitDisposal.fallback
    var readOnly = false
    var requireSandbox = false
    var discardState = false
    /// Nil: fallback limits don't outlive a boot.
    var bootStateDirectory: String?
    var logFormat = Log.Format.logfmt

    /// For messages: what was asked for.
    var rootPath: String { powercapRoot ?? sysfs }

    /// A command line that isn't understood: the sentence names flag, value and what would be valid.
    struct UsageError: Error { let sentence: Message }

    init() {}

    /// - Throws: the first thing that is wrong. Nothing has been touched then.
    init(
        parsing arguments: [String], userFile: String = AccountFile.users, groupFile: String = AccountFile.groups
    ) throws(UsageError) {
        var index = 0
        var listing = false
        var format: String?
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            let (name, inlineValue) = Options.splitAtEquals(argument)
            guard let flag = Flag(named: name) else { throw Options.unknown(argument, name) }
            var value = ""
            if let placeholder = flag.row.value {
                if let inlineValue {
                    value = inlineValue
                } else if index < arguments.count {
                    value = arguments[index]
                    index += 1
                } else {
                    throw UsageError(sentence: "\(flag.row.name) needs a value: \(placeholder)")
                }
            } else if inlineValue != nil {
                throw UsageError(sentence: "\(flag.row.name) takes no value, but was given \(argument)")
            }
            switch flag {
            case .socket: socketPath = try Options.path(flag, value)
            case .socketMode: socketMode = try Options.mode(flag, value)
            case .socketGroup: socketGroup = try Options.group(flag, value, groupFile)
            case .sysfs: (sysfs, isSysfsGiven) = (try Options.path(flag, value), true)
            case .powercapRoot: powercapRoot = try Options.path(flag, value)
            case .govern:
                guard let kinds = GovernedKinds(parsing: value) else {
                    throw Options.refuse(flag, value, "one or more of \(GovernedKinds.words), with commas between them")
                }
                governed = kinds
            case .stateDir: stateDirectory = try Options.path(flag, value)
            case .user: user = try Options.user(flag, value, userFile)
            case .allowUID: allowedUIDs.append(try Options.user(flag, value, userFile))
            case .allowGID: allowedGIDs.append(try Options.group(flag, value, groupFile))
            case .minPower: minPower = try Options.power(flag, value)
            case .ceiling: ceilingRule = try Options.choice(flag, value, ("max-power", .maxPower), ("original", .original))
            case .leaseTime: leaseTime_ms = try Options.time(flag, value)
            case .onLeaseExpiry:
                onLeaseExpiry = try Options.choice(
                    flag, value, ("fallback", .fallback), ("restore", .restore), ("hold", .hold))
            case .readOnly: readOnly = true
            case .requireSandbox: requireSandbox = true
            case .discardState: discardState = true
            case .bootStateDir: bootStateDirectory = try Options.path(flag, value)
            case .boot: action = .boot
            case .list: listing = true
            case .format: format = try Options.choice(flag, value, ("table", "table"), ("json", "json"))
            case .check: action = .check
            case .release: action = .release
            case .logFormat: logFormat = try Options.choice(flag, value, ("logfmt", .logfmt), ("json", .json))
            case .version: action = .version
            case .help: action = .help
            }
        }
        if listing { action = .list(json: format.map { $0.isSame(as: "json") } ?? false) }
        if format != nil && !listing { throw UsageError(sentence: "--format goes with --list only") }
        if readOnly && discardState { throw UsageError(sentence: "--read-only and --discard-state contradict each other") }
        if let bootStateDirectory, bootStateDirectory.utf8.elementsEqual(stateDirectory.utf8) {
            throw UsageError(
                sentence: "--boot-state-dir and --state-dir are the same: the one has to outlive a boot, the other must not")
        }
        if case .boot = action, readOnly || discardState {
            throw UsageError(
                sentence: "--boot writes what is saved: \(readOnly ? "--read-only" : "--discard-state") contradicts it")
        }
        if allowedUIDs.isEmpty && allowedGIDs.isEmpty { allowedUIDs = [Process.uid] }
    }

    private static func splitAtEquals(_ argument: String) -> (name: String, value: String?) {
        let bytes = [UInt8](argument.utf8)
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { return (argument, nil) }
        return (String(decoding: bytes[..<equals], as: UTF8.self), String(decoding: bytes[(equals + 1)...], as: UTF8.self))
    }

    private static func refuse(_ flag: Flag, _ value: String, _ valid: Message) -> UsageError {
        UsageError(sentence: "\(flag.row.name)=\"\(value)\" isn't valid: give \(valid)")
    }

    private static func path(_ flag: Flag, _ value: String) throws(UsageError) -> String {
        guard let first = value.utf8.first, first == UInt8(ascii: "/"), value.utf8.count <= 100 else {
            throw refuse(flag, value, "an absolute path of at most 100 bytes")
        }
        return value
    }

    /// The user's or group's number. What begins with a digit is one; 2^32-1 means "no change" to the kernel (setresuid(2)), and
    /// is therefore none.
    private static func identifier(
        _ flag: Flag, _ value: String, _ file: String, _ number: StaticString, _ kind: StaticString, _ maker: StaticString
    ) throws(UsageError) -> UInt32 {
        if let first = value.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= first) {
            switch AccountFile.id(of: value, in: file) {
            case .id(let id): return id
            case .unknownName:
                throw refuse(flag, value, "a numeric \(number), or the name of a \(kind) in \(file) (\(maker) makes one)")
            case .unreadable(let errno):
                throw refuse(flag, value, "a numeric \(number): \(file) can't be read (\(errno))")
            }
        }
        let bytes = [UInt8](value.utf8)
        guard let id = wholeNumber(bytes.span), id < UInt32.max else {
            throw refuse(flag, value, "a numeric \(number), 0 to 4294967294, or the name of a \(kind)")
        }
        return UInt32(id)
    }

    private static func user(_ flag: Flag, _ value: String, _ file: String) throws(UsageError) -> UInt32 {
        try identifier(flag, value, file, "uid", "user", "useradd --system")
    }

    private static func group(_ flag: Flag, _ value: String, _ file: String) throws(UsageError) -> UInt32 {
        try identifier(flag, value, file, "gid", "group", "groupadd --system")
    }

    /// As the controller reads times: without a unit, seconds.
    private static func time(_ flag: Flag, _ value: String) throws(UsageError) -> UInt32 {
        let bytes = [UInt8](value.utf8)
        let end = bytes.firstIndex { !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || $0 == UInt8(ascii: ".")) } ?? bytes.count
        let unit = String(decoding: bytes[end...], as: UTF8.self)
        let units: [(name: StaticString, places: Int, count: UInt64)] = [
            ("", 3, 1), ("ms", 0, 1), ("s", 3, 1), ("m", 3, 60), ("min", 3, 60), ("h", 3, 3_600),
        ]
        for known in units where unit.isSame(as: known.name) {
            // Decimals of a minute or an hour only as far as they are whole milliseconds of it.
            guard let thousandths = decimal(bytes.span.extracting(0..<end), shiftedBy: known.places) else { break }
            let (time_ms, overflow) = thousandths.multipliedReportingOverflow(by: known.count)
            if !overflow && 1_000...3_600_000 ~= time_ms { return UInt32(time_ms) }
        }
        throw refuse(flag, value, "a time from 1s to 1h, in seconds or with ms, s, m or h")
    }

    private static func unknown(_ argument: String, _ name: String) -> UsageError {
        var sentence: Message = "\"\(argument)\" is not an option: "
        if let nearest = Flag.nearest(to: name) {
            sentence += "did you mean \(nearest.row.name)?"
        } else {
            sentence += "`raplhelper --help` lists them"
        }
        return UsageError(sentence: sentence)
    }

    private static func mode(_ flag: Flag, _ value: String) throws(UsageError) -> UInt32 {
        var mode: UInt32 = 0
        for byte in value.utf8 {
            guard UInt8(ascii: "0")...UInt8(ascii: "7") ~= byte, mode <= 0o777 else {
                throw refuse(flag, value, "an octal mode, 0600 to 0777")
            }
            mode = mode * 8 + UInt32(byte - UInt8(ascii: "0"))
        }
        guard 0o600...0o777 ~= mode else { throw refuse(flag, value, "an octal mode, 0600 to 0777") }
        return mode
    }

    private static func power(_ flag: Flag, _ value: String) throws(UsageError) -> Microwatts {
        let bytes = [UInt8](value.utf8)
        guard let power = Microwatts(parsing: bytes.span), Microwatts(1_000_000)...Microwatts.registerMaximum ~= power else {
            throw refuse(flag, value, "a power from 1W to 4095.875W, in microwatts or with uW, mW, W or kW")
        }
        return power
    }

    private static func choice<Value>(
        _ flag: Flag, _ value: String, _ first: (StaticString, Value), _ second: (StaticString, Value),
        _ third: (StaticString, Value)? = nil
    ) throws(UsageError) -> Value {
        if value.isSame(as: first.0) { return first.1 }
        if value.isSame(as: second.0) { return second.1 }
        if let third {
            if value.isSame(as: third.0) { return third.1 }
            throw refuse(flag, value, "\(first.0), \(second.0) or \(third.0)")
        }
        throw refuse(flag, value, "\(first.0) or \(second.0)")
    }

    /// What `--help` prints, at most 80 columns wide.
    static var help: Message {
        var text: Message = """
            Usage: raplhelper [flags]

            Opens the node's power zones, gives up every privilege, and sets the limits that
            a controller asks for.

            Flags:

            """
        for flag in Flag.allCases {
            var left: Message = "  "
            if flag.row.short.utf8CodeUnitCount > 0 { left += "\(flag.row.short), " }
            left += "\(flag.row.name)"
            if let value = flag.row.value { left += " \(value)" }
            if left.bytes.count > 31 {
                text += "\(left)\n"
                left = ""
            }
            repeat { left += " " } while left.bytes.count < 32
            text += left
            text.append(Message(stringLiteral: flag.row.help), gap: 1, column: 32, indent: 32, width: 80)
            text += "\n"
        }
        text += """

            A power is a plain number of microwatts, or has a unit: uW, mW, W, kW. A time is
            a plain number of seconds, or has one: ms, s, m, h. USER and GROUP are names of
            /etc/passwd and /etc/group, or numbers.

            Exit status: 0 stopped and limits restored, 1 failure, 2 bad usage (nothing was
            touched), 75 zones came or went, or the saved state was removed (start it
            again).

            """
        return text
    }
}

extension String {
    /// Equality byte by byte: `==` needs the Unicode tables, which the helper doesn't carry.
    func isSame(as other: StaticString) -> Bool {
        guard utf8.count == other.utf8CodeUnitCount else { return false }
        return other.withUTF8Buffer { unsafe utf8.elementsEqual($0) }
    }
}
