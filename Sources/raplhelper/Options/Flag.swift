/// The command line, one row per flag: parsing and `--help` come from it.
enum Flag: CaseIterable {
    case socket, socketMode, socketGroup, sysfs, powercapRoot, govern, stateDir, user, allowUID, allowGID, minPower, ceiling
    case leaseTime, onLeaseExpiry, readOnly, requireSandbox, discardState, bootStateDir, boot, list, format, check, release
    case logFormat, version, help

    struct Row {
        let name: StaticString
        /// What stands for it; empty for most.
        var short: StaticString = ""
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
            Row(
                name: "--powercap-root", value: "DIR",
                help: "the powercap tree, and without --sysfs nothing else [/sys/devices/virtual/powercap]")
        case .sysfs: Row(name: "--sysfs", value: "DIR", help: "where zones of every kind are looked for [/sys]")
        case .govern:
            Row(
                name: "--govern", value: "LIST",
                help: """
                    what may be limited, of intel-rapl, intel-rapl-mmio, amd_hsmp, arm-scmi, dtpm, gpu, power_meter and opal; \
                    everything else is measured [intel-rapl]
                    """)
        case .stateDir: Row(name: "--state-dir", value: "DIR", help: "where original limits are saved [/run/raplhelper]")
        case .user: Row(name: "--user", value: "USER", help: "uid and gid to become [those of raplhelper, or 65523]")
        case .allowUID: Row(name: "--allow-uid", value: "USER", help: "serve this user; repeatable [the invoking one]")
        case .allowGID: Row(name: "--allow-gid", value: "GROUP", help: "serve members of this group; repeatable")
        case .minPower:
            Row(name: "--min-power", value: "POWER", help: "lowest limit that is set, or the original if that is less [10W]")
        case .ceiling:
            Row(
                name: "--ceiling", value: "max-power|original",
                help: "highest limit: max_power_uw if that is more than the original, or the original [max-power]")
        case .leaseTime: Row(name: "--lease-time", value: "TIME", help: "how long a controller may be silent, 1s-1h [30s]")
        case .onLeaseExpiry:
            Row(name: "--on-lease-expiry", value: "fallback|restore|hold", help: "what becomes of its limits then [fallback]")
        case .readOnly: Row(name: "--read-only", value: nil, help: "never write; open every file for reading only")
        case .requireSandbox: Row(name: "--require-sandbox", value: nil, help: "exit if any privilege can't be given up")
        case .discardState:
            Row(name: "--discard-state", value: nil, help: "forget saved limits, also unreadable ones: today's are the originals")
        case .bootStateDir:
            Row(
                name: "--boot-state-dir", value: "DIR",
                help: "where fallback limits are saved for the next boot, which it must outlive [nowhere]")
        case .boot:
            Row(name: "--boot", value: nil, help: "bring them into force, where more is, and exit: for the start of a boot")
        case .list: Row(name: "--list", value: nil, help: "print the zones and exit")
        case .format: Row(name: "--format", short: "-o", value: "table|json", help: "how --list prints [table]")
        case .check: Row(name: "--check", value: nil, help: "exit 0 if the helper on --socket answers, 1 if not")
        case .release:
            Row(
                name: "--release", value: nil,
                help: "have the helper on --socket put every original limit back and forget fallback limits, and exit")
        case .logFormat: Row(name: "--log-format", value: "logfmt|json", help: "format of log lines [logfmt]")
        case .version: Row(name: "--version", short: "-V", value: nil, help: "print the version and exit")
        case .help: Row(name: "--help", short: "-h", value: nil, help: "print this and exit")
        }
    }

    /// The flag of this name; nil where there is none.
    init?(named name: String) {
        // As it was called before it took units.
        if name.isSame(as: "--lease-seconds") {
            self = .leaseTime
            return
        }
        for flag in Flag.allCases where name.isSame(as: flag.row.name) || (!name.utf8.isEmpty && name.isSame(as: flag.row.short))
        {
            self = flag
            return
        }
        return nil
    }

    /// The one that somebody who typed this meant, if one is close.
    static func nearest(to typed: String) -> Flag? {
        let typed = [UInt8](typed.utf8)
        var (best, distance): (Flag?, Int) = (nil, .max)
        if typed.count > 64 { return nil }
        for flag in Flag.allCases {
            let name = Message(stringLiteral: flag.row.name).bytes
            let candidate = editDistance(typed, name)
            if candidate <= max(2, name.count / 3) && candidate < distance { (best, distance) = (flag, candidate) }
        }
        return best
    }

    /// Levenshtein's: how many bytes to insert, remove or replace.
    private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = [Int](repeating: 0, count: right.count + 1)
        for j in 0...right.count { row[j] = j }
        for i in 0..<left.count {
            var diagonal = row[0]
            row[0] = i + 1
            for j in 0..<right.count {
                let change = diagonal + (left[i] == right[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(change, min(diagonal, row[j]) + 1)
            }
        }
        return row[right.count]
    }
}
