import Foundation
import TestSupport
import Testing

@testable import Signals
@testable import powercap_controller

/// docs/sources.md's answers of services against the program: what it says of each is what comes of it.
struct AnswersDocumentTests {
    /// A row of the page.
    struct Answer: CustomTestStringConvertible, Sendable {
        let file: String
        let configuration: [String: String]
        let outcome: String
        var testDescription: String { file }

        /// - Parameter cells: file, service, configuration, outcome.
        fileprivate init(_ cells: [String]) {
            file = String(cells[0].dropFirst().dropLast())
            outcome = cells[3]
            // Blanks stand between words, but in quotation marks.
            let parts = cells[2].dropFirst().dropLast().split(separator: "'", omittingEmptySubsequences: false)
            let marked = parts.enumerated().map {
                $0.offset % 2 == 0 ? String($0.element).replacing(" ", with: "\u{1F}") : String($0.element)
            }
            configuration = marked.joined().split(separator: "\u{1F}").reduce(into: [:]) { configuration, word in
                let pair = word.split(separator: "=", maxSplits: 1)
                configuration[String(pair[0])] = String(pair[1])
            }
        }

        var picture: String? {
            outcome.firstRange(of: "](").map { String(outcome[$0.upperBound...].dropLast()) }
        }
    }

    /// What expected.json has of a file: its first row.
    private struct Expected: Decodable {
        let file: String
        let points: [[Double?]]?
    }

    private static let docs = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs")
    private static let page = (try? String(contentsOf: docs.appending(path: "sources.md"), encoding: .utf8)) ?? ""

    private static func table(_ name: String) -> String {
        let part = page.components(separatedBy: "<!-- \(name) -->\n")
        return part.count == 2 ? part[1].components(separatedBy: "<!-- end of \(name) -->")[0] : ""
    }

