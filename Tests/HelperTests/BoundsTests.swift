import LinuxSystem
import PowercapProtocol
import Testing

@testable import raplhelper

@Suite("P3: what a limit may be")
struct BoundsTests {
    /// A constraint of an open zone; its files exist and are never used.
    private func constraint(
        original_uw: UInt64?, maxPower_uw: UInt64, hasWindow: Bool = true, window_us: UInt64 = 999_424,
        isOpenForWriting: Bool = true
    ) throws -> Constraint {
        let constraint = Constraint(
            index: 0, name: Name(constant: "long_term"), maxPower: Microwatts(maxPower_uw),
            limit: Attribute(try Descriptor(opening: "/dev/null", .read)),
            window: hasWindow ? Attribute(try Descriptor(opening: "/dev/null", .read)) : nil, isOpenForWriting: isOpenForWriting)
        constraint.original = original_uw.map { Constraint.Setting(limit: Microwatts($0), window_us: window_us) }
        return constraint
    }

    private func zone(_ constraint: Constraint) -> Zone {
        Zone(
            index: 0, parent: nil, identity: .sample("intel-rapl:0", ["package-0"]), path: "", maxEnergyRange: Microjoules(0),
            constraints: [constraint])
    }

    private func refusal(
        _ limit_uw: UInt64, of constraint: Constraint, _ rule: Options.CeilingRule = .maxPower, window_us: UInt64? = nil
    ) -> ErrorCode? {
        Bounds(minPower: Microwatts(10_000_000), ceilingRule: rule).refusal(
            of: ApplyItem(zone: 0, constraint: 0, limit: Microwatts(limit_uw), window_us: window_us), zone: zone(constraint),
            constraint: constraint)
    }

    /// What the constraint reads, and the ceiling by either rule.
    struct CeilingCase: CustomTestStringConvertible {
        let testDescription: String
        let original_uw: UInt64
        let maxPower_uw: UInt64
        let byMaxPower_uw: UInt64
        let byOriginal_uw: UInt64

        init(_ what: String, original: UInt64, max: UInt64, byMaxPower: UInt64, byOriginal: UInt64) {
            (testDescription, original_uw, maxPower_uw) = (what, original, max)
            (byMaxPower_uw, byOriginal_uw) = (byMaxPower, byOriginal)
        }
    }

    static let ceilings = [
        CeilingCase("TDP", original: 150_000_000, max: 150_000_000, byMaxPower: 150_000_000, byOriginal: 150_000_000),
        CeilingCase(
            "a laptop set above its TDP", original: 35_000_000, max: 28_000_000, byMaxPower: 35_000_000, byOriginal: 35_000_000),
        CeilingCase("200 W over 28 W", original: 200_000_000, max: 28_000_000, byMaxPower: 200_000_000, byOriginal: 200_000_000),
        CeilingCase(
            "left capped by another tool", original: 40_000_000, max: 150_000_000, byMaxPower: 150_000_000, byOriginal: 40_000_000
        ),
        CeilingCase("max_power_uw 0 or absent", original: 150_000_000, max: 0, byMaxPower: 150_000_000, byOriginal: 150_000_000),
        CeilingCase("dram without a limit", original: 0, max: 41_250_000, byMaxPower: 41_250_000, byOriginal: 0),
        CeilingCase("core", original: 0, max: 0, byMaxPower: 0, byOriginal: 0),
        CeilingCase(
            "psys, which has no max_power_uw", original: 400_000_000, max: 0, byMaxPower: 400_000_000, byOriginal: 400_000_000),
        CeilingCase("beyond the register", original: .max, max: 0, byMaxPower: 4_095_875_000, byOriginal: 4_095_875_000),
        CeilingCase("max_power_uw beyond the register", original: 1, max: .max, byMaxPower: 4_095_875_000, byOriginal: 1),
        CeilingCase(
            "exactly the register", original: 4_095_875_000, max: 0, byMaxPower: 4_095_875_000, byOriginal: 4_095_875_000),
    ]

    @Test("the ceiling follows the rule and ends at the register", arguments: ceilings)
    func ceiling(_ row: CeilingCase) throws {
        let constraint = try constraint(original_uw: row.original_uw, maxPower_uw: row.maxPower_uw)
        for (rule, ceiling_uw) in [(Options.CeilingRule.maxPower, row.byMaxPower_uw), (.original, row.byOriginal_uw)] {
            #expect(Bounds(minPower: Microwatts(1), ceilingRule: rule).ceiling(of: constraint) == Microwatts(ceiling_uw))
            if ceiling_uw < 10_000_000 {
                #expect(refusal(10_000_000, of: constraint, rule) == .notWritable)
            } else {
                #expect(refusal(ceiling_uw, of: constraint, rule) == nil)
                #expect(refusal(ceiling_uw + 1, of: constraint, rule) == .aboveCeiling)
            }
        }
    }

