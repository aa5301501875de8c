import func Glibc.cos
import func Glibc.sin

/// Where the sun is in the sky of a place on Earth.
///
/// The low precision formulas of the Astronomical Almanac, as J. J. Michalsky gives them (Solar Energy 40, 1988, pp. 227-235):
/// to 0.01 degrees from 1950 to 2050. They go by the time in UTC, of which UT1 is never a second away, and need no calendar.
/// The sun's height follows from two directions, its own and the place's zenith, in the frame of the Earth's equator. Declination
/// and equation of time are in them, and are never divided by, so that the poles are places like any other.
struct SolarPosition {
    /// The direction of the place's zenith, as far as it doesn't turn.
    private let sinLatitude: Double
    private let cosLatitude: Double
    /// In radians, east of Greenwich.
    private let longitude: Double

    /// - Parameters:
    ///   - latitude: north of the equator, from -90 to 90 degrees.
    ///   - longitude: east of Greenwich, from -180 to 180 degrees.
    init(latitude: Degrees, longitude: Degrees) {
        sinLatitude = sin(latitude.radians)
        // Of a right angle, which no Double is, the cosine isn't quite 0.
        cosLatitude = latitude.millionths.magnitude == 90_000_000 ? 0 : cos(latitude.radians)
        self.longitude = longitude.radians
    }

    /// The sine of the height of the sun's centre over the horizon, without the air's refraction: from -1 to 1, but for rounding.
    func sinElevation(at moment: Moment) -> Double {
        let day = moment.daysSince2000
        // The sun's ecliptic longitude: the mean one, and what the orbit's ellipse does to it.
        let anomaly = (357.528 + 0.9856003 * day) * radian
        let (sinAnomaly, cosAnomaly) = (sin(anomaly), cos(anomaly))
        let ecliptic = (280.460 + 0.9856474 * day + (1.915 + 0.040 * cosAnomaly) * sinAnomaly) * radian
        let obliquity = (23.439 - 0.0000004 * day) * radian
        // Greenwich mean sidereal time is 18.697374558 h, and 24.06570982441908 h more each day (US Naval Observatory).
        let siderealTime = (280.46061837 + 360.98564736629 * day) * radian + longitude
        let (sinEcliptic, cosEcliptic) = (sin(ecliptic), cos(ecliptic))
        return cosLatitude * (cos(siderealTime) * cosEcliptic + sin(siderealTime) * cos(obliquity) * sinEcliptic)
            + sinLatitude * sin(obliquity) * sinEcliptic
    }
}

/// A degree, in radians.
private let radian = Double.pi / 180

extension Moment {
    /// Days of 86,400 s since noon of 1 January 2000, UTC, as astronomers count.
    fileprivate var daysSince2000: Double { (Double(seconds) - 946_728_000 + Double(nanoseconds) / 1e9) / 86_400 }
}
