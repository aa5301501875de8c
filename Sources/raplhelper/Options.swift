import LinuxSystem
import PowercapProtocol

/// The command line, one row per flag: parsing and `--help` come from it.
enum Flag: CaseIterable {
    case socket, socketMode, socketGroup, powercapRoot, stateDir, user, allowUID, allowGID, minPower, ceiling
    case leaseSeconds, onLeaseExpiry, readOnly, requireSandbox, discardState, list, format, check, version, help

    struct Row {
        let name: StaticString
        /// What its value is; nil for a flag without one.
        let value: StaticString?
        let help: StaticString
    }

    var row: Row {
        switch self {
        case .socket:
            Row(name: "--socket", value: "PATH", help: "where controllers connect [/run/powercap/raplhelper.sock]")
        case .socketMode: Row(name: "--socket-mode", value: "MODE", help: "the socket's mode, octal [0660]")
        case .socketGroup: Row(name: "--socket-group", value: "GROUP", help: "the socket's group [the helper's own]")
        case .powercapRoot:
            Row(name: "--powercap-root", value: "DIR", help: "the powercap tree [/sys/devices/virtual/powercap]")
        case .stateDir: Row(name: "--state-dir", value: "DIR", help: "where original limits are saved [/run/raplhelper]")
        case .user: Row(name: "--user", value: "UID", help: "uid and gid to become [those of raplhelper, or 65523]")
        case .allowUID: Row(name: "--allow-uid", value: "UID", help: "serve this uid; repeatable [the invoking uid]")
        case .allowGID: Row(name: "--allow-gid", value: "GROUP", help: "serve this group, a number or a name; repeatable")
        case .minPower: Row(name: "--min-power", value: "POWER", help: "no limit below this is ever written [10W]")
        case .ceiling:
            Row(
                name: "--ceiling", value: "max-power|original",
                help: "highest limit: the larger of max_power_uw and the original, or the original [max-power]")
        case .leaseSeconds:
            Row(name: "--lease-seconds", value: "N", help: "how long a controller may be silent, 1-3600 [30]")
        case .onLeaseExpiry:
            Row(name: "--on-lease-expiry", value: "restore|hold", help: "what becomes of its limits then [restore]")
        case .readOnly: Row(name: "--read-only", value: nil, help: "never write; open every file for reading only")
        case .requireSandbox: Row(name: "--require-sandbox", value: nil, help: "exit if any privilege can't be given up")
        case .discardState:
            Row(name: "--discard-state", value: nil, help: "forget saved limits, also unreadable ones: today's are the originals")
        case .list: Row(name: "--list", value: nil, help: "print the zones and exit")
        case .format: Row(name: "--format", value: "table|json", help: "how --list prints [table]")
        case .check: Row(name: "--check", value: nil, help: "exit 0 if the helper on --socket answers, 1 if not")
        case .version: Row(name: "--version", value: nil, help: "print the version and exit")
        case .help: Row(name: "--help", value: nil, help: "print this and exit")
        }
    }
}

/// How the helper was asked to run.
struct Options {
    enum Action { case serve, list(json: Bool), check, version, help }
    enum CeilingRule { case maxPower, original }

    var action = Action.serve
    var socketPath = "/run/powercap/raplhelper.sock"
    var socketMode: UInt32 = 0o660
    var socketGroup: UInt32?
    var powercapRoot = "/sys/devices/virtual/powercap"
    var stateDirectory = "/run/raplhelper"
    /// Nil: the helper's own user.
    var user: UInt32?
    var allowedUIDs: [UInt32] = []
    var allowedGIDs: [UInt32] = []
    var minPower = Microwatts(10_000_000)
    var ceilingRule = CeilingRule.maxPower
    var leaseSeconds: UInt32 = 30
    var onLeaseExpiry = LimitDisposal.restore
    var readOnly = false
    var requireSandbox = false
    var discardState = false

    /// A command line that isn't understood: the sentence names flag, value and what would be valid.
    struct UsageError: Error { let sentence: Message }

    init() {}

