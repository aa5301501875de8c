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
