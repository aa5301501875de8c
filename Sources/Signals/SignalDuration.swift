/// How long a value is, as ISO 8601 writes a duration: `PT15M`, `P1D`, `PT1H30M`.
public struct SignalDuration: Equatable, Sendable {
    /// At least 1.
    public let seconds: Int64

    /// Without an end, as OpenADR's P9999Y.
    public static let endless = SignalDuration(seconds: SignalTime.range.upperBound)

    init(seconds: Int64) { self.seconds = seconds }

    /// nil where it is none, is nothing, has a fraction, or has years or months, which are of no length in seconds; thousands of years are
    /// without an end.
    public init?(_ text: String) {
        var scanner = ByteScanner(Array(text.utf8)[...])
        guard scanner.skip("P") else { return nil }
        if scanner.rest.last == UInt8(ascii: "Y") {
            guard let years = scanner.number(digits: 4...4), years >= 1_000, scanner.skip("Y"), scanner.rest.isEmpty else {
                return nil
            }
            self = .endless
            return
        }
        var (seconds, parts): (Int64, Int) = (0, 0)
        func add(_ units: [(Unicode.Scalar, Int64)]) -> Bool {
            for (letter, scale) in units {
                let before = scanner
                guard let number = scanner.number(digits: 1...9) else { break }
                guard scanner.skip(letter) else {
                    scanner = before
                    continue
                }
                (seconds, parts) = (seconds + number * scale, parts + 1)
            }
            return parts > 0
        }
        _ = add([("W", 604_800), ("D", 86_400)])
        if scanner.skip("T") {
            parts = 0
            guard add([("H", 3_600), ("M", 60), ("S", 1)]) else { return nil }
        }
        guard scanner.rest.isEmpty, parts > 0, seconds > 0 else { return nil }
        self = seconds < SignalDuration.endless.seconds ? SignalDuration(seconds: seconds) : .endless
    }

    /// As it reads back.
    public var text: String {
        if self == .endless { return "P9999Y" }
        let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24)
        let (minutes, rest) = (seconds / 60 % 60, seconds % 60)
        let time = [(hours, "H"), (minutes, "M"), (rest, "S")].filter { $0.0 > 0 }.map { "\($0)\($1)" }.joined()
        return "P" + (days > 0 ? "\(days)D" : "") + (time.isEmpty ? "" : "T\(time)")
    }
}
