public import Policy
import PowercapProtocol

extension Device {
    /// A package with a long-term and a short-term limit, in watts.
    public static func test(
        _ number: UInt32 = 0, reference: UInt64 = 200, floor: UInt64 = 0, ceiling: UInt64? = nil, fixed: UInt64? = nil,
        original: UInt64? = nil,
        shortTermCeiling: UInt64? = nil, originalShortTerm: UInt64? = nil
    ) -> Device {
        let ceiling = ceiling ?? reference
        return Device(
            name: DeviceName(package: number), zone: "intel-rapl:\(number)", reference: .watts(reference),
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
    public static func test(_ change: (inout PowerPolicy) -> Void = { _ in }) -> PowerPolicy {
        var policy = PowerPolicy()
        change(&policy)
        return policy
    }
}

extension Moment {
    /// A time on the wall; nothing here asks the process's time zone.
    public static func test(_ hour: Int32, _ minute: Int32 = 0, _ second: Int32 = 0, nanoseconds: UInt32 = 0) -> Moment {
        Moment(
            seconds: 0, nanoseconds: nanoseconds,
            local: LocalTime(year: 2026, month: 6, day: 21, hour: hour, minute: minute, second: second))
    }
}
