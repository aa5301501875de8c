import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

private let degree = Double.pi / 180

/// A place, in degrees north and east.
struct Place: Sendable {
    let name: String
    let latitude: Degrees
    let longitude: Degrees

    init(_ name: String, _ latitude: Double, _ longitude: Double) {
        self.name = name
        self.latitude = Degrees(millionths: Int64((latitude * 1e6).rounded()))
        self.longitude = Degrees(millionths: Int64((longitude * 1e6).rounded()))
    }

    static func random(_ generator: inout SeededGenerator) -> Place {
        Place("", .random(in: -90...90, using: &generator), .random(in: -180...180, using: &generator))
    }

    static let berlin = Place("Berlin", 52.52, 13.405)
    static let oslo = Place("Oslo", 59.9139, 10.7522)
    static let madrid = Place("Madrid", 40.4168, -3.7038)
    static let quito = Place("Quito", -0.1807, -78.4678)
    static let sydney = Place("Sydney", -33.8688, 151.2093)
    static let tromsø = Place("Tromsø", 69.6492, 18.9553)
    static let honolulu = Place("Honolulu", 21.3069, -157.8583)

    var sun: SolarPosition { SolarPosition(latitude: latitude, longitude: longitude) }

    func source(_ peak: Microwatts = .watts(100)) -> SunSource {
        SunSource(peak: peak, latitude: latitude, longitude: longitude)
    }

    func power(_ seconds: Int64, _ peak: Microwatts = .watts(100)) -> Microwatts {
        source(peak).reading(at: .utc(seconds)).power
    }

    /// What a day gives of a peak of 100 W, in Wh.
    func yield(fromNoon noon: Int64) -> Double {
        (-720..<720).reduce(0) { $0 + Double(power(noon + Int64($1) * 60).rawValue) } / 60e6
    }

    /// When the sun's centre is 50' below the horizon, which is where almanacs let it rise and set: between a time at which it is
    /// lower, and one at which it is higher.
    func crossing(lower: Int64, higher: Int64) -> Int64 {
        var (low, high) = (lower, higher)
        while abs(high - low) > 1 {
            let middle = (low + high) / 2
            if sun.sinElevation(at: .utc(middle)) < -0.0145439 { low = middle } else { high = middle }
        }
        return high
    }
}

extension Moment {
    /// By a clock in UTC; what it shows isn't asked for.
    fileprivate static func utc(_ seconds: Int64, nanoseconds: UInt32 = 0) -> Moment {
        Moment(seconds: seconds, nanoseconds: nanoseconds, local: LocalTime(year: 1970, month: 1, day: 1))
    }
}

/// What an almanac says of a place on a day: seconds since 1970, and the height of the sun's centre at noon.
struct Almanac: CustomTestStringConvertible, Sendable {
    let place: Place
    let rise: Int64
    let noon: Int64
    let set: Int64
    let elevation: Double
    var tolerance_s: Int64 = 30
    var tolerance: Double = 0.02
    var testDescription: String { "\(place.name) \(noon)" }

    init(
        _ place: Place, _ rise: Int64, _ noon: Int64, _ set: Int64, _ elevation: Double, tolerance_s: Int64 = 30,
        tolerance: Double = 0.02
    ) {
        (self.place, self.rise, self.noon, self.set, self.elevation) = (place, rise, noon, set, elevation)
        (self.tolerance_s, self.tolerance) = (tolerance_s, tolerance)
    }

