import Testing

@testable import powercap_controller

struct StepDetectorTests {
    @Test(
        "a wall clock that was set by more than a second is noticed once, one that runs a little fast or slow is not",
        arguments: [(1.5, true), (-1.5, true), (3_600, true), (-1_782_000_000, true), (0.9, false), (-0.9, false), (0, false)])
    func step(_ seconds: Double, _ isStep: Bool) {
        var detector = StepDetector()
        let start: Int64 = 1_782_036_000_000_000_000
        let step = Int64(seconds * 1e9)
        let steps = [
            detector.stepped(monotonic_ns: 5, wall_ns: start + 5),
            detector.stepped(monotonic_ns: 10_000_000_005, wall_ns: start + 10_000_000_005),
            detector.stepped(monotonic_ns: 20_000_000_000, wall_ns: start + 20_000_000_000 + step),
            detector.stepped(monotonic_ns: 30_000_000_000, wall_ns: start + 30_000_000_000 + step),
        ]
        #expect(steps == [false, false, isStep, false], "the first reading is no step, and a step is one once")
    }

    @Test("sleep is a step: hours by the wall clock, and nothing by CLOCK_MONOTONIC")
    func sleep() {
        var detector = StepDetector()
        let evening: Int64 = 1_782_072_000_000_000_000
        let hours: Int64 = 9 * 3_600_000_000_000
        let steps = [
            detector.stepped(monotonic_ns: 70_000_000_000, wall_ns: evening),
            detector.stepped(monotonic_ns: 70_250_000_000, wall_ns: evening + hours + 250_000_000),
            detector.stepped(monotonic_ns: 80_250_000_000, wall_ns: evening + hours + 10_250_000_000),
        ]
        #expect(steps == [false, true, false])
    }

    @Test("a clock that is slewed at the kernel's fastest, 500 ppm, for a day is no step")
    func slew() {
        var detector = StepDetector()
        let steps = stride(from: UInt64(0), to: 86_400_000_000_000, by: 10_000_000_000).map { monotonic_ns in
            detector.stepped(monotonic_ns: monotonic_ns, wall_ns: Int64(monotonic_ns + monotonic_ns / 2_000))
        }
        #expect(!steps.contains(true))
    }
}
