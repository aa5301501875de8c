import Foundation
import PowercapProtocol
import TestSupport
import Testing

@Suite(.waiting)
struct FollowedSunTests {
    @Test(
        "run follows the sun: where it is noon now the limit is close to MAX_SOURCE, on the other side of the Earth it is the floor"
    )
    func noonAndMidnight() throws {
        let hour = Date().timeIntervalSince1970.truncatingRemainder(dividingBy: 86_400) / 3_600
        // Between -180 and 180; the equation of time and the season leave the sun at least 62 degrees high.
        let noon = (12 - hour) * 15
        for (longitude, limits) in [
            (noon, 90_000_000...100_000_000), (noon > 0 ? noon - 180 : noon + 180, 10_000_000...10_000_000),
        ]
            as [(Double, ClosedRange<UInt64>)]
        {
            let mock = try Mock(devices: 1)
            let place = ["SOURCE": "sun", "LATITUDE": "0", "LONGITUDE": String(format: "%.6f", longitude)]
            let controller = try RunningController(mock.socket, place)
            let limit = try #require(try mock.nextApply().limits["intel-rapl:0/long_term"])
            #expect(limits.contains(limit.rawValue))
            #expect(try controller.stop() == 0)
        }
    }
}
