internal import PowercapProtocol

import func Glibc.exp

/// The sun over a place on Earth, in a clear sky, on panels that lie flat: by the time in UTC, whatever clocks on the wall show.
struct SunSource: PowerSource {
    /// At 1000 W per square metre, and never more.
    let peak: Microwatts
    private let sun: SolarPosition

    init(peak: Microwatts, latitude: Degrees, longitude: Degrees) {
        (self.peak, sun) = (peak, SolarPosition(latitude: latitude, longitude: longitude))
    }

    /// The irradiance that panels are rated at (standard test conditions, IEC 61215), in W per square metre.
    static let ratedIrradiance = 1_000.0

    /// What an inverter of that size would let through: with the sun higher than 75 degrees a little is cut off.
    public func reading(at moment: Moment) -> SourceReading {
        let irradiance = SunSource.clearSkyIrradiance(sun.sinElevation(at: moment))
        let share = min(irradiance / SunSource.ratedIrradiance, 1)
        return SourceReading(Microwatts(UInt64((Double(peak.rawValue) * share).rounded())), signal: irradiance)
    }

    /// Global irradiance of a horizontal plane under a clear sky, in W per square metre: from 0 at the horizon to 1035.
    /// B. Haurwitz, Journal of Meteorology 2 (1945), pp. 154-166; among the models that need nothing but the sun's height, the one
    /// with the least average monthly error (Sandia report SAND2012-2389).
    static func clearSkyIrradiance(_ sinElevation: Double) -> Double {
        guard sinElevation > 0 else { return 0 }
        return 1_098 * sinElevation * exp(-0.059 / sinElevation)
    }
}
