import Foundation
import TestSupport
import Testing

@testable import Policy

@Suite(.waiting)
struct ClockStepTests {
    @Test("when the clock is set, a source that goes by it moves the limits at once, and not at the next decision's time")
    func stepped() throws {
        let clock = try SettableClock()
        /// Makes it so many hours of this day, in UTC.
        func set(_ hour: Int) throws { try clock.set(hour * 3_600 - Int(Date.now.timeIntervalSince1970) % 86_400) }
        try set(12)
        let mock = try Mock([ScriptedPackage(floor: 10)])
        let controller = try RunningController(
            mock.socket,
            ["SOURCE": "solar", "TIMEZONE": "UTC", "STABILISATION_TIME": "1h"].merging(clock.environment) { $1 })
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"].map { $0 > .watts(99) } == true)
        try set(0)
        #expect(try mock.nextApply().limits["intel-rapl:0/long_term"] == .watts(10))
        try controller.next("the clock was set, or the node was asleep: deciding anew")
        #expect(try controller.stop() == 0)
    }
}
