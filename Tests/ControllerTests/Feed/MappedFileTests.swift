import Foundation
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import Signals
@testable import powercap_controller

private func settings(_ more: [String: String], series: Bool = true) throws(UsageError) -> Settings {
    var environment = series ? ["SOURCE": "series", "SERIES_FILE": "/file"] : ["SOURCE": "schedule", "SCHEDULE_FILE": "/file"]
    environment["MAX_SOURCE"] = "300W"
    environment.merge(more) { $1 }
    return try Settings(flags: [:], environment: { environment[$0] })
}

private func points(_ text: String, _ more: [String: String], series: Bool = true, modified: Int64 = 0) throws
    -> SourceData.Points
{
    try #require(SourceFile(try settings(more, series: series))).points(in: Array(text.utf8), modified: modified)
}

/// Files that a service's answer is, by the options that say so.
struct MappedFileTests {
    private static let start: Int64 = 1_781_560_800

    @Test("a document's values are watts times a factor, at most MAX_SOURCE, and below 0 they are none")
    func watts() throws {
        let text = #"{"v": [[1781560800, 0.25], [1781561700, "-0.5"], [1781562600, 7], [1781563500, null]]}"#
        let expected = Series(
            [
                Series.Point(seconds: Self.start, power: .watts(250)), Series.Point(seconds: Self.start + 900, power: .zero),
                Series.Point(seconds: Self.start + 1_800, power: .watts(300)),
                Series.Point(seconds: Self.start + 2_700, power: nil),
            ], end: Self.start + 3_600)
        let mapping = ["SOURCE_VALUE": "$.v[*][1]", "SOURCE_TIME": "$.v[*][0]", "SOURCE_FACTOR": "1000"]
        #expect(try points(text, mapping) == .series(expected))
    }