    /// - Throws: the first thing that is wrong. Nothing has been touched then.
    init(parsing arguments: [String], groupFile: String = AccountFile.groups) throws(UsageError) {
        var index = 0
        var listing = false
        var format: String?
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            let (name, inlineValue) = Options.splitAtEquals(argument)
            guard let flag = Flag.allCases.first(where: { name.isSame(as: $0.row.name) }) else {
                throw UsageError(sentence: "unknown flag \(argument); raplhelper --help lists them")
            }
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
            case .powercapRoot: powercapRoot = try Options.path(flag, value)
            case .stateDir: stateDirectory = try Options.path(flag, value)
            case .user: user = try Options.identifier(flag, value)
            case .allowUID: allowedUIDs.append(try Options.identifier(flag, value))
            case .allowGID: allowedGIDs.append(try Options.group(flag, value, groupFile))
            case .minPower: minPower = try Options.power(flag, value)
            case .ceiling: ceilingRule = try Options.choice(flag, value, ("max-power", .maxPower), ("original", .original))
            case .leaseSeconds:
                leaseSeconds = UInt32(try Options.number(flag, value, 1...3600, "a whole number of seconds, 1 to 3600"))
            case .onLeaseExpiry: onLeaseExpiry = try Options.choice(flag, value, ("restore", .restore), ("hold", .hold))
            case .readOnly: readOnly = true
            case .requireSandbox: requireSandbox = true
            case .discardState: discardState = true
            case .list: listing = true
            case .format: format = try Options.choice(flag, value, ("table", "table"), ("json", "json"))
            case .check: action = .check
            case .version: action = .version
            case .help: action = .help
            }
        }
        if listing { action = .list(json: format.map { $0.isSame(as: "json") } ?? false) }
        if format != nil && !listing { throw UsageError(sentence: "--format goes with --list only") }
        if readOnly && discardState { throw UsageError(sentence: "--read-only and --discard-state contradict each other") }
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

    private static func number(
        _ flag: Flag, _ value: String, _ range: ClosedRange<UInt64>, _ valid: Message
    ) throws(UsageError) -> UInt64 {
        let bytes = [UInt8](value.utf8)
        guard !bytes.contains(UInt8(ascii: ".")), let number = decimal(bytes.span, shiftedBy: 0), range.contains(number) else {
            throw refuse(flag, value, valid)
        }
        return number
    }

    /// A uid or gid; 2^32-1 means "no change" to the kernel (setresuid(2)) and is therefore not one.
    private static func identifier(_ flag: Flag, _ value: String) throws(UsageError) -> UInt32 {
        UInt32(try number(flag, value, 0...UInt64(UInt32.max - 1), "a numeric id, 0 to 4294967294"))
    }

    /// A gid, or the name of a group. What begins with a digit is a number.
    private static func group(_ flag: Flag, _ value: String, _ groupFile: String) throws(UsageError) -> UInt32 {
        guard let first = value.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= first) else {
            return try identifier(flag, value)
        }
        switch AccountFile.id(of: value, in: groupFile) {
        case .id(let gid): return gid
        case .unknownName:
            throw refuse(flag, value, "a numeric gid, or the name of a group in \(groupFile) (groupadd --system makes one)")
        case .unreadable(let errno):
            throw refuse(flag, value, "a numeric gid: \(groupFile) can't be read (\(errno))")
        }
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
        _ flag: Flag, _ value: String, _ first: (StaticString, Value), _ second: (StaticString, Value)
    ) throws(UsageError) -> Value {
        if value.isSame(as: first.0) { return first.1 }
        if value.isSame(as: second.0) { return second.1 }
        throw refuse(flag, value, "\(first.0) or \(second.0)")
    }

    /// What `--help` prints.
    static var help: Message {
        var text: Message = """
            usage: raplhelper [flags]
            Opens the node's RAPL zones, gives up every privilege, and sets the power limits that a controller asks for.

            flags:

            """
        for flag in Flag.allCases {
            var left: Message = "  \(flag.row.name)"
            if let value = flag.row.value { left += " \(value)" }
            repeat { left += " " } while left.bytes.count < 32
            text += "\(left)\(flag.row.help)\n"
        }
        text += """

            exit status: 0 stopped and limits restored; 1 failed; 2 command line not understood; 75 zones came or went, or the
            saved state was removed: start again

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
