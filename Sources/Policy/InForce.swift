public import PowercapProtocol

/// What is in force for one constraint of a device (P4, P13): the lowest of every register that limits it, whatever control type it
/// belongs to. Of a package `intel-rapl` is governed; `intel-rapl-mmio` and others limit the same package. This is the one place
/// that knows them together: whoever says what is in force, or who holds it, has it from here.
public struct InForce: Equatable, Sendable {
    /// One way in which the hardware is told a limit.
    public struct Register: Equatable, Sendable {
        /// `intel-rapl`, `intel-rapl-mmio`, …
        public let controlType: String
        /// nil where it can't be read.
        public let limit: Microwatts?
        /// Why not.
        public let errno: UInt8
        /// It doesn't limit anything. Firmware may have locked such a register, which looks the same.
        let isDisabled: Bool
        /// The one that is set.
        var isGoverned = false
    }

    /// The control type of a package whose registers are set, where nobody says otherwise.
    public static let governed = "intel-rapl"

    /// The governed one first, the others as the helper lists them.
    let registers: [Register]

    public init(registers: [Register] = []) {
        self.registers = registers.filter(\.isGoverned) + registers.filter { !$0.isGoverned }
    }

    /// Of a package.
    /// - Parameters:
    ///   - name: the package zone's name, `package-0`.
    ///   - governed: the control type whose register is set.
    public init(of constraint: String, package name: String, in zones: [Zone], governed: String = InForce.governed) {
        self.init(
            registers: zones.compactMap { zone in
                zone.name == name ? Register(constraint, of: zone, isGoverned: zone.controlType == governed) : nil
            })
    }

    /// Of any zone's limit: a package has other registers beside it, and everything else has this one alone.
    public init(of constraint: String, _ zone: Zone, in zones: [Zone], governed: String = InForce.governed) {
        if zone.isPackage {
            self.init(of: constraint, package: zone.name, in: zones, governed: governed)
        } else {
            self.init(registers: [Register(constraint, of: zone, isGoverned: true)].compactMap { $0 })
        }
    }

    /// nil where it isn't known, because a register can't be read, and where there is none that limits.
    public var limit: Microwatts? { unreadable.isEmpty ? holder?.limit : nil }

    /// The register with the lowest limit; of several the governed one. As far as they can be read.
    public var holder: Register? {
        registers.filter { !$0.isDisabled && $0.limit != nil }.min { $0.limit! < $1.limit! }
    }

    /// Another register than the governed one has a lower limit than that.
    public var lower: Register? { holder.flatMap { $0.isGoverned ? nil : $0 } }

    /// Those that limit, nobody knows how far.
    public var unreadable: [Register] { registers.filter { !$0.isDisabled && $0.limit == nil } }

    /// The limits of several packages together; nil where one isn't known.
    public static func sum(_ limits: [InForce]) -> Microwatts? {
        limits.reduce(Microwatts?.some(.zero)) { sum, next in sum.flatMap { sum in next.limit.map { sum + $0 } } }
    }
}

extension InForce.Register {
    /// nil of a zone that is gone, or has no such limit.
    fileprivate init?(_ name: String, of zone: Zone, isGoverned: Bool) {
        guard !zone.isGone, let constraint = zone.constraint(name), constraint.obstacle != .noLimitFile else { return nil }
        self.init(
            controlType: zone.controlType, limit: constraint.powerLimit, errno: constraint.readErrno,
            isDisabled: zone.isDisabled || zone.isOff(constraint), isGoverned: isGoverned)
    }
}
