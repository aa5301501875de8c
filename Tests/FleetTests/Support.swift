import Fleet
import PowercapProtocol

extension Microwatts {
    static func watts(_ count: UInt64) -> Microwatts { Microwatts(count * 1_000_000) }
}

extension BootID {
    /// A boot by a number.
    static func test(_ number: UInt64) -> BootID {
        let digits = String(number)
        return BootID("00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits)!
    }
}

/// SplitMix64: the same numbers for the same seed, on every machine.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    mutating func below(_ bound: UInt64) -> UInt64 { UInt64.random(in: 0..<bound, using: &self) }

    /// Once in so many times.
    mutating func once(in times: UInt64) -> Bool { below(times) == 0 }
}

extension Report {
    static func test(
        _ node: String = "n1", boot: UInt64 = 1, nonce: UInt64 = 1, epoch: UInt64 = 1, inForce: UInt64 = 100, rest: UInt64 = 50,
        floor: UInt64 = 20, ceiling: UInt64 = 300, demand: UInt64 = 300, bootsAtRest: Bool = true
    ) -> Report {
        Report(
            node: node, boot: .test(boot), nonce: nonce, epoch: epoch, inForce: .watts(inForce), rest: .watts(rest),
            floor: .watts(floor), ceiling: .watts(ceiling), demand: .watts(demand), bootsAtRest: bootsAtRest)
    }
}

let second_ns: UInt64 = 1_000_000_000
