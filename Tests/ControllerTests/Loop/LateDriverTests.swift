import PowercapProtocol
import TestSupport
import Testing

@Suite("A driver that has said nothing when the controller came")
struct LateDriverTests {
    @Test("P8: is governed as soon as it has answered, and not before")
    func answers() throws {
        let mock = try Mock(
            "zone intel-rapl:0 package-0\nconstraint intel-rapl:0 long_term 200W max=200W obstacle=unread\n"
                + ScriptedPackage(number: 1).lines)
        let controller = try RunningController(
            mock.socket, ["MAX_SOURCE": "200W", "STABILISATION_TIME": "3600", "SAMPLE_INTERVAL": "1"])
        let line = try controller.next("device not governed: it keeps what it has, the others share the rest")
        #expect(line["why"] == "\(Obstacle.unread.explanation)")
        try controller.next("limit changed", of: "package-1", "long_term")
        #expect(try mock.limits()["intel-rapl:0/long_term"] == Microwatts(200_000_000))
        try mock.tell("unreadable intel-rapl:0 long_term 0")
        try controller.next("the devices are others than before")
        try controller.next("limit changed", of: "package-0", "long_term")
        let limits = try mock.limits()
        #expect(limits["intel-rapl:0/long_term"] == Microwatts(100_000_000))
        #expect(limits["intel-rapl:1/long_term"] == Microwatts(100_000_000))
        #expect(try controller.stop() == 0)
        #expect(controller.log.filter { $0.message == "the devices are others than before" }.count == 1)
    }
}
