import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

/// Two packages of 100 W: together from 20 W to 200 W.
private let devices = [Device.test(0, reference: 100), .test(1, reference: 100)]

struct ShapeTests {
    /// What is decided of these readings, each at its second; the limit in watts.
    private func limits(
        _ readings: [(second: Double, watts: Double)], _ change: (inout PowerPolicy) -> Void
    ) -> [Double] { decisions(readings, change).map { Double($0.nodeLimit.rawValue) / 1e6 } }

    private func decisions(
        _ readings: [(second: Double, watts: Double)], _ change: (inout PowerPolicy) -> Void
    ) -> [Decision] {
        var last: Decision?
        return readings.map { second, watts in
            let decision = decide(
                devices: devices, policy: .test(change), reading: SourceReading(Microwatts(UInt64(watts * 1e6))), last: last,
                at_ms: Int64(second * 1_000))
            last = decision
            return decision
        }
    }

    @Test("a policy that isn't shaped depends on nothing that was before")
    func off() {
        var generator = SeededGenerator(seed: 5)
        var last: Decision?
        for second in 0..<500 {
            let reading = SourceReading(Microwatts(UInt64.random(in: 0...250_000_000, using: &generator)))
            let alone = decide(devices: devices, policy: .test(), reading: reading)
            #expect(decide(devices: devices, policy: .test(), reading: reading, last: last, at_ms: Int64(second)) == alone)
            #expect(alone.shape == nil)
            last = alone
        }
    }

    @Test("a rise begins when it is seen, however long nobody looked, goes as fast as RAMP_UP, and ends where the source is")
    func rampUp() {
        let seen = limits([(0, 80), (3_600, 120), (3_601, 120), (3_602.5, 120), (3_607.5, 120), (3_608, 120), (9_000, 120)]) {
            $0.rampUp = .watts(5)
        }
        #expect(seen == [80, 80, 85, 92.5, 117.5, 120, 120])
    }

    @Test("a fall goes as fast as RAMP_DOWN, and without it at once")
    func rampDown() {
        let readings: [(Double, Double)] = [(0, 180), (3_600, 60), (3_601, 60), (3_610, 60), (3_612, 60), (3_700, 60)]
        #expect(limits(readings) { $0.rampDown = .watts(10) } == [180, 180, 170, 80, 60, 60])
        #expect(limits(readings) { $0.rampUp = .watts(10) } == [180, 60, 60, 60, 60, 60])
    }