    @Test("with SIGNAL_MAP they are what that makes of them")
    func mapped() throws {
        let mapping = ["SOURCE_VALUE": "$.v", "SIGNAL_MAP": "100:300W,400:80W"]
        guard case .series(let series) = try points(#"{"v": 400}"#, mapping, modified: 77) else { return }
        #expect(series.datum(at: 77) == .power(.watts(80), signal: 400))
    }

    @Test("a value of now is of the time at which its file was written, for STALE_AFTER, and of nothing before and after")
    func now() throws {
        let mapping = ["SOURCE_PRESET": "home-assistant", "STALE_AFTER": "90s"]
        guard case .series(let series) = try points(#"{"state": "120"}"#, mapping, modified: 1_000) else { return }
        #expect(series.datum(at: 999) == .none(.notBegun, last: nil))
        #expect(
            series.datum(at: 1_000) == .power(.watts(120), signal: nil)
                && series.datum(at: 1_089) == .power(.watts(120), signal: nil))
        #expect(series.datum(at: 1_100) == .none(.gap, last: Datum.Last(power: .watts(120), ended_s: 10)))
        #expect(series.nextStep(after: 1_000, staleAfter_s: 90) == 1_090)
        let atOnce = try points(#"{"state": "120"}"#, mapping.merging(["STALE_AFTER": "0"]) { $1 }, modified: 1_000)
        guard case .series(let series) = atOnce else { return }
        #expect(series.datum(at: 1_000) == .none(.ended, last: Datum.Last(power: .watts(120), ended_s: 0)))
    }

    @Test("a file's time of change is what its value of now goes by, and one in the future is none")
    func modified() throws {
        let place = try TemporaryDirectory()
        let path = place.path + "/answer.json"
        try #"{"state": "120"}"#.write(toFile: path, atomically: true, encoding: .utf8)
        let file = try #require(SourceFile(try settings(["SOURCE_PRESET": "home-assistant", "SERIES_FILE": path])))
        for (written, expected) in [
            (Date(timeIntervalSince1970: 1_000), 1_000...1_000), (Date(timeIntervalSince1970: 7e9), 1_700_000_000...Int64(4e9)),
        ] {
            try FileManager.default.setAttributes([.modificationDate: written], ofItemAtPath: path)
            guard case .series(let series) = try file.points() else { return }
            let first = try #require(
                [1_000, Int64(Date().timeIntervalSince1970) + 1].first { series.datum(at: $0) != .none(.notBegun, last: nil) })
            #expect(expected.contains(first))
        }
    }

    @Test("a day of periods with numbers is a schedule, a volume being a share of the day's largest")
    func periods() throws {
        let text = "Period,Volume (MWh),Price (€/MWh)\n00:00-12:00,25,10\n12:00-24:00,100,-3\n"
        func powers(_ more: [String: String]) throws -> [UInt64] {
            guard
                case .schedule(let schedule) = try points(
                    text, more.merging(["SOURCE_PRESET": "origin-epex"]) { $1 }, series: false)
            else { return [] }
            return [11, 13].compactMap { (hour: Int32) in
                let local = LocalTime(year: 2026, month: 6, day: 16, hour: hour)
                if case .power(let power, _) = schedule.datum(at: local) { return power.rawValue / 1_000_000 }
                return nil
            }
        }
        #expect(try powers([:]) == [25, 100])
        #expect(try powers(["SOURCE_FACTOR": "2"]) == [50, 200])
        #expect(try powers(["SIGNAL_MAP": "share"]) == [75, 300])
        #expect(try powers(["SOURCE_COLUMN": "Price (€/MWh)", "SIGNAL_MAP": "0:300W,10:80W"]) == [80, 300])
    }

    @Test(
        "P11: what can't be read is said in a sentence with what to do",
        arguments: [
            ("<html><body>502", ["SOURCE_VALUE": "$.v"], "begins with \"<html>\""),
            ("{\"v\":", ["SOURCE_VALUE": "$.v"], "is no JSON from byte 6 on"),
            ("", ["SOURCE_VALUE": "$.v"], "is empty"),
            (#"{"error":"no such zone"}"#, ["SOURCE_VALUE": "$.v"], "the answer says \"no such zone\""),
            ("[1,2,3]", ["SOURCE_VALUE": "$[*]"], "has 3 values at SOURCE_VALUE, and none has a time"),
            ("[[1]]", ["SOURCE_VALUE": "$[*]"], "has an object or a list, and no number, at SOURCE_VALUE, of [0]"),
            ("[]", ["SOURCE_VALUE": "$[*]", "SOURCE_TIME": "$[*]"], "has no value where one is looked for"),
            (
                "[[\"x\",1]]", ["SOURCE_VALUE": "$[*][1]", "SOURCE_TIME": "$[*][0]"],
                "has \"x\" where SOURCE_TIME looks for a time, of [0]"
            ),
            ("[[1]]", ["SOURCE_VALUE": "$[*][0]", "SOURCE_TIME": "$[*][1]"], "has a value without a time, of [0]"),
            (
                "[[1781560800,1],[1781560800,2]]", ["SOURCE_VALUE": "$[*][1]", "SOURCE_TIME": "$[*][0]"],
                "has two values of 2026-06-15T22:00:00Z, 1.0 and 2.0"
            ),
            ("[1]", ["SOURCE_VALUE": "$[*]", "SOURCE_TIME": "key"], "SOURCE_TIME=key looks for an object"),
            ("[1]", ["SOURCE_VALUE": "$[*]", "SOURCE_START": "$.t", "SOURCE_STEP": "PT1H"], "has no time at SOURCE_START"),
            (
                "t,v\n2026-06-15T22:00Z,\"1\n", ["SOURCE_TIME": "t", "SOURCE_COLUMN": "v"],
                "line 2: a quotation mark is not closed"
            ),
            ("t,v\nsoon,1\n", ["SOURCE_TIME": "t", "SOURCE_COLUMN": "v"], "line 2: \"soon\" is no time"),
            ("t,v\n2026-06-15T22:00Z,1 W\n", ["SOURCE_TIME": "t", "SOURCE_COLUMN": "v"], "line 2: \"1 W\" is no number"),
            (
                "t,w\n", ["SOURCE_TIME": "t", "SOURCE_COLUMN": "v"],
                "line 1: SOURCE_COLUMN, \"v\", is none of its names: there is \"w\""
            ),
            ("t,v\n", ["SOURCE_TIME": "t", "SOURCE_COLUMN": "v"], "has no line with a value"),
            (String(repeating: " ", count: 1 << 20 + 1), ["SOURCE_VALUE": "$.v"], "is larger than 1 MiB"),
            (String(repeating: "[", count: 100), ["SOURCE_VALUE": "$.v"], "is larger"),
        ] as [(String, [String: String], String)])
    func sentences(_ text: String, _ mapping: [String: String], _ words: String) {
        let problem = #expect(throws: DataProblem.self) { try points(text, mapping) }
        #expect(problem?.words.contains(words) == true, "\(problem?.words ?? "none")")
        #expect(problem?.words.contains("\n") == false)
    }

    @Test(
        "P11: options that make no sense together are refused by name",
        arguments: [
            (["SOURCE_FACTOR": "2"], "SOURCE_FACTOR=\"2\" has no effect: give SOURCE_PRESET, SOURCE_VALUE or SOURCE_TIME, too"),
            (["SOURCE_NULL": "zero"], "SOURCE_NULL=\"zero\" has no effect"), (["SOURCE_TIME": "$.t"], "give SOURCE_VALUE"),
            (["SOURCE_TIME": "key"], "give SOURCE_VALUE"),
            (["SOURCE_TIME": "t"], "nothing names the values': give SOURCE_COLUMN"),
            (["SOURCE_TIME": "t", "SOURCE_COLUMN": "v", "SOURCE_STEP": "$.s"], "is no single duration"),
            (["SOURCE_TIME": "t", "SOURCE_COLUMN": "v", "SOURCE_STEP": "PT1H PT2H"], "is no single duration"),
            (["SOURCE_TIME": "t", "SOURCE_COLUMN": "v", "SOURCE_START": "$.s"], "is for documents"),
            (["SOURCE_VALUE": "$.v", "SOURCE_TIME": "t"], "is no path, which begins with $"),
            (["SOURCE_VALUE": "$.v", "SOURCE_COLUMN": "v"], "SOURCE_COLUMN=\"v\" names a table's column"),
            (["SOURCE_VALUE": "$.v", "SOURCE_START": "$.s"], "give SOURCE_STEP"),
            (["SOURCE_VALUE": "$.v", "SOURCE_STEP": "PT1H"], "has no effect without SOURCE_TIME or SOURCE_START"),
            (["SOURCE_VALUE": "$.v", "SOURCE_STAMP": "end"], "has no effect without SOURCE_TIME or SOURCE_START"),
            (["SOURCE_VALUE": "$.v", "SOURCE_TIMEZONE": "UTC"], "has no effect without SOURCE_TIME or SOURCE_START"),
            (["SOURCE_VALUE": "$.v", "SOURCE_TIME": "now", "SOURCE_START": "$.s"], "has no effect with SOURCE_TIME=now"),
            (["SOURCE_PRESET": "entsoe-file", "SOURCE_VALUE": "$.v"], "is a path, and a table has columns"),
            (["SOURCE_PRESET": "entsoe-file", "SOURCE_TIME": "key"], "is no column's name"),
            (["SOURCE_PRESET": "origin-epex"], "give SOURCE=schedule and SCHEDULE_FILE"),
            (
                ["SOURCE": "static", "SERIES_FILE": "", "SOURCE_PRESET": "sma"],
                "SOURCE_PRESET=\"sma\" has no effect with SOURCE=\"static\""
            ),
            (
                ["SOURCE": "static", "SERIES_FILE": "", "SOURCE_FACTOR": "2"],
                "SOURCE_FACTOR=\"2\" has no effect with SOURCE=\"static\""
            ),
        ] as [([String: String], String)])
    func contradictions(_ mapping: [String: String], _ words: String) {
        let error = #expect(throws: UsageError.self) { try settings(mapping) }
        #expect(error?.sentence.contains(words) == true, "\(error?.sentence ?? "none")")
    }

    @Test("P16: what is missing isn't taken for 0 where that gives more than a map's least power")
    func nulls() {
        func sentence(_ map: String, _ more: [String: String]) -> String? {
            do { _ = try settings(more.merging(["SOURCE_VALUE": "$.v", "SIGNAL_MAP": map]) { $1 }) } catch {
                return error.sentence
            }
            return nil
        }
        let zero = ["SOURCE_NULL": "zero"]
        #expect(
            sentence("100:300W,400:80W", zero)
                == "SOURCE_NULL=\"zero\" takes what is missing for 0, of which SIGNAL_MAP makes 300 W, more than its least power: give "
                + "SOURCE_NULL=none, or a map with its least power at 0")
        #expect(sentence("below 200:300W,above 250:80W", zero) != nil && sentence("-100:300W,100:80W", zero) != nil)
        #expect(sentence("100:300W,400:80W", ["SOURCE_PRESET": "sma"])?.hasPrefix("SOURCE_PRESET=\"sma\" takes") == true)
        for map in ["0:80W,400:300W", "below 200:80W,above 250:300W", "share", "-400:300W,0:80W"] {
            #expect(sentence(map, zero) == nil)
        }
        #expect(sentence("100:300W,400:80W", ["SOURCE_PRESET": "sma", "SOURCE_NULL": "none"]) == nil)
        #expect(sentence("100:300W,400:80W", [:]) == nil)
    }

    @Test(
        "P11: so are those that a schedule can't go by",
        arguments: [
            (["SOURCE_VALUE": "$.v"], "has no effect with SOURCE=schedule"),
            (["SOURCE_PRESET": "sma"], "has points in time and no periods"),
            (["SOURCE_PRESET": "origin-epex", "SOURCE_STEP": "PT1H"], "has no effect with SOURCE=schedule"),
        ] as [([String: String], String)])
    func noPeriods(_ mapping: [String: String], _ words: String) {
        let error = #expect(throws: UsageError.self) { try settings(mapping, series: false) }
        #expect(error?.sentence.contains(words) == true, "\(error?.sentence ?? "none")")
    }

    @Test("a line of an environment file has a path as it is, but for backslashes, which are written twice")
    func environmentFile() throws {
        let path = "$[0].v[*].p[?@.type=='IMPORT'].v['it\\'s'][-1]"
        let assignments = try EnvironmentFile.parse(Array("SOURCE_VALUE=\(path.replacing("\\", with: "\\\\"))\n".utf8))
        #expect(assignments.map(\.value) == [path])
    }

    @Test("a path is refused at the character at which it goes wrong")
    func path() {
        let error = #expect(throws: UsageError.self) { try settings(["SOURCE_VALUE": "$.a..b"]) }
        #expect(
            error?.sentence.hasPrefix("SOURCE_VALUE=\"$.a..b\" is no path from character 5 on (`..` would") == true,
            "\(error?.sentence ?? "")")
    }
}

