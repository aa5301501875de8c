import HTTP
import JSON
import Policy
import PowercapProtocol
import Testing

@testable import powercap_controller

struct RedfishTests {
    private static let path = "/redfish/v1/Systems/1/Processors/GPU_0/EnvironmentMetrics"

    private static func metrics(_ excerpt: String, _ reading: String = #"{"Reading":231.5}"#) -> String {
        ##"{"@odata.type":"#EnvironmentMetrics.v1_3_0.EnvironmentMetrics","EnergykWh":[],"PowerWatts":\##(reading),"PowerLimitWatts":\##(excerpt)}"##
    }

    private static let usual = metrics(
        #"{"SetPoint":700,"DefaultSetPoint":650,"AllowableMin":200,"AllowableMax":700,"ControlMode":"Automatic"}"#)

    private func device(_ document: String, at path: String = path) throws -> FoundDevice {
        try #require(hold(Redfish.Look(from: path), [DeviceAnswer(200, document)]).turn.outcome?.devices.first)
    }

    @Test("a GPU is known by its resource's path, with range, limit and power in watts")
    func whole() throws {
        let gpu = try device(Self.usual)
        #expect(gpu.kind == .redfish && gpu.handle == Self.path && gpu.name == "GPU_0")
        #expect(gpu.identity == "Systems/1/Processors/GPU_0")
        #expect(gpu.limit == .set(.watts(700)) && gpu.power == Microwatts(231_500_000))
        #expect(gpu.least == .watts(200) && gpu.most == .watts(700) && gpu.standard == .watts(650))
        #expect(gpu.isSettable && gpu.mode == "Automatic" && gpu.step == .watts(1))
    }

    @Test(
        "what PowerLimitWatts says: missing members, texts for numbers, and words that are none",
        arguments: [
            (#"{}"#, ServedLimit.unknown), (#"{"SetPoint":null}"#, .unknown), (#"{"SetPoint":"700"}"#, .unknown),
            (#"{"SetPoint":0}"#, .unknown), (#"{"SetPoint":-3}"#, .unknown),
            (#"{"SetPoint":700.5}"#, .set(Microwatts(700_500_000))),
            (#"{"SetPoint":7e2}"#, .set(.watts(700))), (#"{"SetPoint":1e99}"#, .unknown),
            (#"{"SetPoint":700,"ControlMode":"Disabled"}"#, .off), (#"{"SetPoint":null,"ControlMode":"Disabled"}"#, .off),
            (#"{"SetPoint":700,"ControlMode":"Manual"}"#, .set(.watts(700))),
            (#"{"SetPoint":700,"ControlMode":7}"#, .set(.watts(700))),
            (#"{"SetPoint":[700]}"#, .unknown), (#"{"AllowableMax":1200,"DefaultSetPoint":1200}"#, .unknown),
        ])
    func excerpts(_ excerpt: String, _ limit: ServedLimit) throws { #expect(try device(Self.metrics(excerpt)).limit == limit) }

    @Test(
        "a power that isn't there is none, and never 0",
        arguments: ["{}", "[]", #"{"Reading":null}"#, #"{"Reading":"231"}"#, #"{"Reading":-1}"#])
    func oddPower(_ reading: String) throws { #expect(try device(Self.metrics("{}", reading)).power == nil) }

    @Test("a chassis is a server that is measured; the chassis of a GPU is a GPU")
    func chassis() throws {
        let reading = ##"{"@odata.type":"#EnvironmentMetrics.v1_3_0.EnvironmentMetrics","PowerWatts":{"Reading":512.5}}"##
        let server = try device(reading, at: "/redfish/v1/Chassis/1/EnvironmentMetrics")
        #expect(server.kind == .redfishServer && !server.isSettable && server.power == Microwatts(512_500_000))
        let gpu = try device(Self.usual, at: "/redfish/v1/Chassis/HGX_GPU_SXM_3/EnvironmentMetrics")
        #expect(gpu.kind == .redfish && gpu.isSettable && gpu.name == "HGX_GPU_SXM_3")
    }

    @Test("a collection is walked: processors that are GPUs count, each once, and links that lead elsewhere aren't followed")
    func walk() throws {
        func link(_ path: String) -> String { #"{"@odata.id":"\#(path)"}"# }
        let root = "/redfish/v1/Systems/1"
        let members = [
            "\(root)/Processors/GPU_0", "\(root)/Processors/CPU_0", "\(root)/Processors/GPU_0/", "https://elsewhere/redfish/v1/x",
            "/admin", "/redfish/v1/../etc", "/redfish/v1/a?b",
        ]
        let (turn, asked) = hold(
            Redfish.Look(from: root),
            [
                DeviceAnswer(200, #"{"Processors":\#(link("\(root)/Processors"))}"#),
                DeviceAnswer(200, #"{"Members":[\#(members.map(link).joined(separator: ","))]}"#),
                DeviceAnswer(200, #"{"ProcessorType":"GPU","EnvironmentMetrics":\#(link(Self.path))}"#),
                DeviceAnswer(
                    200, #"{"ProcessorType":"CPU","EnvironmentMetrics":\#(link("\(root)/Processors/CPU_0/EnvironmentMetrics"))}"#),
                DeviceAnswer(200, Self.usual),
            ])
        #expect(turn.outcome?.devices.map(\.handle) == [Self.path])
        #expect(
            asked.map(\.path) == [root, "\(root)/Processors", "\(root)/Processors/GPU_0", "\(root)/Processors/CPU_0", Self.path])
    }

    @Test("a service that links on and on is left at a bound")
    func endless() {
        var (talk, count) = (Redfish.Look(from: "/redfish/v1/a"), 0)
        while case .ask = talk.turn, count < 10_000 {
            let links = (0..<8).map { #"{"@odata.id":"/redfish/v1/a\#(count)/\#($0)"}"# }.joined(separator: ",")
            talk.take(DeviceAnswer(200, #"{"Members":[\#(links)]}"#))
            count += 1
        }
        #expect(count == Redfish.Look.mostResources)
    }

    @Test("one of several that can't be read is told and the others count; one that is gone is gone; a refused login ends it")
    func someUnread() throws {
        let known = [0, 1, 2].map { "/redfish/v1/Systems/1/Processors/GPU_\($0)/EnvironmentMetrics" }
        func look(_ status: Int) -> DeviceTurn<DeviceFindings> {
            hold(
                Redfish.Look(from: "/redfish/v1/Systems", known: known),
                [DeviceAnswer(200, Self.usual), DeviceAnswer(status), DeviceAnswer(200, Self.usual)]
            ).turn
        }
        let troubled = try #require(look(503).outcome)
        #expect(troubled.devices.map(\.handle) == [known[0], known[2]] && Set(troubled.unread.keys) == [known[1]])
        let gone = try #require(look(404).outcome)
        #expect(gone.devices.map(\.handle) == [known[0], known[2]] && gone.unread.isEmpty)
        #expect(look(401).problem == .denied(status: 401))
    }

    private func write(
        _ answers: [DeviceAnswer], _ wanted: ServedLimit = .set(Microwatts(450_999_999)), mode: String? = nil
    ) -> (turn: DeviceTurn<ServedLimit>, asked: [DeviceRequest]) {
        hold(Redfish.Write(wanted, mode: mode, for: Self.path), answers)
    }

    private static let readBack = DeviceAnswer(200, metrics(#"{"SetPoint":450,"ControlMode":"Automatic"}"#))

    @Test("a limit is sent in whole watts, under the tag that was read, and counts when it is read back (P4)")
    func change() {
        for answer in [DeviceAnswer(200, "{}"), DeviceAnswer(204)] {
            let (turn, asked) = write([DeviceAnswer(200, Self.usual, tag: "\"7\""), answer, Self.readBack])
            #expect(turn.outcome == .set(.watts(450)))
            #expect(asked.map(\.method) == [.get, .patch, .get] && asked[1].tag == "\"7\"")
            #expect(asked[1].body == ["PowerLimitWatts": ["SetPoint": .number("450")]])
        }
    }

    @Test("the tag may be a member of the resource, and there may be none")
    func tags() {
        let inside = Self.usual.dropLast() + #","@odata.etag":"W/\"9\""}"#
        #expect(write([DeviceAnswer(200, String(inside)), DeviceAnswer(204), Self.readBack]).asked[1].tag == "W/\"9\"")
        #expect(write([DeviceAnswer(200, Self.usual), DeviceAnswer(204), Self.readBack]).asked[1].tag == nil)
    }

    @Test("a control that enforces nothing is switched on with the limit, and off again when that is put back")
    func modes() {
        let off = DeviceAnswer(200, Self.metrics(#"{"SetPoint":700,"ControlMode":"Disabled"}"#))
        #expect(
            write([off, DeviceAnswer(204), Self.readBack]).asked[1].body
                == ["PowerLimitWatts": ["SetPoint": .number("450"), "ControlMode": "Automatic"]])
        let (turn, asked) = write([DeviceAnswer(200, Self.usual), DeviceAnswer(204), off], .off, mode: "Disabled")
        #expect(asked[1].body == ["PowerLimitWatts": ["ControlMode": "Disabled"]] && turn.outcome == .off)
        #expect(
            write([DeviceAnswer(200, Self.usual), DeviceAnswer(204), Self.readBack], mode: "Override").asked[1].body
                == ["PowerLimitWatts": ["SetPoint": .number("450"), "ControlMode": "Override"]])
    }

    @Test("who was overtaken reads again, and gives up when that happens each time")
    func conflicts() {
        let read = DeviceAnswer(200, Self.usual, tag: "\"7\"")
        #expect(
            write([read, DeviceAnswer(412), read, DeviceAnswer(412), read, DeviceAnswer(204), Self.readBack]).turn.outcome
                == .set(.watts(450)))
        let (turn, asked) = write([read, DeviceAnswer(412), read, DeviceAnswer(412), read, DeviceAnswer(412), read])
        #expect(turn.problem == .refused(status: 412, words: nil) && asked.count == 6)
    }

    @Test("a task is asked for until it has ended, and then what is in force counts")
    func tasks() throws {
        let read = DeviceAnswer(200, Self.usual)
        let running = #"{"TaskState":"Running"}"#
        let place = "/redfish/v1/TaskService/TaskMonitors/1"
        let cases: [(last: DeviceAnswer, isDone: Bool)] = [
            (DeviceAnswer(200, #"{"TaskState":"Completed"}"#), true), (DeviceAnswer(204), true), (DeviceAnswer(404), true),
            (DeviceAnswer(200, #"{"TaskState":"Exception","Messages":[{"Message":"no"}]}"#), false), (DeviceAnswer(400), false),
            (DeviceAnswer(500), false), (DeviceAnswer(200, #"{"TaskState":"Killed"}"#), false),
        ]
        for item in cases {
            let (turn, asked) = write([
                read, DeviceAnswer(202, running, location: place), DeviceAnswer(202, running), DeviceAnswer(200, running),
                item.last, Self.readBack,
            ])
            #expect(turn.outcome == (item.isDone ? .set(.watts(450)) : nil))
            #expect(asked[2...4].allSatisfy { $0.path == place })
        }
        #expect(write([read, DeviceAnswer(202, "{}")]).turn.problem != nil)
        // Where a task is, it is on the same service.
        let absolute = write([read, DeviceAnswer(202, location: "https://bmc:443\(place)"), DeviceAnswer(204), Self.readBack])
        #expect(absolute.asked[2].path == place)
    }

    @Test("what a service says of a refusal is told, cut and without what a terminal would obey")
    func words() throws {
        let said =
            #"{"error":{"message":"general","@Message.ExtendedInfo":[{"Message":"The value 9 is out of range.\u001b[2J"}]}}"#
        let problem = try #require(write([DeviceAnswer(200, Self.usual), DeviceAnswer(400, said)]).turn.problem)
        #expect(problem.words.hasPrefix("it refuses that (HTTP 400): The value 9 is out of range."))
        #expect(!problem.words.unicodeScalars.contains { $0.value < 0x20 } && problem.isWithoutEffect)
        let general = write([DeviceAnswer(200, Self.usual), DeviceAnswer(400, #"{"error":{"message":"general"}}"#)]).turn.problem
        #expect(general == .refused(status: 400, words: "general"))
        #expect(
            write([DeviceAnswer(200, Self.usual), DeviceAnswer(400, "<html>")]).turn.problem == .refused(status: 400, words: nil))
    }

    @Test("a resource without a limit isn't written to")
    func nothingToSet() {
        let (turn, asked) = write([DeviceAnswer(200, #"{"PowerWatts":{"Reading":5}}"#)])
        #expect(turn.problem == .absent(status: 404) && asked.count == 1)
    }
}
