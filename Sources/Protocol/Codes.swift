/// What the helper has given up, as bits of Welcome.
public struct SandboxBits: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// PR_SET_DUMPABLE 0: nobody of the same uid can attach to it or read its memory (prctl(2)).
    public static let notDumpable = SandboxBits(rawValue: 1 << 0)
    /// PR_SET_NO_NEW_PRIVS: execve can't grant anything (prctl(2)).
    public static let noNewPrivileges = SandboxBits(rawValue: 1 << 1)
    /// No capability in the bounding set (capabilities(7)).
    public static let boundingSetEmpty = SandboxBits(rawValue: 1 << 2)
    /// No capability in the permitted, effective, inheritable and ambient sets.
    public static let capabilitiesEmpty = SandboxBits(rawValue: 1 << 3)
    /// Its uid isn't 0. A pod with every capability dropped can't change it: there this bit alone is missing.
    public static let unprivilegedUser = SandboxBits(rawValue: 1 << 4)
    /// A Landlock rule set without a single rule: no file can be opened (landlock(7)).
    public static let landlock = SandboxBits(rawValue: 1 << 5)
    /// A seccomp filter that kills the process at any call not on its list (seccomp(2)).
    public static let seccomp = SandboxBits(rawValue: 1 << 6)

    /// Every bit with its name, in order: the one list for logs, `status` and the document.
    public static var names: [(SandboxBits, StaticString)] {
        [
            (.notDumpable, "not-dumpable"), (.noNewPrivileges, "no-new-privileges"),
            (.boundingSetEmpty, "bounding-set-empty"), (.capabilitiesEmpty, "capabilities-empty"),
            (.unprivilegedUser, "unprivileged-user"), (.landlock, "landlock"), (.seccomp, "seccomp"),
        ]
    }
}

/// Whether the helper takes writes at all.
public enum WritePolicy: UInt8, CaseIterable, Sendable {
    case accepted = 0
    /// Started with `--read-only`.
    case readOnly = 1
    /// The saved originals can't be read; an operator has to decide (`--discard-state`).
    case stateUnreadable = 2
    /// The originals can't be saved, so nothing may be changed.
    case stateUnwritable = 3
}

/// What happens to the limits when the controller goes or stays silent.
public enum LimitDisposal: UInt8, CaseIterable, Sendable {
    case restore = 0
    case hold = 1
    /// The fallback limit comes into force where there is one, the original elsewhere. From version 3 on.
    case fallback = 2

    /// As a version has it: in version 2 nobody can set a fallback limit, and without one `fallback` is `restore`.
    public func asSpoken(in version: UInt8) -> LimitDisposal {
        self == .fallback && version < Greeting.fallbackVersion ? .restore : self
    }

    /// - Throws: `badValue` for a number that the version doesn't have.
    public static func decoded(_ raw: UInt8, version: UInt8) throws(ProtocolError) -> LimitDisposal {
        let disposal = try decoded(raw)
        guard disposal.asSpoken(in: version) == disposal else { throw .badValue }
        return disposal
    }
}

/// How this boot began, as bits of Welcome.
public struct BootBits: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `raplhelper --boot` brought every fallback limit that was saved into force before this boot's first helper started.
    public static let atFallback = BootBits(rawValue: 1 << 0)

    /// Every bit with its name, in order: the one list for logs, `status` and the document.
    public static var names: [(BootBits, StaticString)] { [(.atFallback, "at-fallback")] }
}

/// Why a Hello was refused.
public enum RefusalReason: UInt8, CaseIterable, Sendable {
    case noCommonVersion = 1
}

/// What is in the way of setting a constraint's limit. Where there is more than one thing, what the constraint itself
/// is comes before what the helper was told.
public enum Obstacle: UInt8, CaseIterable, Sendable {
    /// Limits from the floor to the ceiling are taken.
    case none = 0
    /// The helper takes no limits at all; Welcome's `writes` says why.
    case writesRefused = 1
    /// The constraint has no limit file: it can only be monitored.
    case noLimitFile = 2
    /// The limit couldn't be read when the helper started, so it could not be restored.
    case originalUnknown = 3
    /// Every limit that may be set is below `--min-power`.
    case ceilingBelowFloor = 4
    /// The driver refused the last limit as it does where firmware has set the register's lock bit. Known only once a limit was
    /// written; limits are taken all the same, and the first that succeeds ends it.
    case locked = 5
    case zoneGone = 6
    /// Another has the same control type and names. When their numbers change places, nothing says whose original is whose.
    case sameNames = 7
    /// The helper may not write to its files.
    case writeDenied = 8
    /// The helper wasn't told to govern what it is of (`--govern`). From version 3 on.
    case notGoverned = 9
    /// Its driver hasn't said yet what its limit is: it lets its caller wait, or its device sleeps or is being reset. From version 3 on.
    case unread = 10
    /// Its control type isn't one that the helper knows. From version 3 on.
    case unknownDriver = 11

