import Testing

@testable import Metrics

struct ExpositionTests {
    private func page(_ format: Format, _ families: [(Family, [Sample])]) -> String {
        var exposition = Exposition(format)
        for (family, samples) in families { exposition.append(family, samples) }
        return String(decoding: exposition.end(), as: UTF8.self)
    }

    /// The value of the only sample.
    private func written(_ value: Value) -> Substring? {
        page(.text, [(Family(.gauge, "x", help: ""), [Sample([], value)])]).split(separator: "\n").last?.dropFirst(2)
    }

    @Test("each kind of family is described as its format has it")
    func kinds() {
        var histogram = Histogram(bounds: [0.1, 1])
        for value in [0.05, 0.1, 0.5, 7] { histogram.note(value) }
        let families: [(Family, [Sample])] = [
            (
                Family(.counter, "a_joules_total", unit: "joules", labels: ["zone"], help: "Energy."),
                [Sample(["0"], .whole(1)), Sample(["1"], .whole(2))]
            ), (Family(.gauge, "b_watts", unit: "watts", help: "Power."), [Sample([], .whole(3))]),
            (Family(.info, "c_info", labels: ["version"], help: "Version."), [Sample(["1.2"], .whole(1))]),
            (Family(.gauge, "d_info", labels: ["state"], help: "State."), [Sample(["on"], .whole(1))]),
            (
                Family(.histogram, "e_seconds", unit: "seconds", labels: ["at"], help: "Time."),
                [Sample(["x"], .histogram(histogram))]
            ),
        ]
        #expect(
            page(.text, families) == """
                # TYPE a_joules_total counter
                # HELP a_joules_total Energy.
                a_joules_total{zone="0"} 1
                a_joules_total{zone="1"} 2
                # TYPE b_watts gauge
                # HELP b_watts Power.
                b_watts 3
                # TYPE c_info gauge
                # HELP c_info Version.
                c_info{version="1.2"} 1
                # TYPE d_info gauge
                # HELP d_info State.
                d_info{state="on"} 1
                # TYPE e_seconds histogram
                # HELP e_seconds Time.
                e_seconds_bucket{at="x",le="0.1"} 2
                e_seconds_bucket{at="x",le="1.0"} 3
                e_seconds_bucket{at="x",le="+Inf"} 4
                e_seconds_sum{at="x"} 7.65
                e_seconds_count{at="x"} 4

                """)
        #expect(
            page(.openMetrics, families) == """
                # TYPE a_joules counter
                # UNIT a_joules joules
                # HELP a_joules Energy.
                a_joules_total{zone="0"} 1
                a_joules_total{zone="1"} 2
                # TYPE b_watts gauge
                # UNIT b_watts watts
                # HELP b_watts Power.
                b_watts 3
                # TYPE c info
                # HELP c Version.
                c_info{version="1.2"} 1
                # TYPE d_info gauge
                # HELP d_info State.
                d_info{state="on"} 1
                # TYPE e_seconds histogram
                # UNIT e_seconds seconds
                # HELP e_seconds Time.
                e_seconds_bucket{at="x",le="0.1"} 2
                e_seconds_bucket{at="x",le="1.0"} 3
                e_seconds_bucket{at="x",le="+Inf"} 4
                e_seconds_sum{at="x"} 7.65
                e_seconds_count{at="x"} 4
                # EOF

                """)
    }

    @Test("a family without samples isn't mentioned, and a page without families is still whole")
    func empty() {
        let family = Family(.gauge, "a", help: "Nothing.")
        #expect(page(.text, [(family, [])]) == "")
        #expect(page(.openMetrics, [(family, [])]) == "# EOF\n")
    }

    @Test("what would end a value or a line is escaped, and nothing else is")
    func escapes() {
        let families = [
            (Family(.gauge, "a", labels: ["b", "c"], help: "A \"b\" \\ c\nd."), [Sample(["x\"y\\z\nµ\t", ""], .whole(1))])
        ]
        #expect(
            page(.text, families) == #"""
                # TYPE a gauge
                # HELP a A "b" \\ c\nd.
                a{b="x\"y\\z\nµ	"} 1

                """#)
        #expect(page(.openMetrics, families).contains(#"# HELP a A \"b\" \\ c\nd."#))
    }

    @Test(
        "an empty label is left out, and labels that are all empty are none",
        arguments: [
            (["", "1", ""], #"a{c="1"} 1"#), (["", "", ""], "a 1"), (["", "", "2"], #"a{d="2"} 1"#),
        ])
    func emptyLabels(_ values: [String], _ line: String) {
        let text = page(.text, [(Family(.gauge, "a", labels: ["b", "c", "d"], help: "."), [Sample(values, .whole(1))])])
        #expect(text.split(separator: "\n").last.map(String.init) == line)
    }

    @Test(
        "decimals are exact, without zeros at the end",
        arguments: [
            (0, 6, "0"), (1, 6, "0.000001"), (119_875_000, 6, "119.875"), (120_000_000, 6, "120"), (125_000, 6, "0.125"),
            (1_000_001, 6, "1.000001"), (10_010_100, 6, "10.0101"), (100_000, 6, "0.1"), (5, 0, "5"), (1_500, 3, "1.5"),
            (.max, 6, "18446744073709.551615"), (.max, 0, "18446744073709551615"), (.max, 19, "1.8446744073709551615"),
        ] as [(UInt64, Int, String)])
    func decimals(_ number: UInt64, _ places: Int, _ text: String) {
        #expect(written(.decimal(number, places: places)).map(String.init) == text)
    }

    @Test(
        "other numbers are written as both formats read them",
        arguments: [
            (.whole(.max), "18446744073709551615"), (.flag(true), "1"), (.flag(false), "0"), (.real(0.1), "0.1"),
            (.real(3), "3.0"),
            (.real(0.000_01), "1e-05"), (.real(1e300), "1e+300"), (.real(-2.5), "-2.5"), (.real(.infinity), "+Inf"),
            (.real(-.infinity), "-Inf"), (.real(.nan), "NaN"),
        ] as [(Value, String)])
    func numbers(_ value: Value, _ text: String) { #expect(written(value).map(String.init) == text) }

    @Test("a histogram takes each value in the lowest bucket that holds it")
    func buckets() {
        var histogram = Histogram(bounds: [1, 2])
        #expect((histogram.counts, histogram.sum) == ([0, 0, 0], 0))
        for value in [0, 1, 1.5, 2, 2.5] { histogram.note(value) }
        #expect((histogram.counts, histogram.sum) == ([2, 2, 1], 7))
    }
}