    @Test("a rise that isn't followed ends the fall that it comes in")
    func endOfFall() {
        let readings: [(Double, Double)] = [(0, 180), (1, 60), (7, 122), (8, 122), (9, 126), (10, 126)]
        #expect(
            limits(readings) { ($0.rampDown, $0.deadBand) = (.watts(10), .watts(5)) } == [180, 180, 120, 120, 126, 126])
    }

    @Test("a rise goes no further than the source when it is looked at again, however long that took")
    func cutOff() {
        let seen = limits([(0, 80), (1, 160), (5, 100), (6, 90), (7, 90)]) { ($0.rampUp, $0.rampDown) = (.watts(10), .watts(1)) }
        #expect(seen == [80, 80, 100, 100, 99])
    }

    @Test("what changes its mind on the way is followed from where it is")
    func turn() {
        let seen = limits([(0, 80), (1, 160), (5, 160), (5, 100), (6, 100), (8, 60), (10, 60), (12, 60)]) {
            ($0.rampUp, $0.rampDown) = (.watts(10), .watts(10))
        }
        #expect(seen == [80, 80, 120, 120, 110, 100, 80, 60])
    }

    @Test("a rise is as large as the dead band or isn't there, small ones don't add up to one, and falls are followed exactly")
    func deadBand() {
        let seen = limits([
            (0, 80), (1, 84.9), (2, 84.999999), (3, 85), (4, 84.5), (5, 89.4), (6, 84.4), (7, 89.4), (8, 20), (9, 24), (10, 25),
        ]) { $0.deadBand = .watts(5) }
        #expect(seen == [80, 80, 80, 85, 84.5, 84.5, 84.4, 89.4, 20, 20, 25])
    }

    @Test("a rise that is under way goes on, also where less than the dead band is left of it, or is added to it")
    func deadBandOnTheWay() {
        let seen = limits([(0, 80), (1, 90), (9, 90), (10, 92), (13, 92), (14, 95)]) {
            ($0.deadBand, $0.rampUp) = (.watts(5), .watts(1))
        }
        #expect(seen == [80, 80, 88, 89, 92, 92])
    }

    @Test("after a change nothing rises for MIN_HOLD, and falls at any time")
    func minHold() {
        let decisions = decisions([(0, 80), (1, 100), (2, 140), (30, 90), (89.999, 140), (90, 140), (95, 30)]) {
            $0.minHold = .seconds(60)
        }
        #expect(decisions.map(\.nodeLimit) == [80, 100, 100, 90, 90, 140, 30].map { .watts($0) })
        let policy = PowerPolicy.test { $0.minHold = .seconds(60) }
        #expect(decisions[2].shape?.cause == .minHold && decisions[2].shape?.nextMove(policy) == 61_000)
        #expect(decisions[1].shape?.nextMove(policy) == nil)
    }

    @Test("the hold counts from where a way ended, not from where somebody next looked")
    func holdAfterWay() {
        let seen = limits([(0, 80), (1, 100), (50, 100), (62.999, 120), (63, 120), (64, 120)]) {
            ($0.minHold, $0.rampUp) = (.seconds(60), .watts(10))
        }
        // At its goal at 3 s.
        #expect(seen == [80, 80, 100, 100, 100, 110])
    }

    @Test("a way begins and ends within what can be set: above the ceiling and below the floor there is nothing to go through")
    func range() {
        #expect(limits([(0, 900), (1, 100), (2, 100), (6, 100)]) { $0.rampDown = .watts(25) } == [200, 200, 175, 100])
        #expect(limits([(0, 0), (1, 60), (2, 60)]) { $0.rampUp = .watts(5) } == [20, 20, 25])
        let reasons = decisions([(0, 900), (1, 100), (9, 100), (10, 0), (20, 0)]) { $0.rampDown = .watts(25) }.map(\.reason)
        #expect(reasons == [.ceiling, .shaped, .source, .shaped, .floor])
    }

    @Test("where each package has the source's power, each goes its way")
    func each() {
        let seen = limits([(0, 30), (1, 60), (2, 60), (9, 60)]) { ($0.pmaxFunction, $0.rampUp) = (.max, .watts(10)) }
        #expect(seen == [60, 60, 80, 120])
    }

    @Test("an override counts at once, and what comes after it goes on from there; a pause stops the way")
    func overrides() {
        let policy = PowerPolicy.test { ($0.rampUp, $0.rampDown) = (.watts(10), .watts(10)) }
        var last: Decision?
        func limit(_ second: Int64, _ watts: UInt64, _ overrides: Overrides = Overrides()) -> UInt64 {
            let decision = decide(
                devices: devices, policy: policy, reading: SourceReading(.watts(watts)), overrides: overrides, last: last,
                at_ms: second * 1_000)
            last = decision
            return decision.nodeLimit.rawValue / 1_000_000
        }
        #expect(limit(0, 160) == 160)
        #expect(limit(1, 160, Overrides(limit: .watts(50))) == 50)
        #expect([limit(2, 160), limit(3, 160), limit(5, 160)] == [50, 60, 80])
        #expect([limit(6, 160, Overrides(paused: true)), limit(600, 160, Overrides(paused: true))] == [80, 80])
        #expect([limit(700, 160), limit(701, 160)] == [80, 90])
        #expect(limit(702, 160, Overrides(limit: .watts(150))) == 150)
    }

    @Test("a node without work has its floor, and with the first sign of work what the source's power has come to meanwhile")
    func idle() {
        let policy = PowerPolicy.test { $0.rampUp = .watts(10) }
        var last: Decision?
        func limit(_ second: Int64, _ watts: UInt64, isIdle: Bool) -> UInt64 {
            let decision = decide(
                devices: devices, policy: policy, reading: SourceReading(.watts(watts)), workload: Workload(isIdle: isIdle),
                last: last, at_ms: second * 1_000)
            last = decision
            return decision.nodeLimit.rawValue / 1_000_000
        }
        #expect([limit(0, 80, isIdle: false), limit(1, 80, isIdle: true), limit(2, 160, isIdle: true)] == [80, 20, 20])
        #expect([limit(5, 160, isIdle: false), limit(6, 160, isIdle: true), limit(7, 160, isIdle: false)] == [110, 20, 130])
    }

    @Test("a clock that goes back moves nothing")
    func clock() {
        #expect(limits([(100, 80), (101, 160), (50, 160), (102, 160)]) { $0.rampUp = .watts(10) } == [80, 80, 80, 90])
    }

    @Test("packages that go away, or come, make the limit theirs at once")
    func otherPackages() {
        let policy = PowerPolicy.test { ($0.rampUp, $0.rampDown) = (.watts(1), .watts(1)) }
        let both = decide(devices: devices, policy: policy, reading: SourceReading(.watts(180)))
        let one = decide(devices: [devices[0]], policy: policy, reading: SourceReading(.watts(180)), last: both, at_ms: 1_000)
        #expect(one.nodeLimit == .watts(100))
    }

    @Test("a limit on its way is looked at once a second, and when it is there")
    func moves() {
        let policy = PowerPolicy.test { ($0.rampUp, $0.deadBand) = (.watts(40), .watts(5)) }
        let decisions = decisions([(0, 80), (1, 130), (2, 130), (2.25, 130), (3, 131)]) { $0 = policy }
        #expect(decisions.map { $0.shape?.nextMove(policy) } == [nil, 2_000, 2_250, nil, nil])
        #expect(decisions.map { $0.shape?.arrival(policy) } == [nil, 2_250, 2_250, nil, nil])
        #expect(decisions.map { $0.shape?.cause } == [nil, .rampUp, .rampUp, nil, .deadBand])
    }

    @Test("whatever the source does, the limit is at most what it gives, or falls towards that as fast as it may")
    func bounds() {
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<300 {
            let policy = PowerPolicy.random(&generator)
            var (last, at_ms): (Decision?, Int64) = (nil, 0)
            for _ in 0..<60 {
                let source = Microwatts(UInt64.random(in: 0...250_000_000, using: &generator))
                let decision = decide(
                    devices: devices, policy: policy, reading: SourceReading(source), last: last, at_ms: at_ms)
                let most = min(max(source, decision.floor), decision.ceiling)
                if decision.nodeLimit > most {
                    #expect(policy.rampDown != nil && decision.nodeLimit <= last!.nodeLimit && decision.shape?.goal == most)
                }
                if let last, decision.nodeLimit > last.nodeLimit { #expect(decision.nodeLimit <= max(most, last.shape!.goal)) }
                last = decision
                at_ms += Int64.random(in: 0...20_000, using: &generator)
            }
        }
    }
}

