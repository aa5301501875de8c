internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// How it stands with what a device was asked for: the one answer that log, Node, `status` and `check` give.
enum Standing: Equatable, Sendable {
    /// It is in force, or nothing was asked for yet.
    case asAsked
    /// What was asked for is on its way to the device.
    case pending
    /// Another register limits the package to less.
    case heldLower(InForce.Register)
    /// A register of this control type can't be read: what is in force isn't known.
    case unreadable(controlType: String, errno: UInt8)
    /// The zone is disabled: nothing of it is enforced.
    case disabled
    /// The driver refuses every limit.
    case locked
    /// The last limit was refused.
    case refused(ErrorCode)
    /// Another party's limit is left as it is.
    case left
    /// It isn't governed, and why.
    case ungoverned(String)

    /// Without the package's name.
    var words: String {
        switch self {
        case .asAsked: "as asked"
        case .pending: "being written"
        case .heldLower(let register): "\(register.controlType) holds it at \(register.limit?.words ?? "an unknown limit")"
        case .unreadable(let controlType, 0): "the limit of \(controlType) isn't known"
        case .unreadable(let controlType, let errno):
            "the limit of \(controlType) can't be read (\(Errno(Int32(errno)).name)), and might be the lowest"
        case .disabled: "disabled: its limits are not enforced"
        case .locked: "locked: its driver refuses every limit, as firmware has set it"
        case .refused(let code): "the limit was refused: \(code.explanation)"
        case .left: "another party's limit is left"
        case .ungoverned(let why): "not governed: \(why)"
        }
    }
}

extension Standing {
    /// What the registers themselves say of a package's constraint.
    init(of constraint: Constraint, _ zone: Zone, in zones: [Zone]) {
        let inForce = InForce(of: constraint.name, zone, in: zones, governed: zone.controlType)
        self =
            if !constraint.isGovernable {
                .ungoverned(constraint.obstacleWords)
            } else if constraint.obstacle == .locked {
                .locked
            } else if zone.isDisabled {
                .disabled
            } else if let register = inForce.unreadable.first {
                .unreadable(controlType: register.controlType, errno: register.errno)
            } else if let lower = inForce.lower {
                .heldLower(lower)
            } else {
                .asAsked
            }
    }
}

extension NodeLimits {
    /// What is in force for a package's long-term limit, and who holds it.
    func inForce(_ entry: Entry) -> InForce { inForce(entry.longTerm.name, entry) }

    func inForce(_ constraint: String, _ entry: Entry) -> InForce {
        guard let zone = zones.first(where: { $0.id == entry.device.zone }) else { return InForce() }
        return InForce(of: constraint, zone, in: zones, governed: zone.controlType)
    }

    /// What is in force for a limit that was written, or refused: the lowest of its registers. A zone's being disabled is told by itself.
    func inForce(_ change: Change) -> Microwatts? {
        let inForce = inForce(self[change].name, entries[change.entry])
        return inForce.unreadable.isEmpty ? inForce.lower?.limit ?? self[change].inForce : nil
    }

    /// What comes first is what an administrator has to know first.
    func standing(_ entry: Entry) -> Standing {
        guard let zone = zones.first(where: { $0.id == entry.device.zone }), let longTerm = zone.constraint(entry.longTerm.name)
        else { return .asAsked }
        if entry.longTerm.isPending { return .pending }
        let standing = Standing(of: longTerm, zone, in: zones)
        switch standing {
        case .asAsked, .heldLower:
            if let code = entry.longTerm.refusal ?? entry.shortTerm?.refusal { return .refused(code) }
            return entry.longTerm.isLeft || entry.shortTerm?.isLeft == true ? .left : standing
        default: return standing
        }
    }

    /// Its device sleeps, and isn't read so that it goes on sleeping.
    func isSuspended(_ entry: Entry) -> Bool { energyErrors[entry.device.zone] == .shutdown }
}

extension NodeLimits.Entry {
    /// Its register refuses every limit.
    var isLocked: Bool { longTerm.refusal == .locked }
}