struct SourcePresetTests {
    @Test("every preset can be read, and what is said instead wins over it", arguments: SourcePreset.all.map(\.name))
    func presets(_ name: String) throws {
        let preset = try #require(SourcePreset.named(name))
        if case .periods = preset.shape {
            #expect(try settings(["SOURCE_PRESET": name], series: false).configuration.sourceMapping?.periods != nil)
            return
        }
        let mapping = try #require(try settings(["SOURCE_PRESET": name]).configuration.sourceMapping)
        #expect(mapping.reader != nil && mapping.periods == nil)
        #expect(try settings(["SOURCE_PRESET": name, "SOURCE_FACTOR": "7"]).configuration.sourceMapping != mapping)
        if case .document = preset.shape {
            let alone = ["SOURCE_VALUE": "$.x", "SOURCE_TIME": "now", "SOURCE_FACTOR": "7", "SOURCE_NULL": "none"]
            let other = try settings(["SOURCE_VALUE": "$.x", "SOURCE_TIME": "now", "SOURCE_FACTOR": "7"]).configuration
                .sourceMapping
            // With every field said it is what these alone say, but for the stamp, which a value of now has no use for.
            if preset.stamp == .start {
                #expect(try settings(alone.merging(["SOURCE_PRESET": name]) { $1 }).configuration.sourceMapping == other)
            }
        }
    }