    /// The first is published: the University of Iceland's almanac for Reykjavik (11:22, 13:26, 15:30, and 2.7 degrees at noon, of which
    /// the air's refraction is 0.25). The others are of PyEphem 4.2, whose sun is that of VSOP87, without refraction.
    static let all = [
        // 21 December 2004.
        Almanac(
            Place("Reykjavik", 64.145, -21.92), 1_103_628_120, 1_103_635_560, 1_103_643_000, 2.45, tolerance_s: 120,
            tolerance: 0.1),
        // 20 March, 21 June and 21 December 2026.
        Almanac(.berlin, 1_773_983_356, 1_774_005_230, 1_774_027_166, 37.420),
        Almanac(.berlin, 1_782_009_786, 1_782_040_091, 1_782_070_397, 60.917),
        Almanac(.berlin, 1_797_837_295, 1_797_851_066, 1_797_864_836, 14.041),
        Almanac(.oslo, 1_782_006_825, 1_782_040_728, 1_782_074_631, 53.523),
        Almanac(.oslo, 1_797_841_087, 1_797_851_702, 1_797_862_318, 6.647),
        Almanac(.madrid, 1_782_017_086, 1_782_044_198, 1_782_071_310, 73.020),
        Almanac(.madrid, 1_797_838_461, 1_797_855_173, 1_797_871_885, 26.144),
        Almanac(.quito, 1_774_005_480, 1_774_027_275, 1_774_049_069, 89.777),
        Almanac(.quito, 1_782_040_342, 1_782_062_144, 1_782_083_946, 66.381),
        Almanac(.sydney, 1_781_989_198, 1_782_007_013, 1_782_024_829, 32.691),
        Almanac(.sydney, 1_797_792_039, 1_797_817_981, 1_797_843_924, 79.566),
        Almanac(.honolulu, 1_782_057_024, 1_782_081_201, 1_782_105_377, 87.870),
        Almanac(.tromsø, 1_773_981_836, 1_774_003_898, 1_774_026_091, 20.284),
        // 1 January 2000 and 1 August 2049.
        Almanac(.berlin, 946_711_039, 946_724_979, 946_738_930, 14.442),
        Almanac(.berlin, 2_511_401_203, 2_511_429_166, 2_511_457_065, 55.304),
        Almanac(.sydney, 2_511_377_256, 2_511_396_094, 2_511_414_953, 38.207),
    ]
}

