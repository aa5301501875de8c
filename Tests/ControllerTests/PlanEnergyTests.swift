import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import Text
@testable import powercap_controller

/// What `plan` adds up of a day.
struct PlanEnergyTests {
    private func line(_ limit: UInt64, of ceiling: UInt64, signal: Double? = nil) -> Plan.Line {
        Plan.Line(
            moment: Moment(seconds: 0), source: .watts(limit), signal: signal,
            decision: Decision(
                source: .watts(limit), reference: .watts(ceiling), floor: .zero, ceiling: .watts(ceiling),
                nodeLimit: .watts(limit),
                reason: .source, floorsExceedBudget: false, devices: []))
    }

    @Test("energy is the limit times the time, beside the ceiling's")
    func energy() {
        var energy = PlanEnergy()
        energy.note(line(100, of: 400), for: .hour)
        energy.note(line(300, of: 400), for: .seconds(1_800))
        #expect(energy.sentence(unit: nil) == "What is drawn is at most 250.000 Wh, of 600.000 Wh without limits (42 %).")
        energy.note(line(4_000, of: 4_000), for: .hour)
        #expect(energy.sentence(unit: nil) == "What is drawn is at most 4.250 kWh, of 4.600 kWh without limits (92 %).")
    }

    @Test(
        "a signal that is so much for each unit of energy is added up, over the time it is there; nothing else is",
        arguments: [
            ("gCO2/kWh", ": at most 35.0 gCO2 of 80.0 gCO2."), ("EUR/MWh", ": at most 0.035 EUR of 0.080 EUR."),
            ("p/Wh", ": at most 35000 p of 80000 p."), ("W/m2", "."), ("percentile", "."), ("/kWh", "."), ("a/b/kWh", "."),
        ])
    func weighed(_ unit: String, _ ending: String) {
        var energy = PlanEnergy()
        energy.note(line(100, of: 400, signal: 200), for: .hour)
        energy.note(line(300, of: 0, signal: 50), for: .hour)
        energy.note(line(300, of: 0), for: .hour)
        energy.note(line(300, of: 0, signal: .nan), for: .hour)
        #expect(energy.sentence(unit: EnergyUnit(unit)).hasSuffix("(250 %)\(ending)"))
    }

    @Test("a price below 0 is what one is given")
    func negative() {
        var energy = PlanEnergy()
        energy.note(line(1_000, of: 2_000, signal: -30), for: .hour)
        #expect(energy.sentence(unit: EnergyUnit("EUR/MWh")).hasSuffix(": at most -0.030 EUR of -0.060 EUR."))
    }

    @Test(
        "a signal's scale has round steps, at most five, and encloses it",
        arguments: [
            ([95, 310, 420], 0, 500, 100), ([-31.5, 87.2], -50, 100, 50), ([0.21, 0.34], 0.2, 0.35, 0.05), ([42], 40, 60, 20),
            ([0], 0, 0.5, 0.5), ([1_000_000, 1_000_001], 1_000_000, 1_000_001, 0.5),
        ] as [([Double], Double, Double, Double)])
    func axis(_ signals: [Double], _ bottom: Double, _ top: Double, _ step: Double) throws {
        let axis = try #require(SignalAxis(covering: signals.map { Optional($0) } + [nil, .nan]))
        #expect(abs(axis.bottom - bottom) < 1e-9 && abs(axis.top - top) < 1e-9, "\(axis)")
        #expect(abs(axis.ticks[1] - axis.ticks[0] - step) < 1e-9, "\(axis)")
        #expect(axis.ticks.count <= 7)
        for signal in signals { #expect(0...1 ~= axis.height(of: signal)) }
    }

    @Test("where nothing is known there is no scale")
    func noAxis() { #expect(SignalAxis(covering: [nil, .nan, .infinity]) == nil) }
}

extension ProcessTimeZone {
    struct PlanTextTests {
        private func chart(_ arguments: [String]) throws -> String {
            let outcome = try Executable.run(
                ["plan", "--format", "chart", "--assume-packages", "2", "--date", "2026-06-21", "--max-source", "280W"]
                    + arguments)
            #expect(outcome.status == 0)
            return outcome.output
        }

        @Test("a plan as a chart for a terminal is the golden one, of a curve and of a signal")
        func golden() throws {
            try Fixture.expect(chart(["--timezone", "Europe/Berlin"]), isGolden: "plan/chart.txt")
            let signal = [
                "--timezone", "UTC", "--source", "series", "--series-file", Fixture.path("sources/carbon.csv"), "--signal-map",
                "100:280W,400:80W", "--signal-unit", "gCO2/kWh",
            ]
            try Fixture.expect(chart(signal), isGolden: "plan/chart-signal.txt")
        }

        @Test("a chart has no line wider than a terminal, whatever the days", arguments: [1, 2, 3, 5, 12, 31])
        func width(_ days: Int) throws {
            for line in try chart(["--timezone", "UTC", "--days", "\(days)"]).split(separator: "\n") {
                #expect(line.utf8.count <= 80, "\(line)")
            }
        }
    }
}
