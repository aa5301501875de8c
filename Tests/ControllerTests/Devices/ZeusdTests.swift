import HTTP
import Policy
import PowercapProtocol
import Testing

@testable import powercap_controller

struct ZeusdTests {
    private static let discovery = #"""
        {"gpus":[{"id":0,"name":"A","pci_address":"0000:01:00.0"},{"id":1,"name":"A","pci_address":"0000:41:00.0"}],
         "enabled_api_groups":["gpu-control","gpu-read"]}
        """#
    private static let ranges = #"""
        {"0":{"min_power_limit_mw":100000,"max_power_limit_mw":300000},"1":{"min_power_limit_mw":100000,"max_power_limit_mw":300000}}
        """#
    private static let limits = #"{"0":{"power_limit_mw":200000},"1":{"power_limit_mw":250000}}"#
    private static let powers = #"{"timestamp_ms":1762000000000,"power_mw":{"0":75000,"1":120000}}"#

    private func look(
        _ discovery: String = discovery, _ ranges: DeviceAnswer? = nil, _ limits: DeviceAnswer? = nil,
        _ powers: DeviceAnswer? = nil
    ) -> DeviceTurn<DeviceFindings> {
        hold(
            Zeusd.Look(),
            [
                DeviceAnswer(200, discovery), ranges ?? DeviceAnswer(200, Self.ranges), limits ?? DeviceAnswer(200, Self.limits),
                powers ?? DeviceAnswer(200, Self.powers),
            ]
        ).turn
    }

    @Test("GPUs are known by their PCI addresses, with range, limit and power in milliwatts")
    func whole() throws {
        let devices = try #require(look().outcome).devices
        #expect(devices.map(\.identity) == ["0000:01:00.0", "0000:41:00.0"])
        #expect(devices.map(\.handle) == ["0", "1"])
        #expect(devices.map(\.limit) == [.set(.watts(200)), .set(.watts(250))])
        #expect(devices.map(\.power) == [.watts(75), .watts(120)])
        #expect(
            devices.allSatisfy {
                $0.least == .watts(100) && $0.most == .watts(300) && $0.isSettable && $0.step == Microwatts(1_000)
            })
    }

    @Test("an older release names numbers only; without limits that can be read nothing may be set")
    func older() throws {
        let old = look(#"{"gpu_ids":[0,3]}"#, DeviceAnswer(404), DeviceAnswer(404))
        let devices = try #require(old.outcome).devices
        #expect(devices.map(\.identity) == ["gpu-0", "gpu-3"])
        #expect(devices.allSatisfy { !$0.isSettable && $0.limit == .unknown && $0.least == nil })
        #expect(devices.map(\.power) == [.watts(75), nil])
    }

    @Test("without the group gpu-control nothing may be set")
    func readOnly() throws {
        let devices = try #require(look(#"{"gpus":[{"id":0}],"enabled_api_groups":["gpu-read"]}"#).outcome).devices
        #expect(devices.map(\.isSettable) == [false])
    }

    @Test(
        "what is no limit is unknown, and never 0",
        arguments: [
            #"{}"#, #"{"0":{}}"#, #"{"0":{"power_limit_mw":null}}"#, #"{"0":{"power_limit_mw":"200000"}}"#,
            #"{"0":{"power_limit_mw":0}}"#,
            #"{"0":{"power_limit_mw":-1}}"#, #"{"0":{"power_limit_mw":2e5}}"#, #"{"0":{"power_limit_mw":99999999999}}"#,
            #"{"0":200000}"#,
        ])
    func oddLimit(_ text: String) throws {
        #expect(try #require(look(limits(text)).outcome).devices[0].limit == .unknown)
    }

    private func limits(_ text: String) -> DeviceTurn<DeviceFindings> { look(Self.discovery, nil, DeviceAnswer(200, text)) }
    private func look(_ turn: DeviceTurn<DeviceFindings>) -> DeviceTurn<DeviceFindings> { turn }

    @Test(
        "a power that isn't there is none, and never 0",
        arguments: [
            #"{}"#, #"{"power_mw":{}}"#, #"{"power_mw":{"0":null}}"#, #"{"power_mw":{"0":"75000"}}"#, #"{"power_mw":{"0":-5}}"#,
        ])
    func oddPower(_ text: String) throws {
        #expect(try #require(look(Self.discovery, nil, nil, DeviceAnswer(200, text)).outcome).devices[0].power == nil)
    }

    @Test("a power of 0 is a reading")
    func zeroPower() throws {
        let turn = look(Self.discovery, nil, nil, DeviceAnswer(200, #"{"power_mw":{"0":0}}"#))
        #expect(try #require(turn.outcome).devices[0].power == .zero)
    }

    @Test("a look that is answered badly is no look, and says why")
    func badLooks() {
        let cases: [(DeviceAnswer, DeviceProblem)] = [
            (DeviceAnswer(401), .denied(status: 401)),
            (DeviceAnswer(500, "x"), .troubled(status: 500, words: "x", retryAfter_s: 0)),
            (DeviceAnswer(200, "["), .garbled("it is no JSON")), (DeviceAnswer(200, ""), .garbled("it is empty")),
            (DeviceAnswer(200, "{}"), .garbled("/discover has neither gpus nor gpu_ids")),
            (DeviceAnswer(404), .absent(status: 404)),
            (DeviceAnswer(301), .garbled("HTTP 301 is no answer to this")),
        ]
        for (answer, problem) in cases { #expect(hold(Zeusd.Look(), [answer]).turn.problem == problem) }
    }

    @Test("a limit is sent in whole milliwatts, waits for the driver, and counts when it is read back (P4)")
    func write() throws {
        let (turn, asked) = hold(
            Zeusd.Write(Microwatts(150_000_999), for: "1"),
            [DeviceAnswer(200), DeviceAnswer(200, #"{"1":{"power_limit_mw":149500}}"#)])
        #expect(
            asked.map(\.path) == [
                "/gpu/set_power_limit?gpu_ids=1&power_limit_mw=150000&block=true", "/gpu/get_power_limit?gpu_ids=1",
            ])
        #expect(asked[0].method == .post && asked[1].method == .get)
        #expect(turn.outcome == .set(Microwatts(149_500_000)))
    }

    @Test("what a refused write says of itself is told; only a refusal is known to have changed nothing")
    func refusedWrites() throws {
        let cases: [(answers: [DeviceAnswer], words: String, isWithoutEffect: Bool)] = [
            (
                [DeviceAnswer(400, #"{"errors":{"1":"NVML error: a parameter is invalid"}}"#)],
                "it refuses that (HTTP 400): NVML error: a parameter is invalid", true
            ),
            ([DeviceAnswer(403)], "it doesn't allow that (HTTP 403): the login needs the right to configure", true),
            ([DeviceAnswer(404)], "it doesn't have that (HTTP 404)", true),
            ([DeviceAnswer(500, "GPU 1 fell off the bus")], "it can't at present (HTTP 500): GPU 1 fell off the bus", false),
            (
                [DeviceAnswer(200), DeviceAnswer(500)],
                "its answer is not what is documented: the limit can't be read back: HTTP 500", false
            ),
            (
                [DeviceAnswer(200), DeviceAnswer(200, "{}")],
                "its answer is not what is documented: the limit can't be read back", false
            ),
        ]
        for item in cases {
            let problem = try #require(hold(Zeusd.Write(.watts(150), for: "1"), item.answers).turn.problem)
            #expect(problem.words == item.words)
            #expect(problem.isWithoutEffect == item.isWithoutEffect)
        }
    }
}
