import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

extension ProcessTimeZone {
    struct InstantTests {
        init() { Clock.setTimeZone("UTC") }

        @Test(
            "a time is said in at most two units",
            arguments: [
                (0, "less than a second"), (499, "less than a second"), (500, "1 s"), (59_400, "59 s"), (60_000, "1 min"),
                (243_000, "4 min 3 s"),
                (3_600_000, "1 h"), (7_500_000, "2 h 5 min"), (7_201_000, "2 h"), (86_400_000, "1 d"), (90_000_000, "1 d 1 h"),
            ] as [(UInt64, String)])
        func roughly(_ milliseconds: UInt64, _ words: String) { #expect(Milliseconds(milliseconds).roughly == words) }

        @Test("the day is said where it is another")
        func words() {
            let now = Moment(seconds: 1_781_697_600)
            #expect(Instant(1_781_697_600 + 61).words(seenFrom: now) == "12:01:01")
            #expect(Instant(1_781_697_600 + 86_400).words(seenFrom: now) == "2026-06-18 12:00:00")
            #expect(Instant(1_781_697_600).text == "2026-06-17T12:00:00+00:00")
        }
    }
}
