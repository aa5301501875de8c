import HTTP
import Testing

struct BackoffTests {
    @Test("pauses double up to the longest, and start again after a success")
    func pauses() {
        var backoff = Backoff(first_ms: 250, longest_ms: 10_000)
        #expect((0..<9).map { _ in backoff.fail() } == [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000])
        backoff.succeed()
        #expect(backoff.fail() == 250)
    }
}
