import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

extension Moment {
    /// What clocks on the wall show isn't asked for.
    fileprivate static func at(_ seconds: Int64) -> Moment {
        Moment(seconds: seconds, local: LocalTime(year: 1970, month: 1, day: 1))
    }
}

extension Series.Point {
    fileprivate init(_ seconds: Int64, _ watts: UInt64?) { self.init(seconds: seconds, power: watts.map { .watts($0) }) }
}

struct SeriesTests {
    /// A gap from 200 to 300; over at 500, a hundred after its last point.
    private static let points = [Series.Point(100, 80), Series.Point(200, nil), Series.Point(300, 160), Series.Point(400, 120)]

    private func source(
        _ points: [Series.Point] = points, _ onStale: StaleAction = .floor, staleAfter: Milliseconds = .seconds(60)
    ) -> DataSource {
        DataSource(data: SourceData(.series(Series(points))), peak: .watts(150), staleAfter: staleAfter, onStale: onStale)
    }

    @Test(
        "a value holds from its second until the next one, the last for as long as the one before, and then until it is stale",
        arguments: [
            (100, 80, nil, false, 0), (199, 80, nil, false, 0), (300, 150, nil, false, 0), (399, 150, nil, false, 0),
            (400, 120, nil, false, 0), (499, 120, nil, false, 0), (500, 120, .ended, true, 0), (559, 120, .ended, true, 59),
            (560, 0, .ended, false, 60), (1_000_000, 0, .ended, false, 999_500), (200, 0, .gap, false, 0),
            (299, 0, .gap, false, 99),
            (99, 0, .notBegun, false, 0), (0, 0, .notBegun, false, 0),
        ] as [(Int64, UInt64, SourceLack.Cause?, Bool, UInt64)])
    func value(_ seconds: Int64, _ watts: UInt64, _ cause: SourceLack.Cause?, _ isHeld: Bool, _ age: UInt64) {
        let reading = source().reading(at: .at(seconds))
        #expect(reading.power == .watts(watts))
        #expect(reading.lack?.cause == cause)
        #expect(reading.lack?.isHeld ?? false == isHeld)
        #expect(reading.age == .seconds(age))
    }

    @Test(
        "before the first value nothing was ever good: whatever ON_STALE says, there is nothing",
        arguments: [
            StaleAction.floor, .hold, .power(.watts(50)),
        ])
    func notBegun(_ onStale: StaleAction) {
        #expect(source(Self.points, onStale).reading(at: .at(99)).power == .zero)
        let gapFirst = [Series.Point(0, nil), Series.Point(100, 80)]
        #expect(source(gapFirst, onStale).reading(at: .at(50)).power == .zero)
    }

    @Test("what was good before a gap is found, over several points that say there is nothing")
    func lastGood() {
        let points = [Series.Point(100, 80), Series.Point(200, nil), Series.Point(250, nil), Series.Point(300, 70)]
        let reading = source(points, .hold).reading(at: .at(260))
        #expect(reading.power == .watts(80))
        #expect(reading.age == .seconds(60))
    }

    @Test("a single point holds until it is stale, as nothing says for how long it is")
    func single() {
        let one = source([Series.Point(100, 80)])
        #expect(one.reading(at: .at(100)).power == .watts(80))
        #expect(one.reading(at: .at(159)).power == .watts(80))
        #expect(one.reading(at: .at(160)).power == .zero)
    }

    @Test("each step is known before it comes, until the last value is stale")
    func steps() {
        var steps: [Int64] = []
        var at: Int64 = 0
        while let next = source().nextStep(after: .at(at)) {
            steps.append(next)
            at = next
        }
        #expect(steps == [100, 200, 300, 400, 500, 560])
        #expect(source(staleAfter: Milliseconds(0)).nextStep(after: .at(400)) == 500)
        #expect(source(staleAfter: Milliseconds(0)).nextStep(after: .at(500)) == nil)
    }

    @Test(
        "P16: data that can't be had any newer are followed until they are stale; then what they gave last is the most there is",
        arguments: [
            (.floor, 0), (.hold, 80), (.power(.watts(60)), 60), (.power(.watts(90)), 80),
        ] as [(StaleAction, UInt64)])
    func outdated(_ onStale: StaleAction, _ watts: UInt64) {
        var source = source(Self.points, onStale)
        source.data.outdated = SourceData.Outdated(since: .at(90), stale: .at(150))
        #expect(source.reading(at: .at(80)).age == .seconds(0))
        let followed = source.reading(at: .at(149))
        #expect(followed.power == .watts(80) && followed.lack == nil && followed.age == .seconds(59))
        // At 300 the old data would give 150 W.
        for seconds: Int64 in [150, 300, 10_000] {
            let reading = source.reading(at: .at(seconds))
            #expect(reading.power == .watts(watts))
            #expect(reading.lack == SourceLack(cause: .outdated, isHeld: false, lastGood: .watts(80)))
        }
        #expect(source.nextStep(after: .at(100)) == 150)
        #expect(source.nextStep(after: .at(150)) == nil)
    }

    @Test("where nothing is followed the decision's reason is that the source is stale, and the floor's where that is more")
    func reason() {
        for function in ReferenceFunction.allCases {
            let policy = PowerPolicy.test { $0.pmaxFunction = function }
            func reason(_ onStale: StaleAction, at seconds: Int64) -> Reason {
                decide(devices: [.test()], policy: policy, reading: source(Self.points, onStale).reading(at: .at(seconds)))
                    .reason
            }
            #expect(reason(.floor, at: 450) == .source)
            #expect(reason(.floor, at: 600) == .floor)
            #expect(reason(.hold, at: 600) == .stale)
        }
    }
}
