import Foundation
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// docs/sources.md against the program: what it shows is what is printed.
struct SourcesDocumentTests {
    private static let docs = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs")
    private static let zones = Fixture.path("zones/two-sockets-psys.json")
    private let page: String

    init() throws { page = try String(contentsOf: Self.docs.appending(path: "sources.md"), encoding: .utf8) }

    /// What the page names, and where that is here.
    private static let files = [
        "node.json": zones, "/etc/powercap/week.csv": Fixture.path("sources/week.csv"),
        "/etc/powercap/series.csv": Fixture.path("sources/series.csv"),
        "/etc/powercap/carbon.csv": Fixture.path("sources/carbon.csv"),
    ]

    /// Each command of the page, with what it is said to print.
    private var examples: [(arguments: [String], output: String)] {
        page.components(separatedBy: "```\n").filter { $0.hasPrefix("$ powercap-controller ") }.map { block in
            let lines = block.replacing("\\\n", with: "").split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
            let words = lines[0].split(separator: " ").dropFirst(2).map { Self.files[String($0)] ?? String($0) }
            return (words, String(lines[1]))
        }
    }

    private func printed(_ arguments: [String]) throws -> String {
        let outcome = try Executable.run(arguments)
        #expect(outcome.status == 0)
        return outcome.output
    }

    @Test("every example is what the program prints")
    func output() throws {
        #expect(examples.count == 7)
        var page = page
        for example in examples {
            let output = try printed(example.arguments)
            if Fixture.areGoldenWritten { page = page.replacing("\n\(example.output)```", with: "\n\(output)```") }
            #expect(Fixture.areGoldenWritten || output == example.output)
        }
        if Fixture.areGoldenWritten {
            try page.write(to: Self.docs.appending(path: "sources.md"), atomically: true, encoding: .utf8)
        }
    }

    @Test("the files that it shows are those that the examples read", arguments: ["week.csv", "series.csv", "carbon.csv"])
    func files(_ name: String) throws {
        #expect(page.contains("<!-- \(name) -->\n```\n\(try Fixture.text("sources/\(name)"))```\n"))
    }

    @Test("the pictures are what the program draws", arguments: ["2026-06-21": "sun-june.svg", "2026-12-21": "sun-december.svg"])
    func pictures(_ date: String, _ name: String) throws {
        #expect(page.contains("(images/\(name))"))
        var arguments = try #require(examples.first { $0.arguments.contains("sun") && $0.arguments.contains(date) }).arguments
        let step = try #require(arguments.firstIndex(of: "--step"))
        arguments[step + 1] = "5m"
        try Fixture.expect(try printed(arguments + ["--format", "svg"]), isGolden: "../../docs/images/\(name)")
    }

    @Test("the table of places has each day's highest power and its energy")
    func places() throws {
        let rows = page.split(separator: "\n").map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
            .filter { $0.count == 5 && $0[2].contains(" W, ") }
        #expect(rows.count == 6)
        for row in rows {
            let place = row[1].components(separatedBy: ", ")
            for (date, cell) in zip(["2026-03-20", "2026-06-21", "2026-12-21"], row.dropFirst(2)) {
                let csv = try printed([
                    "plan", "--source=sun", "--latitude", place[0], "--longitude", place[1], "--timezone=UTC", "--max-source=1kW",
                    "--assume-packages=1", "--date", date, "--step=1m", "--format=csv",
                ])
                let powers = csv.split(separator: "\n").dropFirst().compactMap { Double($0.split(separator: ",")[1]) }
                #expect(powers.count == 1_440)
                let energy = String(format: "%.2f", powers.reduce(0, +) / 60e9)
                #expect(cell == "\(Int(((powers.max() ?? 0) / 1e6).rounded())) W, \(energy) kWh", "\(row[0]) \(date)")
            }
        }
    }

    @Test("every source and every option of a source is described")
    func complete() {
        for name in SourceName.allCases { #expect(page.contains("\n## \(name.rawValue)\n"), "\(name)") }
        for variable in [
            "MAX_SOURCE", "ALPHA", "SOLAR_FROM", "SOLAR_TO", "LATITUDE", "LONGITUDE", "TIMEZONE", "SCHEDULE_FILE", "SERIES_FILE",
            "SOURCE_COLUMN", "SOURCE_PRESET", "SOURCE_VALUE", "SOURCE_TIME", "SOURCE_START", "SOURCE_STEP", "SOURCE_TIMEZONE",
            "SOURCE_STAMP", "SOURCE_NULL", "SOURCE_FACTOR", "SIGNAL_MAP", "POWER_CALC_MODE", "STALE_AFTER", "ON_STALE",
            "RAMP_UP", "RAMP_DOWN", "DEAD_BAND", "MIN_HOLD", "LOOK_AHEAD",
            "DATA_PROVIDER", "PROVIDER_URL", "PROVIDER_PARAMS", "DATA_REFRESH_CRON", "LIVE_FILE", "LIVE_VALUE", "LIVE_FOR",
            "GRANT_URL", "GRANT_SHARDS", "GRANT_TOKEN_FILE", "GRANT_CA_FILE",
        ] {
            #expect(page.contains(variable))
        }
    }
}
