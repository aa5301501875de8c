import Foundation
import TestSupport
import Testing

@testable import Signals

/// Answers in the shapes of real services, each read by its configuration alone. What is expected is worked out by expected.py, which knows
/// no paths.
struct ExampleTests {
    /// A row of expected.json.
    struct Row: Decodable, CustomTestStringConvertible, Sendable {
        struct Configuration: Decodable, Sendable {
            let time, value, start, null, stamp: String?
            let step: [String]?
            let factor: Double?
            let columns: [[String]]?
            let only: [Filter]?
        }

        struct Filter: Decodable, Sendable {
            let filter: Table.Filter

            init(from decoder: any Decoder) throws {
                var container = try decoder.unkeyedContainer()
                filter = Table.Filter(try container.decode(String.self), try container.decode([String].self))
            }
        }

        let file: String
        let configuration: Configuration
        let points: [[Double?]]?
        let end: Int64?
        let now: Double?
        let error: String?

        var testDescription: String { file }

        func reader() throws -> SignalReader {
            let shape: SignalReader.Shape
            if let columns = configuration.columns {
                shape = .table(
                    TableShape(
                        Table.Columns(time: columns[0], value: columns[1], only: configuration.only?.map(\.filter) ?? [])))
            } else {
                let time: DocumentShape.Time? = try configuration.time.map { $0 == "key" ? .key : .path(try SignalPath($0)) }
                shape = .document(
                    DocumentShape(
                        value: try SignalPath(#require(configuration.value)), time: time,
                        start: try configuration.start.map { try SignalPath($0) },
                        steps: try configuration.step?.map { .path(try SignalPath($0)) } ?? []))
            }
            return SignalReader(
                shape, factor: configuration.factor ?? 1,
                nulls: try #require(SignalReader.Nulls(rawValue: configuration.null ?? "none")),
                stamp: try #require(SignalReader.Stamp(rawValue: configuration.stamp ?? "start")))
        }
    }

    static let rows: [Row] = {
        let data = FileManager.default.contents(atPath: Fixture.path("signals/expected.json")) ?? Data()
        return (try? JSONDecoder().decode([Row].self, from: data)) ?? []
    }()

    private static func bytes(_ file: String) throws -> [UInt8] {
        Array(try #require(FileManager.default.contents(atPath: Fixture.path("signals/\(file)"))))
    }

    @Test("an answer is what an independent program makes of it", arguments: rows)
    func example(_ row: Row) throws {
        let reader = try row.reader()
        if let words = row.error {
            #expect(throws: SignalProblem.says(words)) { try reader.read(Self.bytes(row.file)) }
            return
        }
        let signal = try reader.read(Self.bytes(row.file))
        guard let points = row.points else {
            #expect(signal == .now(row.now))
            return
        }
        let expected = points.map { Signal.Point(seconds: Int64($0[0] ?? -1), value: $0[1]) }
        #expect(signal == .points(expected, end: try #require(row.end)))
    }

    @Test("every answer and every table beside it is read")
    func complete() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Fixture.path("signals"))
        let read = Set(Self.rows.map(\.file))
        for file in files where !file.hasPrefix("expected.") && !file.hasPrefix("entsoe-a44") && !file.hasPrefix("entsoe-ack") {
            #expect(read.contains(file) || file.hasPrefix("origin-epex"), "\(file)")
        }
        #expect(read.count { $0.hasSuffix(".json") } == 33)
    }

    @Test("what isn't JSON is said to be what it is", arguments: ["entsoe-a44.xml", "entsoe-acknowledgement-no-data.xml"])
    func markup(_ file: String) throws {
        let reader = SignalReader(.document(DocumentShape(value: try SignalPath("$.price"))))
        let problem = #expect(throws: SignalProblem.self) { try reader.read(Self.bytes(file)) }
        guard case .markup(let words)? = problem else { return #expect(problem == .markup("")) }
        #expect(words.hasPrefix("<?xml version=\"1.0\" encoding=") && words.hasSuffix("?>"))
    }
}