    /// As a version has it: in version 2 what isn't opened for writing is what can't be, and what isn't known couldn't be read.
    public func asSpoken(in version: UInt8) -> Obstacle {
        if version >= Greeting.kindsVersion { return self }
        return switch self {
        case .notGoverned, .unknownDriver: .writeDenied
        case .unread: .originalUnknown
        default: self
        }
    }

    /// - Throws: `badValue` for a number that the version doesn't have.
    public static func decoded(_ raw: UInt8, version: UInt8) throws(ProtocolError) -> Obstacle {
        let obstacle = try decoded(raw)
        guard obstacle.asSpoken(in: version) == obstacle else { throw .badValue }
        return obstacle
    }

    /// Whether the helper tries to write a limit for it.
    public var takesLimits: Bool { self == .none || self == .locked }

    /// As in the document, for programs.
    public var name: StaticString {
        switch self {
        case .none: "none"
        case .writesRefused: "writesRefused"
        case .noLimitFile: "noLimitFile"
        case .originalUnknown: "originalUnknown"
        case .ceilingBelowFloor: "ceilingBelowFloor"
        case .locked: "locked"
        case .zoneGone: "zoneGone"
        case .sameNames: "sameNames"
        case .writeDenied: "writeDenied"
        case .notGoverned: "notGoverned"
        case .unread: "unread"
        case .unknownDriver: "unknownDriver"
        }
    }

    /// The words of lists and of the document.
    public var explanation: StaticString {
        switch self {
        case .none: "limits are taken"
        case .writesRefused: "the helper takes no limits"
        case .noLimitFile: "it has no limit file, so it can only be monitored"
        case .originalUnknown: "its limit can't be read, so it could not be restored"
        case .ceilingBelowFloor: "its ceiling is below the helper's floor (--min-power)"
        case .locked: "its register is locked: the driver refuses every limit"
        case .zoneGone: "its zone is gone"
        case .sameNames: "another has the same names, so nothing would say whose original limit is whose"
        case .writeDenied: "its files can't be opened for writing"
        case .notGoverned: "the helper wasn't started to govern its kind (--govern)"
        case .unread: "its driver hasn't said what its limit is, and is asked again"
        case .unknownDriver: "its control type isn't one that the helper knows"
        }
    }
}

/// Why a request could not be carried out. The numbers are stable.
public enum ErrorCode: UInt16, CaseIterable, Sendable {
    case readOnly = 1
    case stateUnreadable = 2
    case stateUnwritable = 3
    case controlHeld = 4
    case notInControl = 5
    case leaseOutOfRange = 6
    case unknownZone = 7
    case zoneGone = 8
    case unknownConstraint = 9
    case notWritable = 10
    case belowFloor = 11
    case aboveCeiling = 12
    case noTimeWindow = 13
    case windowOutOfRange = 14
    case duplicateItem = 15
    case readFailed = 16
    case writeFailed = 17
    case notInForce = 18
    case locked = 19
    case windowNotRestorable = 20
    case fallbackAboveLimit = 21
    case fallbackBelowFloor = 22
    case writePending = 23

    /// The short text of an Error frame.
    public var explanation: StaticString {
        switch self {
        case .readOnly: "the helper was started with --read-only"
        case .stateUnreadable: "the saved original limits can't be read; see the helper's log and --discard-state"
        case .stateUnwritable: "the original limits can't be saved, so no limit is changed; see the helper's log"
        case .controlHeld: "another controller holds control"
        case .notInControl: "the token isn't that of the controller in control; acquire control again"
        case .leaseOutOfRange: "a lease is longer than 0 ms"
        case .unknownZone: "there is no zone of this index"
        case .zoneGone: "the zone is gone (its package went offline or its driver was unloaded)"
        case .unknownConstraint: "the zone has no constraint of this index"
        case .notWritable: "no limit is taken for the constraint; Zones has what is in the way"
        case .belowFloor: "the limit is below the constraint's floor (--min-power, or its original limit where that is less)"
        case .aboveCeiling: "the limit is above the constraint's ceiling (--ceiling)"
        case .noTimeWindow: "the constraint has no time window"
        case .windowOutOfRange: "the time window is out of range (1 ms to 1 h)"
        case .duplicateItem: "the constraint is named twice in one batch"
        case .readFailed: "the limit can't be read, so it isn't changed"
        case .writeFailed: "the kernel refused the limit; what was written of the batch was put back"
        case .notInForce: "the kernel took the limit but it isn't in force; what was written of the batch was put back"
        case .windowNotRestorable: "the driver could not put the original time window back, so it isn't changed"
        case .fallbackAboveLimit: "the fallback limit is above the limit that is asked for"
        case .fallbackBelowFloor: "the fallback limit is below the constraint's floor (0 is none)"
        case .writePending: "another write to a limit of the zone is still under way"
        case .locked: "the register is locked: its driver refuses every limit; what was written of the batch was put back"
        }
    }
}