extension PowerPolicy {
    /// Shaped in some way.
    fileprivate static func random(_ generator: inout SeededGenerator) -> PowerPolicy {
        .test { policy in
            policy.rampUp = Bool.random(using: &generator) ? Microwatts(.random(in: 1_000...50_000_000, using: &generator)) : nil
            policy.rampDown =
                Bool.random(using: &generator) ? Microwatts(.random(in: 1_000...50_000_000, using: &generator)) : nil
            policy.deadBand = Microwatts(.random(in: 0...30_000_000, using: &generator))
            policy.minHold = Milliseconds(.random(in: 0...30_000, using: &generator))
        }
    }
}

struct LookAheadTests {
    private static func moment(_ seconds: Int64) -> Moment {
        Moment(seconds: seconds, local: LocalTime(year: 1970, month: 1, day: 1))
    }

    private func source(_ points: [(Int64, UInt64?)], _ policy: PowerPolicy, end: Int64 = 1_000_000) -> any PowerSource {
        let series = Series(points.map { Series.Point(seconds: $0, power: $1.map { .watts($0) }) }, end: end)
        return powerSource(for: policy, data: SourceData(.series(series)))
    }

    private func policy(_ change: (inout PowerPolicy) -> Void) -> PowerPolicy {
        .test {
            ($0.source, $0.maxSource) = (.series, .watts(300))
            change(&$0)
        }
    }

    /// The limits at these seconds, from 0 on.
    private func limits(_ points: [(Int64, UInt64?)], at seconds: [Int64], end: Int64 = 1_000_000, _ policy: PowerPolicy)
        -> [Double]
    {
        var course = Course(devices, policy, source(points, policy, end: end), from: 0, apart: nil, moment: Self.moment)
        return seconds.map { Double(course.decision(at: $0 * 1_000).nodeLimit.rawValue) / 1e6 }
    }

