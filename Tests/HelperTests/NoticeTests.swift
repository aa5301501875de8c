import LinuxSystem
import Testing

@testable import raplhelper

@Suite("What the helper notices and tells")
struct NoticeTests {
    @Test(
        "a uevent of a new powercap zone, and no other",
        arguments: [
            ("add@/devices/virtual/powercap/intel-rapl/intel-rapl:1\0ACTION=add\0", true),
            ("add@/devices/virtual/powercap/intel-rapl", true),
            ("remove@/devices/virtual/powercap/intel-rapl/intel-rapl:1", false),
            ("add@/devices/virtual/net/powercap/", false), ("add@/devices/virtual/powercap", false), ("", false),
            ("libudev\0", false),
        ])
    func uevents(_ message: String, _ announces: Bool) {
        let bytes = Array(message.utf8)
        #expect(Server.announcesZone(bytes.span) == announces)
    }

    @Test("ten lines a minute of what a peer can cause, and how many were left out")
    func budget() {
        var budget = LogBudget()
        let second: UInt64 = 1_000_000_000
        for _ in 0..<10 { #expect(budget.take(5 * second)?.string == "") }
        for _ in 0..<7 { #expect(budget.take(64 * second)?.string == nil) }
        #expect(budget.take(65 * second)?.string == " suppressed=7")
        #expect(budget.take(66 * second)?.string == "")
    }

    @Test(
        "numbers in environment variables of systemd",
        arguments: [("30000000", 30_000_000), ("0", 0), ("", nil), ("-1", nil), ("1s", nil)] as [(String, UInt64?)])
    func numbers(_ text: String, _ value: UInt64?) { #expect(wholeNumber(text) == value) }
}
