import Documents
import JSON
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import JSON
@testable import Policy
@testable import powercap_controller

struct NodeOverridesTests {
    /// What the last of these states of a Node asks for.
    private func read(_ states: [String: String]...) -> (Overrides, [NodeOverride.Rejected]) {
        var reader = OverrideReader()
        var result = OverrideReading()
        for annotations in states { result = reader.read(annotations, at: Clock.Wall(seconds: 0)) }
        return (result.wishes, result.rejected)
    }

    @Test("no annotation, or none of ours, asks for nothing")
    func none() {
        for annotations in [
            [:], ["a": "b", "powercap.dev/effective-limit": "5", "powercap.dev/state": "paused", "paused": "true"],
        ] {
            let (overrides, rejected) = read(annotations)
            #expect(overrides == Overrides())
            #expect(rejected.isEmpty)
        }
    }

    @Test("each override is read as the configuration is")
    func all() {
        let (overrides, rejected) = read([
            "powercap.dev/paused": "true", "powercap.dev/limit": "90W", "powercap.dev/max-source": "120000mW",
            "powercap.dev/min-power": "15000000",
        ])
        #expect(rejected.isEmpty)
        #expect(overrides == Overrides(paused: true, limit: .watts(90), maxSource: .watts(120), minPower: .watts(15)))
        #expect(read(["powercap.dev/paused": "false"]).0 == Overrides())
    }

    @Test(
        "a bad one is told with what would be valid, and nothing comes of it where nothing stood there before; the others count",
        arguments: [
            ("paused", "yes", "is not known: give true or false"), ("paused", "", "is empty: give true or false"),
            ("paused", "TRUE", "is not known: give true or false"), ("limit", "", "is empty: give"),
            ("limit", "90kW ", "is not a power"), ("limit", "-90W", "is negative"),
            ("limit", "90X", "has the unknown unit \"X\""),
            ("limit", "90", "is below"), ("limit", "0", "is below"), ("limit", "2MW", "has the unknown unit"),
            ("limit", "99999999999999999999W", "is above"), ("max-source", "x", "is not a power"),
            ("max-source", "0.5W", "is below 1 W"),
            ("min-power", "999kW", "is above"), ("min-power", "nan", "is not a power"), ("limit", "90W\nevil", "is not a power"),
        ])
    func bad(_ name: String, _ value: String, _ why: String) throws {
        var annotations = ["powercap.dev/paused": "true", "powercap.dev/limit": "90W", "powercap.dev/max-source": "80W"]
        annotations["powercap.dev/\(name)"] = value
        let (overrides, rejected) = read([:], annotations)
        let first = try #require(rejected.first)
        #expect(rejected.count == 1)
        #expect(first.annotation == "powercap.dev/\(name)")
        #expect(first.value == value)
        #expect(first.why.hasPrefix("powercap.dev/\(name)="))
        #expect(first.why.contains(why), "\(first.why)")
        #expect(!first.why.contains("\n"))
        #expect(first.instead == "it is ignored, as nothing stood there before")
        #expect(overrides.paused == (name != "paused"))
        #expect(overrides.limit == (name == "limit" ? nil : .watts(90)))
        #expect(overrides.maxSource == (name == "max-source" ? nil : .watts(80)))
    }

    @Test("P16: a bad value changes nothing: what stood there before holds, until it is removed")
    func keepsLast() throws {
        for (name, good, bad, expected) in [
            ("limit", "60W", "60 X", Overrides(limit: .watts(60))), ("max-source", "60 W", "", Overrides(maxSource: .watts(60))),
            ("min-power", "15W", "15", Overrides(minPower: .watts(15))), ("paused", "true", "ture", Overrides(paused: true)),
        ] {
            func state(_ value: String) -> [String: String] { ["powercap.dev/\(name)": value] }
            let (overrides, rejected) = read(state(good), state(bad))
            #expect(overrides == expected)
            #expect(rejected.map(\.instead) == ["\(good) holds, as before"])
            // One mistake after another.
            #expect(read(state(good), state(bad), state("?")).0 == expected)
            #expect(read([:], state(good), state(bad), [:], state(bad)).0 == Overrides())
            #expect(read(state(bad), state(good)) == (expected, []))
        }
    }

