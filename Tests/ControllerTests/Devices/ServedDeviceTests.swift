import HTTP
import Policy
import PowercapProtocol
import Testing

@testable import powercap_controller

struct DeviceTests {
    private let address: DeviceAddress

    init() throws { address = try DeviceAddress("unix:/z") }

    private static func found(_ limit: ServedLimit, power: Microwatts? = .watts(75)) -> FoundDevice {
        FoundDevice(
            kind: .zeusd, handle: "0", identity: "0000:01:00.0", name: "0000:01:00.0", step: Microwatts(1_000), isSettable: true,
            least: .watts(100), most: .watts(300), limit: limit, power: power)
    }

    private func device(_ limit: ServedLimit = .set(.watts(300))) -> ServedDevice {
        ServedDevice(Self.found(limit), address: address)
    }

    @Test("ids are names of at most 63 bytes, and longer ones differ where the devices do")
    func ids() throws {
        #expect(device().id == "zeusd:0000:01:00.0")
        let bmc = try DeviceAddress("https://bmc-of-node-117.management.cluster.example.org/redfish/v1/Systems")
        let ids = ["Systems/HGX_Baseboard_0/Processors/GPU_SXM_1", "Systems/HGX_Baseboard_1/Processors/GPU_SXM_1"].map {
            identity in
            var found = Self.found(.unknown)
            found = FoundDevice(
                kind: .redfish, handle: identity, identity: identity, name: "GPU_SXM_1", step: .watts(1), isSettable: true,
                limit: .unknown)
            return ServedDevice.id(of: found, at: bmc)
        }
        #expect(
            ids[0] != ids[1]
                && ids.allSatisfy { Name($0) != nil && $0.hasSuffix("/Processors/GPU_SXM_1") && $0.hasPrefix("redfish:") })
    }

    @Test("one write is under way at a time, and of what is asked for meanwhile the latest counts")
    func oneAtATime() {
        var device = device()
        device.ask(ServedDevice.Wanted(limit: .set(.watts(200))))
        device.begin()
        device.ask(ServedDevice.Wanted(limit: .set(.watts(180))))
        device.ask(ServedDevice.Wanted(limit: .set(.watts(150))))
        #expect(device.toSend == nil && device.isWriting)
        device.end(.set(.watts(200)))
        #expect(device.toSend == ServedDevice.Wanted(limit: .set(.watts(150))) && device.limit == .set(.watts(200)))
        device.begin()
        device.end(.set(.watts(150)))
        #expect(!device.isWriting && device.limit == .set(.watts(150)) && device.lastWrite == nil)
    }

    @Test("what may be in force is the largest of what was read, sent and asked for")
    func mayHold() {
        var device = device(.set(.watts(200)))
        device.ask(ServedDevice.Wanted(limit: .set(.watts(250))))
        #expect(device.mayHold == .watts(250))
        device.begin()
        device.ask(ServedDevice.Wanted(limit: .set(.watts(120))))
        #expect(device.mayHold == .watts(250))
        device.end(.set(.watts(250)))
        #expect(device.mayHold == .watts(250))
        device.begin()
        device.end(.set(.watts(120)))
        #expect(device.mayHold == .watts(120))
    }

    @Test("P4: more than was asked for isn't in force; a little less is")
    func clamped() {
        for (readBack, code) in [
            (ServedLimit.set(.watts(220)), ErrorCode.notInForce), (.set(Microwatts(199_999_500)), nil), (.set(.watts(200)), nil),
            (.off, .notInForce),
        ] as [(ServedLimit, ErrorCode?)] {
            var device = device()
            device.ask(ServedDevice.Wanted(limit: .set(.watts(200))))
            device.begin()
            device.end(readBack)
            #expect(device.lastWrite == code && device.limit == readBack)
        }
    }

    @Test("a refusal changes nothing; after silence both limits may be in force until a later look shows which")
    func doubt() {
        var device = device()
        device.ask(ServedDevice.Wanted(limit: .set(.watts(200))))
        device.begin()
        device.end(DeviceProblem.refused(status: 400, words: nil))
        #expect(!device.isWriting && device.limit == .set(.watts(300)) && device.lastWrite == .writeFailed)

        for problem in [DeviceProblem.late, .failed(.silent), .troubled(status: 500, words: nil, retryAfter_s: 0), .garbled("x")]
        {
            device = self.device()
            device.ask(ServedDevice.Wanted(limit: .set(.watts(200))))
            device.begin()
            device.end(problem)
            #expect(device.isWriting && device.mayHold == .watts(300) && device.lastWrite == .writeFailed)
            // What was read before it ended says nothing.
            _ = device.see(Self.found(.set(.watts(300))), isLater: false)
            #expect(device.isWriting)
            _ = device.see(Self.found(.unknown), isLater: true)
            #expect(device.isWriting)
            _ = device.see(Self.found(.set(.watts(200))), isLater: true)
            #expect(!device.isWriting && device.limit == .set(.watts(200)))
        }
    }

    @Test("a look that began before a write ended doesn't take back what the write has shown")
    func lateLook() {
        var device = device()
        device.ask(ServedDevice.Wanted(limit: .set(.watts(200))))
        device.begin()
        _ = device.see(Self.found(.set(.watts(300))), isLater: true)
        device.end(.set(.watts(200)))
        _ = device.see(Self.found(.set(.watts(300))), isLater: false)
        #expect(device.limit == .set(.watts(200)))
        _ = device.see(Self.found(.set(.watts(300))), isLater: true)
        #expect(device.limit == .set(.watts(300)))
    }

    @Test("what is away for some looks has no limit that is known and no power, never 0; what comes back has them again")
    func away() {
        var device = device()
        for _ in 1..<ServedDevice.mostMissed { _ = device.miss() }
        #expect(device.limit == .set(.watts(300)) && device.power == nil)
        let isMissed = device.miss()
        #expect(isMissed && device.limit == .unknown && device.mayHold == nil)
        let isBack = device.see(Self.found(.set(.watts(300))), isLater: true)
        #expect(isBack && device.limit == .set(.watts(300)) && device.power == .watts(75))
        let losses = [device.lose(), device.lose()]
        #expect(losses == [true, false] && device.isGone)
        let isFound = device.see(Self.found(.set(.watts(250))), isLater: true)
        #expect(isFound && !device.isGone && device.limit == .set(.watts(250)))
    }

    /// A service whose answers come late, are lost or are refused, and which does what it was asked in its own time.
    @Test(
        "whatever is lost or late, what may be in force is never told too low, and all settles at what was asked for last",
        arguments: 0..<200)
    func worlds(_ seed: UInt64) {
        var random = Seeded(seed)
        var (device, inForce) = (device(), Microwatts.watts(300))
        var flight: (limit: Microwatts, isDone: Bool)?
        var last = Microwatts.watts(300)
        for step in 0..<400 {
            let isEnd = step >= 350
            switch random.below(6) {
            case 0 where !isEnd:
                last = .watts(100 + random.below(200))
                device.ask(ServedDevice.Wanted(limit: .set(last)))
            case 1:
                if let wanted = device.toSend {
                    flight = (wanted.limit.power!, false)
                    device.begin()
                }
            case 2:
                if let limit = flight?.limit, flight?.isDone == false {
                    inForce = limit
                    flight?.isDone = true
                }
            case 3:
                guard let now = flight else { break }
                if isEnd || random.below(2) == 0 {
                    if now.isDone {
                        device.end(.set(inForce))
                    } else if !isEnd {
                        device.end(DeviceProblem.refused(status: 400, words: nil))
                    } else {
                        break
                    }
                } else {
                    device.end(random.below(2) == 0 ? .late : .failed(.silent))
                }
                flight = nil
            default: _ = device.see(Self.found(.set(inForce)), isLater: flight == nil)
            }
            #expect(device.mayHold ?? .watts(300) >= inForce)
            if !device.isWriting, device.lastWrite == nil, flight == nil, step > 390 {
                #expect(inForce == last || device.limit == .set(inForce))
            }
        }
    }
}

private struct Seeded {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func below(_ bound: UInt64) -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state % bound
    }
}
