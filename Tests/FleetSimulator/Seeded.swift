/// SplitMix64: the same numbers for the same seed, on every machine.
package struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    package mutating func below(_ bound: UInt64) -> UInt64 { next() % max(1, bound) }

    mutating func within(_ range: ClosedRange<UInt64>) -> UInt64 {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// Once in so many times.
    package mutating func once(in times: UInt64) -> Bool { below(times) == 0 }

    mutating func percent(_ percent: UInt64) -> Bool { below(100) < percent }
}
