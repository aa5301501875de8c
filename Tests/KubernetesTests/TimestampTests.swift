import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import Kubernetes

struct TimestampTests {
    @Test(
        "a time is written in UTC, as metav1.Time and as metav1.MicroTime have it",
        arguments: [
            (0, 0, "1970-01-01T00:00:00"), (-1, 999_999_999, "1969-12-31T23:59:59"), (951_782_400, 0, "2000-02-29T00:00:00"),
            (951_868_800, 1_999, "2000-03-01T00:00:00"), (1_709_164_800, 5_000, "2024-02-29T00:00:00"),
            (4_107_542_400, 0, "2100-03-01T00:00:00"), (4_107_542_399, 0, "2100-02-28T23:59:59"),
            (1_795_492_800, 123_456_789, "2026-11-24T04:00:00"), (-2_208_988_800, 0, "1900-01-01T00:00:00"),
            (253_402_300_799, 0, "9999-12-31T23:59:59"), (-62_135_596_800, 0, "0001-01-01T00:00:00"),
        ] as [(Int64, UInt32, String)])
    func table(_ seconds: Int64, _ nanoseconds: UInt32, _ text: String) {
        let moment = Clock.Wall(seconds: seconds, nanoseconds: nanoseconds)
        #expect(Timestamp.seconds(moment) == "\(text)Z")
        let micros = String(nanoseconds / 1_000)
        #expect(Timestamp.microseconds(moment) == "\(text).\(String(repeating: "0", count: 6 - micros.count))\(micros)Z")
    }

    @Test("every time of ten centuries is written as Foundation writes it")
    func againstFoundation() {
        var generator = SeededGenerator(seed: 4)
        let format = Date.ISO8601FormatStyle()
        for _ in 0..<3_000 {
            let seconds = Int64.random(in: -11_000_000_000...15_000_000_000, using: &generator)
            let moment = Clock.Wall(seconds: seconds)
            #expect(Timestamp.seconds(moment) == Date(timeIntervalSince1970: Double(seconds)).formatted(format))
        }
    }
}
