public import PowercapProtocol

/// What a device would draw if its limit didn't hold it back, as far as that can be told: a limit hides it, because nobody draws more than
/// he may (docs/sharing.md).
public struct Demand: Equatable, Sendable {
    /// How it is known.
    public enum Basis: String, CaseIterable, Sendable {
        /// It draws all that it may. How much more it would isn't to be seen, so it wants its ceiling.
        case atLimit = "at-limit"
        /// Near its limit its busy processors run below their maximum, so it wants its ceiling.
        case slowed
        /// What it draws, with room for a little more.
        case drawn
        /// It sleeps, and wants nothing beyond its floor until it wakes.
        case suspended
        /// What it draws can't be read: it wants its part.
        case unknown
    }

    /// By the last step: at most the package's ceiling.
    public let power: Microwatts
    /// How that is known.
    public let basis: Basis
    /// The most of the last three steps: it is believed to want less only after these. At least `power`.
    public var lately: Microwatts

    public init(power: Microwatts, basis: Basis, lately: Microwatts? = nil) {
        (self.power, self.basis, self.lately) = (power, basis, max(lately ?? power, power))
    }

    /// The limit is in its way.
    var isHeldBack: Bool { basis == .atLimit || basis == .slowed }
}

extension Demand {
    /// Of its limit, in percent: a package that draws more draws all that it may. At 95 % noise looks like hunger (decision 35).
    static let atLimit_percent: UInt64 = 98
    /// Of its limit, in percent: below that it isn't the limit that slows processors down. With all of them busy they run below the
    /// maximum of one alone, limit or no limit, and so they do when they are hot.
    static let slowed_percent: UInt64 = 85
    /// A package that isn't held back may draw so much more by the next step, in percent, and `room` on top.
    static let room_percent: UInt64 = 8
    /// See `room_percent`.
    static let room = Microwatts.watts(2)

    /// Of a step.
    /// - Parameters:
    ///   - power: the mean over the step.
    ///   - limit: the mean of what was in force over the same step.
    ///   - isSlowed: its busy processors run below their maximum; false also where that can't be seen.
    ///   - ceiling: no more can be given.
    init(power: Microwatts, limit: Microwatts, isSlowed: Bool, ceiling: Microwatts) {
        func reaches(_ percent: UInt64) -> Bool { UInt128(power.rawValue) * 100 >= UInt128(limit.rawValue) * UInt128(percent) }
        if reaches(Demand.atLimit_percent) {
            self.init(power: ceiling, basis: .atLimit)
        } else if isSlowed, reaches(Demand.slowed_percent) {
            self.init(power: ceiling, basis: .slowed)
        } else {
            let room = Microwatts(power.rawValue * Demand.room_percent / 100) + Demand.room
            self.init(power: min(power + room, ceiling), basis: .drawn)
        }
    }
}
