internal import PowercapProtocol

import func Glibc.pow
import func Glibc.sin

/// A model of a clear day: nothing until it begins, the peak in its middle, nothing once it has ended, by the clock on the wall, and
/// the same in every season.
///
///     S(t) = peak * sin(pi / (end - start) * (t - start)) ^ alpha   for start <= t <= end, and 0 outside
struct SolarSource: PowerSource {
    let peak: Microwatts
    let alpha: Double

    /// Hours on the wall between which it gives anything.
    private let start: Double
    private let end: Double

    init(peak: Microwatts, alpha: Double, from start: TimeOfDay = usualStart, to end: TimeOfDay = usualEnd) {
        (self.peak, self.alpha, self.start, self.end) = (peak, alpha, start.hours, end.hours)
    }

    static let (usualStart, usualEnd) = (TimeOfDay.hour(4), TimeOfDay.hour(20))

    /// By the clock on the wall.
    public func reading(at moment: Moment) -> SourceReading { SourceReading(power(atHour: moment.localHours)) }

    func power(atHour hours: Double) -> Microwatts {
        // Outside the half wave the sine is negative: an even power of it would shine at night, another would be NaN.
        guard hours > start, hours < end else { return .zero }
        // A rounded quotient may carry its last moment past pi, where the sine is below 0 again.
        let share = pow(max(sin(.pi / (end - start) * (hours - start)), 0), alpha)
        return Microwatts(UInt64((Double(peak.rawValue) * share).rounded()))
    }

    /// The power when so much of the day has passed, from 0 to 1.
    func power(atShare share: Double) -> Microwatts { power(atHour: start + (end - start) * share) }
}