    @Test(
        "the floor holds",
        arguments: [
            (0, .belowFloor), (1, .belowFloor), (124_999, .belowFloor), (9_999_999, .belowFloor), (10_000_000, nil),
            (150_000_000, nil), (150_000_001, .aboveCeiling), (4_096_000_000, .aboveCeiling), (.max, .aboveCeiling),
        ] as [(UInt64, ErrorCode?)])
    func floor(_ limit_uw: UInt64, _ code: ErrorCode?) throws {
        let constraint = try constraint(original_uw: 150_000_000, maxPower_uw: 150_000_000)
        #expect(refusal(limit_uw, of: constraint) == code)
    }

    /// What firmware holds, and the lowest limit that is taken beside --min-power 10W.
    static let floors: [(original_uw: UInt64, floor_uw: UInt64)] = [
        (150_000_000, 10_000_000), (10_000_000, 10_000_000), (9_999_999, 9_875_000), (9_000_000, 9_000_000),
        (9_062_500, 9_000_000), (125_000, 125_000),
        // Below one step: nobody has set it.
        (124_999, 10_000_000), (0, 10_000_000),
    ]

    @Test("the floor is the smaller of --min-power and the original", arguments: floors)
    func floor(_ row: (original_uw: UInt64, floor_uw: UInt64)) throws {
        let constraint = try constraint(original_uw: row.original_uw, maxPower_uw: 15_000_000)
        #expect(refusal(row.floor_uw, of: constraint) == nil)
        #expect(refusal(row.floor_uw - 1, of: constraint) == .belowFloor)
        let described = bounds.description(of: constraint, in: zone(constraint), takesLimits: true)
        #expect(described.floor == Microwatts(row.floor_uw) && described.obstacle == .none)
    }

    private var bounds: Bounds { Bounds(minPower: Microwatts(10_000_000), ceilingRule: .maxPower) }

    @Test("P4: what is in the way of a limit is named, and what the constraint is comes before what the helper was told")
    func obstacles() throws {
        func obstacle(_ constraint: Constraint, takesLimits: Bool = true) -> Obstacle {
            let obstacle = bounds.obstacle(of: constraint, in: zone(constraint), takesLimits: takesLimits)
            // Asked for, it is refused in the same cases.
            if takesLimits && !obstacle.takesLimits { #expect(refusal(20_000_000, of: constraint) == .notWritable) }
            return obstacle
        }
        let governed = try constraint(original_uw: 10_000_000, maxPower_uw: 0)
        #expect(obstacle(governed) == .none)
        #expect(obstacle(governed, takesLimits: false) == .writesRefused)
        let small = try constraint(original_uw: 6_000_000, maxPower_uw: 6_000_000)
        #expect(obstacle(small) == .ceilingBelowFloor)
        #expect(obstacle(small, takesLimits: false) == .ceilingBelowFloor)
        #expect(obstacle(try constraint(original_uw: 9_999_999, maxPower_uw: 0)) == .ceilingBelowFloor)
        #expect(obstacle(try constraint(original_uw: 0, maxPower_uw: 0)) == .ceilingBelowFloor)
        #expect(obstacle(try constraint(original_uw: nil, maxPower_uw: 150_000_000)) == .originalUnknown)
        let withoutFile = Constraint(
            index: 0, name: Name(constant: "long_term"), maxPower: Microwatts(150_000_000), limit: nil, window: nil,
            isOpenForWriting: true)
        withoutFile.original = Constraint.Setting(limit: Microwatts(150_000_000), window_us: 0)
        #expect(obstacle(withoutFile) == .noLimitFile)
        let locked = try constraint(original_uw: 150_000_000, maxPower_uw: 0)
        locked.isLocked = true
        #expect(obstacle(locked) == .locked)
        // It is tried all the same: only a write can tell that it isn't any more.
        #expect(refusal(20_000_000, of: locked) == nil)
        let gone = zone(locked)
        _ = gone.noting(.noDevice)
        #expect(bounds.obstacle(of: locked, in: gone) == .zoneGone)
        #expect(
            refusal(20_000_000, of: try constraint(original_uw: 150_000_000, maxPower_uw: 0, isOpenForWriting: false))
                == .notWritable)
    }