struct SunTests {
    @Test("the sun rises, culminates and sets when almanacs say, as high as they say", arguments: Almanac.all)
    func almanac(_ day: Almanac) {
        let place = day.place
        let halfDay: Int64 = 43_200
        #expect(abs(place.crossing(lower: day.noon - halfDay, higher: day.noon) - day.rise) <= day.tolerance_s)
        #expect(abs(place.crossing(lower: day.noon + halfDay, higher: day.noon) - day.set) <= day.tolerance_s)
        #expect(abs(place.sun.sinElevation(at: .utc(day.noon)) - sine(day.elevation)) <= day.tolerance * degree)
        // It is highest then: five minutes before and after it is lower.
        let highest = place.sun.sinElevation(at: .utc(day.noon))
        for seconds in [day.noon - 300, day.noon + 300] { #expect(place.sun.sinElevation(at: .utc(seconds)) < highest) }
    }

    @Test("at NREL's published example the sun rises, sets and is as high as its report says")
    func publishedExample() {
        // The worked example of report TP-560-34302, 17 October 2003 in UTC: a zenith angle of 50.11162 degrees at 19:30:30, of which
        // the air's refraction takes 0.0163; sunrise at 13:12:43; and the sunset of that date in UTC, which is the day's before on the spot.
        let golden = Place("Golden", 39.742476, -105.1786)
        #expect(abs(golden.sun.sinElevation(at: .utc(1_066_419_030)) - sine(39.872)) < 0.01 * degree)
        let (yesterdaysNoon, noon): (Int64, Int64) = (1_066_416_364 - 86_400, 1_066_416_364)
        #expect(abs(golden.crossing(lower: noon - 43_200, higher: noon) - 1_066_396_363) <= 15)
        #expect(abs(golden.crossing(lower: yesterdaysNoon + 43_200, higher: yesterdaysNoon) - 1_066_350_019) <= 15)
    }

    @Test(
        "from 1975 to 2048 the sun is as high as PyEphem's, in every season and at every hour",
        arguments: [
            (161_670_341, -64.612, 115.659, 38.2761),
            (169_040_223, -55.905, -29.458, 10.8375),
            (177_129_327, 63.496, 47.025, 10.9348),
            (185_592_997, -65.072, 129.049, 41.7065),
            (698_072_974, -49.855, -68.947, 32.2107),
            (706_655_466, -60.977, -158.544, 6.6943),
            (713_720_614, -8.327, -66.907, 64.2003),
            (722_182_999, -30.208, -115.284, 21.5974),
            (1_361_516_736, -23.547, -1.758, 14.2695),
            (1_368_660_498, 1.368, -120.614, 35.7708),
            (1_376_542_771, -9.01, 166.327, 26.1082),
            (1_384_191_410, 48.673, -67.051, 21.0977),
            (1_771_673_911, 9.195, -15.766, 58.6636),
            (1_779_502_650, 23.209, -156.6, 35.9279),
            (1_787_350_781, -26.38, -130.707, 45.4756),
            (1_794_849_465, -9.753, -50.842, 57.3798),
            (1_929_701_649, 3.967, 39.532, 48.1659),
            (1_936_586_694, 1.775, 42.333, 23.6912),
            (1_945_033_409, 53.041, 100.789, 7.2853),
            (1_953_237_095, -61.105, -155.755, 49.2089),
            (2_465_215_807, -88.25, -125.545, 13.1296),
            (2_472_809_941, -14.332, 48.387, 35.7934),
            (2_481_132_210, 80.472, -12.244, 12.2004),
            (2_489_216_709, -52.714, -56.651, 11.2651),
        ] as [(Int64, Double, Double, Double)])
    func height(_ seconds: Int64, _ latitude: Double, _ longitude: Double, _ elevation: Double) {
        let sun = Place("", latitude, longitude).sun
        // A sine moves by less than its angle.
        #expect(abs(sun.sinElevation(at: .utc(seconds)) - sine(elevation)) < 0.013 * degree * sine(90 - elevation))
    }

    @Test("beyond the polar circle the sun of June shines at midnight, and that of December not at noon")
    func polar() {
        for minute in Int64(-720)..<720 {
            #expect(Place.tromsø.power(1_782_038_759 + minute * 60) > .zero)
            #expect(Place.tromsø.power(1_797_849_733 + minute * 60) == .zero)
        }
    }

    @Test("at the poles the sun is as high all day, whatever the longitude, and up for half of the year", arguments: [90.0, -90])
    func poles(_ latitude: Double) {
        var up = 0
        for hour in Int64(0)..<8_766 {
            let seconds = 1_767_225_600 + hour * 3_600
            let heights = [-180.0, 0, 77].map { Place("", latitude, $0).sun.sinElevation(at: .utc(seconds)) }
            #expect(heights[0] == heights[1] && heights[1] == heights[2])
            // The declination never moves by more than 0.4 degrees a day.
            #expect(abs(heights[0] - Place("", latitude, 0).sun.sinElevation(at: .utc(seconds + 86_400))) < 0.42 * degree)
            if heights[0] > 0 { up += 1 }
        }
        #expect((4_250...4_520).contains(up))
    }

    @Test("June gives more than December in the north, less in the south, and about as much on the equator")
    func seasons() {
        let (june, december): (Int64, Int64) = (1_782_043_200, 1_797_854_400)
        func ratio(_ place: Place) -> Double { place.yield(fromNoon: june) / place.yield(fromNoon: december) }
        #expect((8...14).contains(ratio(.berlin)))
        #expect((20...50).contains(ratio(.oslo)))
        #expect((2.5...4).contains(ratio(.madrid)))
        #expect((0.3...0.5).contains(ratio(.sydney)))
        #expect((0.98...1.02).contains(ratio(.quito)))
        #expect(Place.madrid.yield(fromNoon: december) > 5 * Place.oslo.yield(fromNoon: december))
    }

    @Test("a clear day's yield is that of Haurwitz' irradiance")
    func irradiance() {
        #expect(abs(SunSource.clearSkyIrradiance(1) - 1_035.092) < 0.001)
        #expect(abs(SunSource.clearSkyIrradiance(0.5) - 487.894) < 0.001)
        #expect(abs(SunSource.clearSkyIrradiance(0.1) - 60.865) < 0.001)
        for below in [0, -0.0, -1e-300, -0.5, -1] { #expect(SunSource.clearSkyIrradiance(below) == 0) }
        #expect(SunSource.clearSkyIrradiance(.leastNonzeroMagnitude) == 0)
        // Berlin at noon of 21 June: 60.917 degrees, 896.8 W per square metre.
        #expect(abs(Double(Place.berlin.power(1_782_040_091).rawValue) - 89_680_000) < 20_000)
    }

    @Test("MAX_SOURCE is what 1000 W per square metre give, and is never exceeded, though the highest sun gives 1035")
    func peak() {
        #expect(Place.quito.power(1_774_027_275) == .watts(100))
        #expect(Place.quito.power(1_774_027_275, .watts(1_000_000)) == .watts(1_000_000))
        let policy = PowerPolicy.test {
            ($0.source, $0.maxSource, $0.latitude, $0.longitude) = (
                .sun, .watts(100), Place.quito.latitude, Place.quito.longitude
            )
        }
        #expect(powerSource(for: policy).reading(at: .utc(1_774_027_275)).power == .watts(100))
        let halved = powerSource(for: policy, Overrides(maxSource: .watts(50)))
        #expect(halved.reading(at: .utc(1_774_027_275)).power == .watts(50))
        #expect(halved.reading(at: .utc(1_774_027_275)).age == Milliseconds(0))
    }

    @Test("what the clock on the wall shows changes nothing")
    func timeZone() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<1_000 {
            let source = Place.random(&generator).source()
            let seconds = Int64.random(in: 0..<4_000_000_000, using: &generator)
            let offset = Int32.random(in: -43_200...50_400, using: &generator)
            let local = LocalTime(year: 2030, month: 7, day: 9, hour: offset.magnitude > 20_000 ? 3 : 15, offset_s: offset)
            #expect(source.reading(at: Moment(seconds: seconds, local: local)) == source.reading(at: .utc(seconds)))
        }
    }

    @Test("on the other side of the Earth the sun is as far below the horizon as it is above it here")
    func antipodes() {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<10_000 {
            let here = Place.random(&generator)
            let seconds = Int64.random(in: 0..<4_000_000_000, using: &generator)
            let east = here.longitude.millionths
            let there = SolarPosition(
                latitude: Degrees(millionths: -here.latitude.millionths),
                longitude: Degrees(millionths: east > 0 ? east - 180_000_000 : east + 180_000_000))
            #expect(abs(here.sun.sinElevation(at: .utc(seconds)) + there.sinElevation(at: .utc(seconds))) < 1e-7)
        }
    }

    @Test("an afternoon is its morning in a mirror, but for what the season moves in half a day")
    func symmetry() {
        for day in Almanac.all {
            for minutes in stride(from: Int64(30), through: 720, by: 30) {
                let heights = [-minutes, minutes].map { day.place.sun.sinElevation(at: .utc(day.noon + $0 * 60)) }
                #expect(abs(heights[0] - heights[1]) < 0.45 * degree)
            }
        }
    }

    @Test("at any place and any time the power is from 0 to MAX_SOURCE")
    func bounds() {
        var generator = SeededGenerator(seed: 3)
        let ends: [Int64] = [.min, .min + 1, -62_135_596_800, -1, 0, 1, 253_402_300_799, .max - 1, .max]
        for round in 0..<100_000 {
            let place = Place.random(&generator)
            let seconds =
                round < ends.count * 100
                ? ends[round % ends.count] : .random(in: -1_000_000_000...10_000_000_000, using: &generator)
            let sine = place.sun.sinElevation(at: .utc(seconds))
            guard abs(sine) <= 1 + 1e-15, place.power(seconds, .watts(1_000_000)) <= .watts(1_000_000) else {
                Issue.record("\(place) \(seconds): \(sine)")
                return
            }
        }
    }

    @Test("the power never jumps: in a second it moves by no more than the Earth turns")
    func continuity() {
        var generator = SeededGenerator(seed: 4)
        // 1098 W per square metre times an angle of 2 pi in a day, of a peak of 1000.
        let most = 1_098 * 2 * Double.pi / 86_164 * 1e-3
        // Midnights at which a calendar turns: UTC's day, leap day, and year.
        let turns: [Int64] = [1_782_000_000, 1_709_164_800, 1_709_251_200, 1_767_225_600, 946_728_000, 0]
        for round in 0..<100_000 {
            let place = Place.random(&generator)
            let seconds = round < 600 ? turns[round % turns.count] - 1 : .random(in: 0...4_000_000_000, using: &generator)
            let nanoseconds = UInt32.random(in: 0..<1_000_000_000, using: &generator)
            let source = place.source(.watts(1_000))
            let now = Double(source.reading(at: .utc(seconds, nanoseconds: nanoseconds)).power.rawValue)
            let next = Double(source.reading(at: .utc(seconds + 1, nanoseconds: nanoseconds)).power.rawValue)
            let lastNano = Double(source.reading(at: .utc(seconds, nanoseconds: 999_999_999)).power.rawValue)
            let whole = Double(source.reading(at: .utc(seconds + 1)).power.rawValue)
            let nextNano = Double(source.reading(at: .utc(seconds, nanoseconds: nanoseconds / 2)).power.rawValue)
            guard abs(next - now) <= most * 1e9 * 1.001 + 1, abs(nextNano - now) <= most * 1e9 * 0.51 + 1,
                abs(whole - lastNano) <= 2
            else {
                Issue.record("\(place) \(seconds): \(now), \(next), \(nextNano)")
                return
            }
        }
    }
}

/// Of an angle in degrees, by its Taylor series: a sine that isn't the one under test.
private func sine(_ degrees: Double) -> Double {
    let angle = degrees * degree
    var (term, sum) = (angle, angle)
    for order in stride(from: 3.0, through: 31, by: 2) {
        term *= -angle * angle / (order * (order - 1))
        sum += term
    }
    return sum
}
