import PowercapProtocol
import Testing

@testable import Policy

/// P13: the lowest of every register that limits the same package and constraint.
struct InForceTests {
    /// A package zone with a long-term limit in watts; nil where it can't be read.
    private func zone(
        _ controlType: String, _ limit: UInt64?, name: String = "package-0", enabled: Bool? = true, gone: Bool = false,
        obstacle: Obstacle = .none
    ) -> Zone {
        let constraint = Constraint(
            index: 0, name: "long_term", powerLimit: limit.map { .watts($0) }, readErrno: limit == nil ? 61 : 0,
            floor: .watts(1), ceiling: .watts(400), obstacle: obstacle)
        return Zone(
            id: "\(controlType):0", parent: nil, controlType: controlType, name: name, enabled: enabled, isGone: gone,
            constraints: [constraint])
    }

    private func expect(
        _ zones: [Zone], _ limit: UInt64?, _ holder: String?, _ location: SourceLocation = #_sourceLocation
    ) {
        // Whatever the order in which the helper finds them.
        for zones in [zones, zones.reversed()] {
            let inForce = InForce(of: "long_term", package: "package-0", in: zones)
            #expect(inForce.limit == limit.map { .watts($0) }, sourceLocation: location)
            #expect(inForce.holder?.controlType == holder, sourceLocation: location)
        }
    }

    @Test("the lowest counts, and who holds it is known")
    func lowest() {
        let msr = zone("intel-rapl", 110)
        expect([msr], 110, "intel-rapl")
        expect([msr, zone("intel-rapl-mmio", 45)], 45, "intel-rapl-mmio")
        expect([msr, zone("intel-rapl-mmio", 200)], 110, "intel-rapl")
        expect([msr, zone("intel-rapl-mmio", 110)], 110, "intel-rapl")
        expect([msr, zone("intel-rapl-mmio", 60), zone("some-later-one", 50)], 50, "some-later-one")
    }

    @Test("another package's registers, and other constraints, don't count")
    func others() {
        expect([zone("intel-rapl", 110), zone("intel-rapl-mmio", 45, name: "package-1")], 110, "intel-rapl")
        var psys = zone("intel-rapl", 20, name: "psys")
        expect([zone("intel-rapl", 110), psys], 110, "intel-rapl")
        psys = zone("intel-rapl-mmio", 45)
        let inForce = InForce(of: "short_term", package: "package-0", in: [zone("intel-rapl", 110), psys])
        #expect(inForce.registers.isEmpty && inForce.limit == nil)
    }

    @Test("a register that can't be read might be the lowest: then nothing is known, and which it is")
    func unreadable() {
        expect([zone("intel-rapl", 110), zone("intel-rapl-mmio", nil)], nil, "intel-rapl")
        expect([zone("intel-rapl", nil), zone("intel-rapl-mmio", 45)], nil, "intel-rapl-mmio")
        let inForce = InForce(
            of: "long_term", package: "package-0", in: [zone("intel-rapl", 110), zone("intel-rapl-mmio", nil)])
        #expect(inForce.unreadable.map(\.controlType) == ["intel-rapl-mmio"])
        #expect(inForce.unreadable.map(\.errno) == [61])
    }

    @Test("a disabled register limits nothing, also where it can't be read; one that is gone isn't there")
    func disabled() {
        expect([zone("intel-rapl", 110), zone("intel-rapl-mmio", 45, enabled: false)], 110, "intel-rapl")
        expect([zone("intel-rapl", 110), zone("intel-rapl-mmio", nil, enabled: false)], 110, "intel-rapl")
        expect([zone("intel-rapl", 110, enabled: false), zone("intel-rapl-mmio", 45)], 45, "intel-rapl-mmio")
        expect([zone("intel-rapl", 110, enabled: false)], nil, nil)
        expect([zone("intel-rapl", 110), zone("intel-rapl-mmio", 45, gone: true)], 110, "intel-rapl")
        expect([zone("intel-rapl", 110, enabled: nil), zone("intel-rapl-mmio", 45, enabled: nil)], 45, "intel-rapl-mmio")
    }

    @Test("a locked register reads as disabled, and counts; one without a limit file doesn't")
    func obstacles() {
        expect([zone("intel-rapl", 150, enabled: false, obstacle: .locked)], 150, "intel-rapl")
        expect([zone("intel-rapl", 110), zone("intel-rapl-mmio", nil, obstacle: .noLimitFile)], 110, "intel-rapl")
    }

    @Test("P8: the sum over packages is of what is in force, and unknown where one is")
    func sum() {
        let zones = [
            zone("intel-rapl", 110), zone("intel-rapl-mmio", 45), zone("intel-rapl", 80, name: "package-1"),
            zone("intel-rapl-mmio", 90, name: "package-1"), zone("intel-rapl", nil, name: "package-2"),
        ]
        func inForce(_ names: String...) -> [InForce] { names.map { InForce(of: "long_term", package: $0, in: zones) } }
        #expect(InForce.sum(inForce("package-0", "package-1")) == .watts(125))
        #expect(InForce.sum(inForce("package-0", "package-2")) == nil)
        #expect(InForce.sum([]) == .zero)
    }
}