    static let answers: [Answer] = table("answers").split(separator: "\n").dropFirst(2).map { line in
        // No cell has a bar of its own.
        Answer(line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) })
    }

    private func plan(
        _ answer: Answer, path: String? = nil, date: String, _ more: [String: String] = [:], format: String = "csv", step: String
    ) throws -> Executable.Outcome {
        var environment = [
            "SOURCE": "series", "SERIES_FILE": path ?? Fixture.path("signals/\(answer.file)"), "MAX_SOURCE": "280W",
            "TIMEZONE": "UTC",
        ]
        environment.merge(answer.configuration) { $1 }
        environment.merge(more) { $1 }
        return try Executable.run(
            [
                "plan", "--assume-packages", "1", "--date", date, "--days", format == "csv" ? "2" : "1", "--step", step,
                "--format", format,
            ],
            environment: environment)
    }

    /// Each line's time, power in watts, and signal.
    private func lines(_ outcome: Executable.Outcome) -> [(seconds: Int64, power: Double, signal: Double?)] {
        outcome.output.split(separator: "\n").dropFirst().compactMap { line in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false)
            guard let time = try? Date(String(cells[0]), strategy: .iso8601), let power = Double(cells[1]) else { return nil }
            return (Int64(time.timeIntervalSince1970), power / 1e6, Double(cells[2]))
        }
    }

    @Test("an answer with times is planned as an independent program reads it", arguments: answers.filter { $0.picture != nil })
    func points(_ answer: Answer) throws {
        let rows = try JSONDecoder().decode([Expected].self, from: Data(Fixture.text("signals/expected.json").utf8))
        let expected = try #require(rows.first { $0.file == answer.file }?.points)
        let first = try #require(expected.first?[0])
        let date = String(Date(timeIntervalSince1970: first).ISO8601Format().prefix(10))
        let step = expected.allSatisfy { $0[0]!.truncatingRemainder(dividingBy: 60) == 0 } ? "1m" : "1s"
        let outcome = try plan(answer, date: date, ["STALE_AFTER": "0"], step: step)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let planned = Dictionary(lines(outcome).map { ($0.seconds, $0) }) { first, _ in first }
        for point in expected {
            let line = try #require(planned[Int64(point[0]!)])
            if let value = point[1] {
                let shown = answer.configuration["SIGNAL_MAP"] == nil ? line.power : try #require(line.signal)
                #expect(abs(shown - value) < 0.001, "\(line) \(value)")
            } else {
                #expect(line.power == 0 && line.signal == nil)
            }
        }
    }

    @Test(
        "an answer without times is of the moment at which its file was written, for STALE_AFTER",
        arguments: answers.filter { $0.picture == nil })
    func now(_ answer: Answer) throws {
        let place = try TemporaryDirectory()
        let path = place.path + "/" + answer.file
        try FileManager.default.copyItem(atPath: Fixture.path("signals/\(answer.file)"), toPath: path)
        let written = Date(timeIntervalSince1970: 1_735_732_800)  // 1 January 2025, 12:00 UTC.
        try FileManager.default.setAttributes([.modificationDate: written], ofItemAtPath: path)
        let outcome = try plan(answer, path: path, date: "2025-01-01", step: "1h")
        if let words = answer.outcome.split(separator: "refused: ").first, answer.outcome.hasPrefix("refused: ") {
            #expect(outcome.status == 2 && outcome.output.isEmpty)
            #expect(outcome.errorLine?.hasSuffix("\" \(words)") == true, "\(outcome.errors)")
            return
        }
        #expect(outcome.status == 0, "\(outcome.errors)")
        let powers = lines(outcome).map(\.power)
        #expect(powers.count == 48 && powers[11] == 0 && powers[13] == 0)
        let expected = answer.outcome == "no data" ? 0 : try #require(Double(answer.outcome.dropLast(2)))
        #expect(abs(powers[12] - expected) < 0.001)
        #expect(outcome.output.split(separator: "\n")[13].contains(",source,") == (expected > 10))
    }

    @Test("the pictures are what the program draws", arguments: answers.filter { $0.picture != nil })
    func pictures(_ answer: Answer) throws {
        let date = answer.file.contains("dst") ? "2026-10-25" : "2026-06-16"
        let outcome = try plan(answer, date: date, ["STALE_AFTER": "0", "TIMEZONE": "Europe/Berlin"], format: "svg", step: "5m")
        let picture = try String(contentsOf: Self.docs.appending(path: #require(answer.picture)), encoding: .utf8)
        #expect(outcome.output == picture, "scripts/signals draws them")
    }

    @Test("every answer of the fixtures is described, and every preset is in use")
    func complete() throws {
        let described = Set(Self.answers.map(\.file))
        #expect(Self.answers.count { $0.file.hasSuffix(".json") } >= 31)
        for file in try FileManager.default.contentsOfDirectory(atPath: Fixture.path("signals")) {
            let isAnswer = [".json", ".csv", ".tsv"].contains { file.hasSuffix($0) } && !file.hasPrefix("expected")
            // The login is no signal, and periods are a schedule.
            #expect(
                !isAnswer || described.contains(file) || file == "watttime-login.json" || file.hasPrefix("origin-epex"), "\(file)"
            )
        }
        let presets = Set(Self.answers.compactMap { $0.configuration["SOURCE_PRESET"] })
        #expect(presets == Set(SourcePreset.all.map(\.name)).subtracting(["origin-epex"]))
    }

    @Test("the table of services is that of the presets")
    func services() {
        var table = "| SOURCE_PRESET | what it gives | unit | address | asks for |\n| --- | --- | --- | --- | --- |\n"
        for preset in SourcePreset.all {
            let addresses = preset.url.split(separator: " ").map { "`\($0)`" }.joined(separator: " ")
            table += "| `\(preset.name)` | \(preset.about) | \(preset.unit) | \(addresses.isEmpty ? "–" : addresses) | "
            table += "\(preset.secret.isEmpty ? "–" : preset.secret) |\n"
        }
        #expect(Self.table("services") == table)
    }
}