    @Test("of several obstacles the constraint's own numbers come before what was found at the start, and that before a lock")
    func order() throws {
        let governed = try constraint(original_uw: 150_000_000, maxPower_uw: 150_000_000)
        let small = try constraint(original_uw: 6_000_000, maxPower_uw: 6_000_000)
        let unknown = try constraint(original_uw: nil, maxPower_uw: 150_000_000)
        for found in [Obstacle.sameNames, .writeDenied] {
            for constraint in [governed, small, unknown] { (constraint.obstacle, constraint.isLocked) = (found, true) }
            for takesLimits in [true, false] {
                func obstacle(_ constraint: Constraint) -> Obstacle {
                    bounds.obstacle(of: constraint, in: zone(constraint), takesLimits: takesLimits)
                }
                #expect(obstacle(governed) == found)
                #expect(obstacle(small) == .ceilingBelowFloor)
                #expect(obstacle(unknown) == .originalUnknown)
            }
            #expect(refusal(20_000_000, of: governed) == .notWritable)
        }
    }

    @Test(
        "time windows are from a millisecond to an hour",
        arguments: [
            (0, .windowOutOfRange), (999, .windowOutOfRange), (1_000, nil), (3_600_000_000, nil),
            (3_600_000_001, .windowOutOfRange), (.max, .windowOutOfRange),
        ] as [(UInt64, ErrorCode?)])
    func windows(_ window_us: UInt64, _ code: ErrorCode?) throws {
        let constraint = try constraint(original_uw: 150_000_000, maxPower_uw: 0)
        #expect(refusal(20_000_000, of: constraint, window_us: window_us) == code)
        let without = try self.constraint(original_uw: 150_000_000, maxPower_uw: 0, hasWindow: false)
        #expect(refusal(20_000_000, of: without, window_us: window_us) == .noTimeWindow)
        // peak_power: a file that can't be read, or reads 0. What it was couldn't be put back.
        let unknown = try self.constraint(original_uw: 150_000_000, maxPower_uw: 0, window_us: 0)
        #expect(refusal(20_000_000, of: unknown, window_us: window_us) == .noTimeWindow)
        #expect(
            !bounds.description(of: unknown, in: zone(unknown), takesLimits: true).flags.contains(.hasTimeWindow))
    }

    @Test("what isn't there is named: the zone, the gone zone, the constraint")
    func absent() throws {
        let bounds = Bounds(minPower: Microwatts(10_000_000), ceilingRule: .maxPower)
        let constraint = try constraint(original_uw: 150_000_000, maxPower_uw: 0)
        let item = ApplyItem(zone: 0, constraint: 0, limit: Microwatts(20_000_000))
        #expect(bounds.refusal(of: item, zone: nil, constraint: nil) == .unknownZone)
        #expect(bounds.refusal(of: item, zone: zone(constraint), constraint: nil) == .unknownConstraint)
        let gone = zone(constraint)
        _ = gone.noting(.noDevice)
        #expect(bounds.refusal(of: item, zone: gone, constraint: constraint) == .zoneGone)
    }

    @Test("no accepted limit is below the floor, above both the original and max_power_uw, or outside the register")
    func property() throws {
        var random = SplitMix(seed: 1)
        let interesting: [UInt64] = [0, 1, 9_999_999, 10_000_000, 10_000_001, 41_250_000, 4_095_875_000, 4_095_875_001, .max]
        func value() -> UInt64 {
            Bool.random(using: &random)
                ? interesting.randomElement(using: &random)! : .random(in: 0...500_000_000, using: &random)
        }
        var accepted = 0
        for _ in 0..<20_000 {
            let (original, maximum, floor, limit) = (value(), value(), value(), value())
            let rule: Options.CeilingRule = Bool.random(using: &random) ? .maxPower : .original
            let constraint = try constraint(original_uw: original, maxPower_uw: maximum)
            let bounds = Bounds(minPower: Microwatts(floor), ceilingRule: rule)
            let item = ApplyItem(zone: 0, constraint: 0, limit: Microwatts(limit))
            guard bounds.refusal(of: item, zone: zone(constraint), constraint: constraint) == nil else { continue }
            accepted += 1
            // Firmware may hold less than --min-power.
            #expect(limit >= floor || limit >= Microwatts(original).roundedDown.rawValue && original >= 125_000)
            #expect(limit <= (rule == .original ? original : max(original, maximum)))
            #expect(limit <= Microwatts.registerMaximum.rawValue)
        }
        #expect(accepted > 1_000)
    }
}
