/// An angle, exact to a millionth of a degree: on the ground that is 11 cm.
public struct Degrees: Equatable, Sendable {
    /// In millionths of a degree, from -180,000,000 to 180,000,000.
    public let millionths: Int64

    public init(millionths: Int64) { self.millionths = millionths }

    var radians: Double { Double(millionths) * (.pi / 180e6) }

    /// As the option takes it: `52.52`, `-33.868`.
    public var text: String { (millionths < 0 ? "-" : "") + decimal(millionths.magnitude, places: 6) }
}
