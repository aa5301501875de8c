import PowercapProtocol
import Testing

@Suite struct UnitsTests {
    @Test(
        arguments: [
            (0, 0, 0), (1, 0, 125_000), (124_999, 0, 125_000), (125_000, 125_000, 125_000),
            (101_000_001, 101_000_000, 101_125_000),
            (UInt64.max, 18_446_744_073_709_500_000, UInt64.max),
        ] as [(UInt64, UInt64, UInt64)])
    func `a power is rounded to the register's step`(_ value: UInt64, _ down: UInt64, _ up: UInt64) {
        #expect(Microwatts(value).roundedDown == Microwatts(down))
        #expect(Microwatts(value).roundedUp == Microwatts(up))
    }

    @Test func `the register's maximum is 2^15-1 steps`() {
        #expect(Microwatts.registerMaximum.rawValue == 32_767 * Microwatts.step.rawValue)
        #expect(Microwatts.registerMaximum.roundedDown == .registerMaximum)
    }

    @Test(
        arguments: [(3, 4, 7), (0, 0, 0), (UInt64.max, 0, UInt64.max), (UInt64.max, 1, UInt64.max)] as [(UInt64, UInt64, UInt64)])
    func `a sum of powers never goes beyond the largest value`(_ left: UInt64, _ right: UInt64, _ sum: UInt64) {
        #expect(Microwatts(left) + Microwatts(right) == Microwatts(sum))
        #expect(Microwatts(right) + Microwatts(left) == Microwatts(sum))
    }

    @Test(
        arguments: [(7, 4, 3), (4, 7, 0), (4, 4, 0), (0, UInt64.max, 0), (UInt64.max, 0, UInt64.max)]
            as [(UInt64, UInt64, UInt64)])
    func `a difference of powers never goes below zero`(_ left: UInt64, _ right: UInt64, _ difference: UInt64) {
        #expect(Microwatts(left) - Microwatts(right) == Microwatts(difference))
    }

    @Test func `powers and energies are ordered by their values`() {
        #expect(Microwatts(1) < Microwatts(2))
        #expect(!(Microwatts(2) < Microwatts(2)))
        #expect(Microjoules(1) < Microjoules(2))
    }

    /// Earlier reading, later reading, `max_energy_range_uj`, energy between them.
    static let energies: [(earlier: UInt64, later: UInt64, range: UInt64, energy: UInt64?)] = [
        (100, 250, 262_143_328_850, 150),
        (100, 100, 262_143_328_850, 0),
        (0, 262_143_328_850, 262_143_328_850, 262_143_328_850),
        // Wrapped around.
        (262_143_328_000, 150, 262_143_328_850, 1_000),
        (262_143_328_850, 0, 262_143_328_850, 0),
        (65_712_999_600, 7, 65_712_999_613, 20),
        (.max, 5, .max, 5),
        (.max - 10, .max - 20, .max, .max - 10),
        // An earlier reading beyond the range, or no range at all, can't be explained by a wrap.
        (500, 100, 400, nil),
        (500, 100, 0, nil),
        (1, .max - 1, .max, .max - 2), (.max, .max - 1, .max, .max - 1),
    ]

    @Test func `energy is counted across the counter's wrap`() {
        for row in UnitsTests.energies {
            let energy = Microjoules(row.later).since(Microjoules(row.earlier), range: Microjoules(row.range))
            #expect(energy == row.energy.map { Microjoules($0) }, "\(row)")
        }
    }
}