    @Test("a fall that is known is there so much before it happens as is asked for, and with a ramp it begins before that")
    func fall() {
        let points: [(Int64, UInt64?)] = [(0, 160), (1_000, 60)]
        let seconds: [Int64] = [0, 899, 900, 969, 970, 971, 972, 999, 1_000]
        #expect(
            limits(points, at: seconds, policy { $0.lookAhead = .time(.seconds(30)) }) == [
                160, 160, 160, 160, 60, 60, 60, 60, 60,
            ])
        #expect(
            limits(points, at: seconds, policy { ($0.lookAhead, $0.rampDown) = (.time(.seconds(28)), .watts(2)) })
                == [160, 160, 160, 66, 64, 62, 60, 60, 60])
        #expect(
            limits(points, at: [949, 950, 951, 999, 1_000], policy { ($0.lookAhead, $0.rampDown) = (.time(.zero), .watts(2)) })
                == [160, 160, 158, 62, 60])
    }

    @Test("the time window is the packages' longest, and a second where none is known")
    func window() {
        func device(_ number: UInt32, _ window: Milliseconds?) -> Device {
            let range = Device.LimitRange(index: 0, floor: .zero, ceiling: .watts(100), original: nil)
            return Device(
                name: DeviceName(package: number), zone: "", reference: .watts(100), longTerm: range, shortTerm: nil,
                window: window)
        }
        #expect(LookAhead.window.lead_ms([device(0, .seconds(28)), device(1, Milliseconds(976))]) == 28_000)
        #expect(LookAhead.window.lead_ms([device(0, nil)]) == 1_000)
        #expect(LookAhead.off.lead_ms([device(0, .seconds(28))]) == nil)
    }

    @Test("nothing rises above what a fall behind it leaves time for")
    func riseBeforeFall() {
        let points: [(Int64, UInt64?)] = [(0, 60), (100, 160), (120, 40)]
        let policy = policy { ($0.lookAhead, $0.rampDown) = (.time(.zero), .watts(1)) }
        let seconds = Array(Int64(0)...130)
        for (second, limit) in zip(seconds, limits(points, at: seconds, policy)) {
            #expect(limit <= Double(second < 100 ? 60 : second < 120 ? 160 : 40), "\(second) s")
        }
        // Enough time for all of it.
        #expect(limits([(0, 60), (100, 160), (1_000, 40)], at: [100, 879, 880, 881], policy) == [160, 160, 160, 159])
    }

    @Test("a gap is a fall that is known; that the data end is none, because somebody may be about to write more")
    func gap() {
        let policy = policy { $0.lookAhead = .time(.seconds(10)) }
        #expect(limits([(0, 160), (100, nil), (200, 160)], at: [89, 90, 199, 200], policy) == [160, 20, 20, 160])
        #expect(limits([(0, 160)], at: [89, 3_699, 3_700], end: 100, policy) == [160, 160, 20])
    }

    @Test("that a live value won't be fresh any more is no fall, and a fall of the source behind that is one")
    func live() {
        let policy = policy { ($0.lookAhead, $0.rampDown, $0.liveFor) = (.time(.zero), .watts(1), .seconds(60)) }
        let series = Series([Series.Point(seconds: 0, power: .watts(100)), Series.Point(seconds: 200, power: .watts(40))])
        let source = powerSource(
            for: policy, data: SourceData(.series(series)), live: LiveValue(power: .watts(150), since: 0))
        func reading(_ second: Int64) -> SourceReading {
            source.reading(at: Self.moment(second), for: devices, policy, moment: Self.moment)
        }
        #expect(reading(10).foresight?.power == nil && reading(10).nextLook_ms == 70_000)
        #expect(source.reading(at: Self.moment(59)).isLive)
        // 60 W from 100 W in a minute, when the source itself is gone by.
        #expect(reading(139).foresight?.power == nil && reading(140).foresight?.power == .watts(40))
    }

    @Test("a course is the same however often it is asked")
    func sparse() {
        let points: [(Int64, UInt64?)] = [(0, 80), (100, 160), (150, 100)]
        let policy = policy { ($0.rampUp, $0.rampDown) = (.watts(1), .watts(1)) }
        #expect(limits(points, at: [160], policy) == [120])
        #expect(limits(points, at: Array(0...160), policy).last == 120)
    }

    @Test("of several falls in a row each is reached in time")
    func stairs() {
        let points: [(Int64, UInt64?)] = [(0, 200), (200, 150), (220, 100), (240, 50), (400, 200), (410, 30)]
        let policy = policy { ($0.lookAhead, $0.rampDown, $0.rampUp) = (.time(.seconds(2)), .watts(1), .watts(50)) }
        let source = source(points, policy)
        let seconds = Array(Int64(0)...500)
        for (second, limit) in zip(seconds, limits(points, at: seconds, policy)) {
            #expect(Microwatts(UInt64(limit * 1e6)) <= max(source.reading(at: Self.moment(second)).power, .watts(20)))
        }
    }

    @Test("where there was time enough, what is known to fall is never exceeded, whatever else shapes the limit")
    func neverAbove() {
        var generator = SeededGenerator(seed: 21)
        for _ in 0..<100 {
            var policy = PowerPolicy.random(&generator)
            (policy.source, policy.maxSource) = (.series, .watts(250))
            policy.lookAhead = .time(Milliseconds(.random(in: 0...30_000, using: &generator)))
            policy.rampDown = policy.rampDown.map { max($0, .watts(1)) }
            var points: [(Int64, UInt64?)] = [(0, .random(in: 20...250, using: &generator))]
            var second: Int64 = 300
            for _ in 0..<20 {
                points.append(
                    (second, Int.random(in: 0...9, using: &generator) == 0 ? nil : .random(in: 0...250, using: &generator)))
                second += .random(in: 1...120, using: &generator)
            }
            let source = source(points, policy)
            var course = Course(devices, policy, source, from: 0, apart: nil, moment: Self.moment)
            for at in 0...second {
                let decision = course.decision(at: at * 1_000)
                let given = source.reading(at: Self.moment(at)).power
                #expect(
                    decision.nodeLimit <= min(max(given, decision.floor), decision.ceiling), "\(at) s of \(points), \(policy)")
            }
        }
    }

    @Test(
        "a plan's course is what the loop makes, which looks once a second while a limit is on its way, but for what that goes in a second"
    )
    func course() {
        var generator = SeededGenerator(seed: 34)
        for _ in 0..<60 {
            var policy = PowerPolicy.random(&generator)
            (policy.source, policy.maxSource) = (.series, .watts(250))
            if Bool.random(using: &generator) {
                policy.lookAhead = .time(Milliseconds(.random(in: 0...30_000, using: &generator)))
            }
            var points: [(Int64, UInt64?)] = []
            var second: Int64 = 0
            for _ in 0..<20 {
                points.append((second, .random(in: 0...250, using: &generator)))
                second += .random(in: 1...300, using: &generator)
            }
            let source = source(points, policy)
            var course = Course(devices, policy, source, from: 0, apart: nil, moment: Self.moment)
            let step = max(policy.rampUp ?? .zero, policy.rampDown ?? .zero)
            var (last, ask_ms, move_ms): (Decision?, Int64, Int64) = (nil, 0, .max)
            var reading = SourceReading(.zero)
            for at in 0..<second {
                while min(ask_ms, move_ms) <= at * 1_000 {
                    let now_ms = min(ask_ms, move_ms)
                    if ask_ms <= now_ms {
                        let now = Moment(
                            seconds: now_ms / 1_000, nanoseconds: UInt32(now_ms % 1_000) * 1_000_000,
                            local: LocalTime(year: 1970, month: 1, day: 1))
                        reading = source.reading(at: now, for: devices, policy, moment: Self.moment)
                        ask_ms = min(source.nextStep(after: now).map { $0 * 1_000 } ?? .max, reading.nextLook_ms ?? .max)
                    }
                    last = decide(devices: devices, policy: policy, reading: reading, last: last, at_ms: now_ms)
                    move_ms = last?.shape?.nextMove(policy) ?? .max
                }
                let planned = course.decision(at: at * 1_000)
                let apart =
                    planned.nodeLimit > last!.nodeLimit
                    ? planned.nodeLimit - last!.nodeLimit : last!.nodeLimit - planned.nodeLimit
                #expect(apart <= step + Microwatts(1_000), "\(at) s of \(points), \(policy)")
            }
        }
    }
}

extension Milliseconds {
    fileprivate static let zero = Milliseconds(0)
}
