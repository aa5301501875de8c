import Testing

@testable import powercap_controller

struct BackoffTests {
    @Test("pauses double from 250 ms to 10 s, and start again after a success")
    func pauses() {
        var backoff = Backoff.helper
        #expect((0..<9).map { _ in backoff.fail() } == [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000])
        backoff.succeed()
        #expect(backoff.fail() == 250)
    }
}
