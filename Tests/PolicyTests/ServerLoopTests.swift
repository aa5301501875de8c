import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// A server whose meter lags, averages, rounds and is noisy, with a rest that steps and devices that draw what they may or want.
struct SimulatedServer {
    var limit: Double
    var rest: Double
    var demand: Double
    /// Of what devices draw, on top, before the meter: power supplies.
    var loss = 0.0
    var noise = 0.0
    /// In ticks of half a second.
    var delay = 2
    var meterStep = 1.0
    var floor = 40.0
    var ceiling = 700.0
    var isMeterSilent = false

    private(set) var loop = ServerLoop()
    private(set) var drawn: Double
    private var truth: [Double] = []
    private var draws: [Double] = []
    private(set) var ticks = 0
    private var random: SeededGenerator

    init(limit: Double, rest: Double, demand: Double, seed: UInt64 = 1) {
        (self.limit, self.rest, self.demand, drawn) = (limit, rest, demand, min(demand, 300))
        random = SeededGenerator(seed: seed)
    }

    var power: Double { rest + drawn * (1 + loss) }
    var budget: Double { Double(loop.budget?.rawValue ?? UInt64(ceiling * 1e6)) / 1e6 }
    /// The devices can go no lower.
    var isAtFloor: Bool { budget <= floor }

    /// Half a second: a decision at every fourth.
    mutating func tick() {
        let goal = max(min(demand, budget), 0)
        // A limit is obeyed within a second, and what wakes up is there at once.
        drawn = goal < drawn ? max(goal, drawn - max(drawn - goal, 1) * 0.6) : goal
        truth.append(power)
        draws.append(drawn)
        ticks += 1
        if ticks % 4 != 0 { return }
        let seen = truth.dropLast(min(delay, truth.count - 1)).suffix(2)
        let exact = seen.reduce(0, +) / Double(seen.count) + Double.random(in: -1...1, using: &random) * noise
        let meter = (exact / meterStep).rounded() * meterStep
        let mean = draws.suffix(4).reduce(0, +) / Double(draws.suffix(4).count)
        let now_ms = Int64(ticks) * 500
        loop.note(
            meter: isMeterSilent ? nil : .test(meter), drawn: .test(mean), inForce: .test(budget), at: now_ms)
        _ = loop.divide(.test(limit), floor: .test(floor), ceiling: .test(ceiling), at: now_ms)
    }

    mutating func run(seconds: Int, _ look: (SimulatedServer) -> Void = { _ in }) {
        for _ in 0..<seconds * 2 {
            tick()
            look(self)
        }
    }
}

extension Microwatts {
    fileprivate static func test(_ watts: Double) -> Microwatts { Microwatts(UInt64(max(watts, 0) * 1e6)) }
}

struct ServerLoopTests {
    @Test("the server is at its limit, less the margin, whatever the rest is, and at no time above it")
    func settles() {
        for rest in stride(from: 50.0, through: 350, by: 50) {
            var server = SimulatedServer(limit: 500, rest: rest, demand: 600)
            server.run(seconds: 8)
            server.run(seconds: 200) { #expect($0.power <= 500, "rest \(rest) W, after \($0.ticks / 2) s") }
            #expect(server.power > 485, "rest \(rest) W")
        }
    }

    @Test(
        "random worlds: after a disturbance the server is within its limit by 1 % in 12 s and wholly in 16 s, stays there, and then uses what there is"
    )
    func worlds() {
        for seed in UInt64(0)..<300 {
            var random = SeededGenerator(seed: seed)
            var server = SimulatedServer(limit: 500, rest: 150, demand: 600, seed: seed)
            server.loss = Double.random(in: 0...0.08, using: &random)
            server.noise = Double.random(in: 0...2, using: &random)
            server.delay = Int.random(in: 0...4, using: &random)
            server.meterStep = [0.001, 1, 4].randomElement(using: &random)!
            server.run(seconds: 60)
            for _ in 0..<6 {
                server.limit = .random(in: 350...700, using: &random)
                server.rest = .random(in: 50...300, using: &random)
                server.run(seconds: 12)
                // What the meter doesn't show nobody can take off.
                let unseen = server.noise + server.meterStep / 2 + 0.5
                let disturbed = server.ticks / 2 - 12
                server.run(seconds: 168) {
                    let percent = $0.ticks / 2 - disturbed > 16 ? 0 : 0.01
                    #expect(
                        $0.power <= $0.limit * (1 + percent) + unseen || $0.isAtFloor,
                        "seed \(seed), after \($0.ticks / 2) s: \($0.power) W of \($0.limit) W, \(unseen) W unseen")
                }
                let most = server.rest + server.ceiling * (1 + server.loss)
                #expect(server.power >= min(server.limit * 0.96 - 6, min(most, server.rest + server.demand)), "seed \(seed)")
            }
        }
    }

