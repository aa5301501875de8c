internal import PowercapProtocol

import func Glibc.pow
import func Glibc.sin

/// A clear day: nothing until 04:00, the peak at 12:00, nothing from 20:00, by the clock on the wall.
///
///     S(t) = peak * sin(pi/16 * (t - 4)) ^ alpha   for 4 <= t <= 20, and 0 outside
struct SolarSource: PowerSource {
    let peak: Microwatts
    let alpha: Double

    func reading(at moment: Moment) -> SourceReading {
        let hours = moment.localHours
        // Outside the half wave the sine is negative: an even power of it would shine at night, another would be NaN.
        guard hours > 4, hours < 20 else { return SourceReading(.zero) }
        let share = pow(sin(.pi / 16 * (hours - 4)), alpha)
        return SourceReading(Microwatts(UInt64((Double(peak.rawValue) * share).rounded())))
    }
}