    @Test("an address has https unless it is on the spot, and its blanks are what a person fills in")
    func addresses() {
        for preset in SourcePreset.all {
            for url in preset.url.split(separator: " ") {
                #expect(url.hasPrefix("https://") || url.hasPrefix("http://{host}"), "\(preset.name)")
            }
        }
        #expect(SourcePreset.named("uk-carbon-intensity")?.blanks == [])
        #expect(SourcePreset.named("nord-pool")?.blanks == ["area"])
        #expect(SourcePreset.named("open-meteo")?.blanks == ["latitude", "longitude", "tilt", "azimuth"])
    }

    @Test("P11: what a person has to fill in of an address is named, and what the service asks for")
    func blanks() throws {
        func sentence(_ preset: String) -> String? {
            let environment = ["SOURCE": "http", "SOURCE_PRESET": preset]
            do { _ = try Settings(flags: [:], environment: { environment[$0] }) } catch { return error.sentence }
            return nil
        }
        #expect(
            sentence("electricity-maps")
                == "SOURCE_PRESET=\"electricity-maps\" leaves {zone} of its address to be filled in: give SOURCE_URL, such as "
                + "https://api.electricitymaps.com/v3/carbon-intensity/forecast?zone={zone}&disableCallerLookup=true; the service asks for "
                + "a header `auth-token: TOKEN`")
        for preset in SourcePreset.all where !preset.url.isEmpty {
            #expect((sentence(preset.name) == nil) == preset.blanks.isEmpty, "\(preset.name)")
        }
        #expect(sentence("entsoe-file")?.hasPrefix("SOURCE=\"http\" asks a service, but neither SOURCE_URL nor") == true)
    }
}