    @Test("P16: where nobody knows what a bad value's limit was before, the floor holds")
    func unknown() {
        let floor = Overrides(limit: .zero)
        for name in ["limit", "max-source"] {
            let (overrides, rejected) = read(["powercap.dev/\(name)": "60 X"])
            #expect(overrides == floor)
            #expect(rejected.map(\.instead) == ["what stood there before isn't known, so the floor holds"])
            #expect(read(["powercap.dev/\(name)": "60 X"], ["powercap.dev/\(name)": "60 Y"]).0 == floor)
            #expect(read(["powercap.dev/\(name)": "60 X"], [:]).0 == Overrides())
        }
        // A limit takes the source's place, and with it that of the peak.
        #expect(read(["powercap.dev/max-source": "x", "powercap.dev/limit": "90W"]).0 == Overrides(limit: .watts(90)))
        // Neither says how much may be taken.
        for name in ["paused", "min-power"] {
            let (overrides, rejected) = read(["powercap.dev/\(name)": "x"])
            #expect(overrides == Overrides())
            #expect(rejected.map(\.instead) == ["it is ignored"])
        }
    }

    @Test("a floor that doesn't fit leaves the last one that did")
    func fitsLast() {
        let devices = [Device.test(0, ceiling: 60)]
        let policy = PowerPolicy.test { $0.maxSource = .watts(100) }
        func floor(_ watts: UInt64, last: UInt64?) -> (Microwatts?, [String]) {
            var overrides = Overrides(minPower: .watts(watts))
            let rejected = overrides.fit(policy, devices, last: last.map { .watts($0) })
            return (overrides.minPower, rejected.map(\.instead))
        }
        #expect(floor(61, last: 50) == (.watts(50), ["50W holds, as before"]))
        #expect(floor(61, last: nil) == (nil, ["it is ignored"]))
        // The packages aren't what they were.
        #expect(floor(61, last: 70) == (nil, ["it is ignored"]))
        #expect(floor(60, last: 50) == (.watts(60), []))
    }

    @Test("a floor that doesn't fit the node is told, and ignored; one that does counts")
    func fit() {
        let devices = [Device.test(0, ceiling: 200), Device.test(1, ceiling: 60), Device.test(2, ceiling: 20, fixed: 20)]
        let policy = PowerPolicy.test { $0.maxSource = .watts(100) }
        func fitted(_ watts: UInt64, maxSource: UInt64? = nil, _ devices: [Device]) -> (Overrides, [String]) {
            var overrides = Overrides(limit: .watts(90), maxSource: maxSource.map { .watts($0) }, minPower: .watts(watts))
            let rejected = overrides.fit(policy, devices)
            #expect(rejected.allSatisfy { $0.annotation == "powercap.dev/min-power" })
            return (overrides, rejected.map(\.why))
        }
        let (good, nothing) = fitted(60, devices)
        #expect(good.minPower == .watts(60))
        #expect(nothing.isEmpty)
        let (above, ceiling) = fitted(61, devices)
        #expect(above == Overrides(limit: .watts(90)))
        #expect(ceiling == ["61W is above the ceiling of package-1: give at most 60 W"])
        #expect(fitted(101, []).1 == ["101W is above the peak of the source, 100 W: give at most that"])
        #expect(fitted(51, maxSource: 50, []).1 == ["51W is above the peak of the source, 50 W: give at most that"])
        // Packages aren't known yet.
        #expect(fitted(61, []).1.isEmpty)
        var none = Overrides()
        #expect(none.fit(policy, devices).isEmpty)
    }

    @Test("powers are read as the table has it, by which kubectl-powercap is tested, too")
    func powers() throws {
        let rows = try #require(try JSON(Array(Fixture.text("overrides/powers.json").utf8)).elements)
        #expect(rows.count > 50)
        let override = try #require(NodeOverride.all.first { $0.name == "limit" })
        for row in rows.compactMap(\.elements) {
            let text = try #require(row[0].text)
            var overrides = Overrides()
            do throws(ValueProblem) {
                try override.read(text, &overrides)
                #expect(overrides.limit?.rawValue == row[1].integer, "\(text)")
            } catch {
                #expect("\(error)".prefix { $0 != "(" } == row[1].text ?? "", "\(text)")
            }
        }
    }

    @Test("docs/kubernetes.md has every annotation that is read, each below what it is about")
    func documented() throws {
        let rows = try Document(page: "docs/kubernetes.md").table("Overrides", startingWith: "annotation")
        let names = NodeOverride.all.flatMap { [$0.annotation] + ($0.until.map { [$0] } ?? []) } + [NodeOverride.reason]
        #expect(rows.map { $0[0] } == names.map { "`\($0)`" })
        #expect(NodeOverride.keys == Set(names))
        #expect(rows.allSatisfy { $0.count == 3 && !$0[2].isEmpty })
    }
}