    @Test("devices whose load comes and goes take the server above its limit by 5 % at most, for 8 s at most")
    func phases() {
        for seed in UInt64(0)..<200 {
            var random = SeededGenerator(seed: seed)
            var server = SimulatedServer(limit: 500, rest: 200, demand: 600, seed: seed)
            server.delay = Int.random(in: 0...4, using: &random)
            server.run(seconds: 60)
            var above = 0
            for _ in 0..<40 {
                server.demand = [30, 100, 250, 600].randomElement(using: &random)!
                server.run(seconds: .random(in: 4...40, using: &random)) {
                    above = $0.power > $0.limit * 1.002 ? above + 1 : 0
                    #expect($0.power <= $0.limit * 1.05 && above <= 16, "seed \(seed), after \($0.ticks / 2) s: \($0.power) W")
                }
            }
        }
    }

    @Test("a rest that nothing can make room for winds nothing up: as soon as it falls the devices have what there is")
    func noWindupAtTheFloor() {
        var server = SimulatedServer(limit: 500, rest: 700, demand: 600)
        server.run(seconds: 3_600)
        #expect(server.budget == server.floor)
        server.rest = 200
        server.run(seconds: 60)
        #expect(server.power > 450)
    }

    @Test("devices that had nothing to do for an hour and wake up find no more than there is")
    func noWindupAtTheCeiling() {
        var server = SimulatedServer(limit: 500, rest: 200, demand: 20)
        server.run(seconds: 3_600)
        server.demand = 600
        server.run(seconds: 60) { #expect($0.power <= 500) }
    }

    @Test("what is too much is cut at once, from what is drawn and not from what was allowed, and once")
    func cut() {
        var loop = ServerLoop()
        func note(_ meter: UInt64, _ drawn: UInt64, _ at_s: Int64) {
            loop.note(meter: .watts(meter), drawn: .watts(drawn), inForce: .watts(300), at: at_s * 1_000)
        }
        func divide(_ at_s: Int64) -> Microwatts {
            loop.divide(.watts(500), floor: .zero, ceiling: .watts(700), at: at_s * 1_000)
        }
        note(480, 280, 0)
        #expect(divide(0) == .watts(300))
        note(550, 280, 2)
        #expect(divide(2) == .watts(225), "55 W above the aim of 495 W, below the 280 W that are drawn")
        note(550, 270, 4)
        #expect(divide(4) == .watts(225), "the devices go down still")
        note(545, 225, 6)
        #expect(divide(6) == .watts(225), "they have, and the meter doesn't show it yet")
        note(530, 225, 10)
        #expect(divide(10) == .watts(190), "it does now: the rest has grown by 35 W")
    }

    /// A loop that is asked every 2 s: its meter, what the devices draw, and what they may have then, in watts. Its clock begins late.
    private struct Steps {
        var loop = ServerLoop()
        var (limit, from_s) = (UInt64(500), Int64(100_000))

        mutating func step(_ at_s: Int64, meter: UInt64?, drawn: UInt64) -> UInt64 {
            let at_ms = (from_s + at_s) * 1_000
            loop.note(meter: meter.map { .watts($0) }, drawn: .watts(drawn), inForce: .watts(300), at: at_ms)
            return divide(at_s)
        }

        mutating func divide(_ at_s: Int64) -> UInt64 {
            loop.divide(.watts(limit), floor: .zero, ceiling: .watts(700), at: (from_s + at_s) * 1_000).rawValue / 1_000_000
        }
    }

    @Test("nothing rises in the first 10 s, nor in 10 s after a rise or a cut: what came of the last change has to be seen first")
    func settling() {
        var steps = Steps()
        for at_s in stride(from: Int64(0), through: 8, by: 2) { #expect(steps.step(at_s, meter: 400, drawn: 300) == 300) }
        // Half of the way to 395 W.
        #expect(steps.step(10, meter: 400, drawn: 300) == 347)
        for at_s in stride(from: Int64(12), through: 18, by: 2) {
            #expect(steps.step(at_s, meter: 447, drawn: 347) == 347, "\(at_s) s")
        }
        #expect(steps.step(30, meter: 447, drawn: 347) == 371)
        var small = Steps()
        for at_s in stride(from: Int64(0), through: 8, by: 2) { #expect(small.step(at_s, meter: 475, drawn: 300) == 300) }
        #expect(small.step(10, meter: 475, drawn: 300) == 310)
        for at_s in stride(from: Int64(12), through: 18, by: 2) {
            #expect(small.step(at_s, meter: 485, drawn: 310) == 310, "\(at_s) s")
        }
        // The rest jumps to 200 W for one look, and the cut stands for 10 s.
        #expect(steps.step(50, meter: 571, drawn: 371) == 295)
        for at_s in stride(from: Int64(52), through: 58, by: 2) {
            #expect(steps.step(at_s, meter: 345, drawn: 295) == 295, "\(at_s) s")
        }
        #expect(steps.step(62, meter: 345, drawn: 295) > 295)
    }

    @Test("devices that don't use what they have get no more, however much room there is")
    func unused() {
        var steps = Steps()
        for at_s in stride(from: Int64(0), through: 60, by: 2) { #expect(steps.step(at_s, meter: 180, drawn: 80) == 300) }
    }

    @Test("a reading that nobody has renewed for 10 s lets nothing rise, and the meter counts as silent")
    func stale() {
        var steps = Steps()
        #expect(steps.step(0, meter: 400, drawn: 300) == 300)
        steps.limit = 900
        #expect(steps.divide(11) == 300)
        _ = steps.step(12, meter: nil, drawn: 300)
        #expect(steps.loop.meter == nil)
    }

    @Test("a meter that says nothing: nothing rises, and after a minute the rest counts as the largest that was seen")
    func silence() {
        var server = SimulatedServer(limit: 500, rest: 300, demand: 600)
        server.run(seconds: 60)
        server.rest = 100
        server.run(seconds: 120)
        #expect(server.budget > 370)
        server.isMeterSilent = true
        let before = server.budget
        server.limit = 600
        server.run(seconds: 50) { #expect($0.budget <= before) }
        #expect(server.budget > 370)
        server.run(seconds: 30)
        #expect(server.budget <= 600 * 0.99 - 299)
        server.limit = 450
        server.run(seconds: 4)
        #expect(server.budget <= 450 * 0.99 - 299, "a limit that falls is followed")
        server.isMeterSilent = false
        (server.limit, server.rest) = (500, 100)
        server.run(seconds: 120)
        #expect(server.power > 480, "and what the meter says counts again")
    }

    @Test("a meter that has never said anything: the devices have no more than the server may, and after a minute their floors")
    func deaf() {
        var server = SimulatedServer(limit: 500, rest: 200, demand: 600)
        server.isMeterSilent = true
        server.run(seconds: 2)
        #expect(server.budget == 495, "from the first decision on, before anything was read")
        server.run(seconds: 48)
        #expect(server.budget == 495)
        server.run(seconds: 30)
        #expect(server.budget == 40)
    }
}
