import PowercapProtocol

@testable import powercap_controller

extension Package {
    /// A package with a long-term and a short-term limit, in watts.
    static func test(
        _ number: UInt32 = 0, reference: UInt64 = 200, floor: UInt64 = 0, ceiling: UInt64? = nil, fixed: UInt64? = nil,
        original: UInt64? = nil,
        shortTermCeiling: UInt64? = nil, originalShortTerm: UInt64? = nil
    ) -> Package {
        let ceiling = ceiling ?? reference
        return Package(
            name: PackageName(package: number), zone: "intel-rapl:\(number)", reference: .watts(reference),
            longTerm: LimitRange(
                index: 0, floor: .watts(floor), ceiling: .watts(ceiling), original: .watts(original ?? reference)),
            shortTerm: LimitRange(
                index: 1, floor: .watts(floor), ceiling: .watts(shortTermCeiling ?? ceiling * 2),
                original: .watts(originalShortTerm ?? reference * 6 / 5)),
            fixed: fixed.map { .watts($0) })
    }
}

extension PowerPolicy {
    /// The defaults with changes.
    static func test(_ change: (inout PowerPolicy) -> Void = { _ in }) -> PowerPolicy {
        var policy = PowerPolicy()
        change(&policy)
        return policy
    }
}
