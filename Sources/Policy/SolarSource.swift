internal import PowercapProtocol

import func Glibc.pow
import func Glibc.sin

/// A clear day: nothing until 04:00, the peak at 12:00, nothing from 20:00, by the clock on the wall, and the same in every season.
///
///     S(t) = peak * sin(pi/16 * (t - 4)) ^ alpha   for 4 <= t <= 20, and 0 outside
struct SolarSource: PowerSource {
    let peak: Microwatts
    let alpha: Double

    /// Hours on the wall between which it gives anything.
    static let (rise, set) = (4.0, 20.0)

    /// By the clock on the wall.
    public func reading(at moment: Moment) -> SourceReading { SourceReading(power(atHour: moment.localHours)) }

    func power(atHour hours: Double) -> Microwatts {
        // Outside the half wave the sine is negative: an even power of it would shine at night, another would be NaN.
        guard hours > Self.rise, hours < Self.set else { return .zero }
        let share = pow(sin(.pi / (Self.set - Self.rise) * (hours - Self.rise)), alpha)
        return Microwatts(UInt64((Double(peak.rawValue) * share).rounded()))
    }
}
