/// The program's version.
enum Version {
    static let string: StaticString = "0.1.0"
}
