internal import JSON
internal import Policy
internal import PowercapProtocol
internal import Text

/// What came of a recording and of configurations that it was run through, side by side.
struct ReplayReport {
    struct Column {
        let name: String
        let outcome: Replay.Outcome
    }

    let recording: Recording
    /// The recording itself comes first.
    let columns: [Column]

    /// For people: a line for each figure, a column for each configuration.
    func writeTable(to output: inout Output) {
        let samples = recording.samples
        let (first, last) = (samples[0].time_ms, samples[samples.count - 1].time_ms)
        output.append(
            sentence:
                "\(samples.count) samples of \(recording.devices.kindWords) from \(Instant(first / 1_000).text) to "
                + "\(Instant(last / 1_000).text)" + unknownWords)
        output.append("\n")
        let label = 26
        let width = max(14, (columns.map(\.name.printable.utf8.count).max() ?? 0) + 2)
        output.append(left: "", width: label)
        for column in columns { output.append(column.name.printable, width: width) }
        output.append("\n")
        for row in ReplayReport.rows + (recording.hasMeter ? ReplayReport.serverRows : []) {
            output.append(left: row.label, width: label)
            for column in columns { output.append(row.text(column.outcome), width: width) }
            output.append("\n")
        }
        output.append("\n")
        output.append(
            sentence:
                "A device at its limit doesn't show what it would have drawn without: where a configuration gives it more, it would have "
                + "drawn between the least and the most.")
    }

    private var unknownWords: String {
        let outcome = columns[0].outcome
        let known = outcome.counted_ms + outcome.unknown_ms
        guard known > 0, outcome.unknown_ms > 0 else { return "." }
        return "; of \(percent(outcome.unknown_ms, of: known)) of the time it isn't known what was drawn: it is left out."
    }

    private struct Row: Sendable {
        let label: String
        let text: @Sendable (Replay.Outcome) -> String
    }

    private static let rows = [
        Row(label: "energy, at least") { Energy.words($0.least) },
        Row(label: "energy, at most") { Energy.words($0.most) },
        Row(label: "less than was drawn") { Energy.words($0.drawn - min($0.drawn, $0.least)) },
        Row(label: "limits allow") { Energy.words($0.allowed) },
        Row(label: "at the limit, at least") { percent($0.limited_ms, of: $0.counted_ms) },
        Row(label: "at the limit, at most") { percent($0.limited_ms + $0.perhapsLimited_ms, of: $0.counted_ms) },
        Row(label: "changes an hour") { $0.changesAnHour },
    ]

    /// Of the whole server, where it was metered.
    private static let serverRows = [
        Row(label: "server, at least") { $0.server.map { Energy.words($0.least) } ?? "-" },
        Row(label: "server, at most") { $0.server.map { Energy.words($0.most) } ?? "-" },
        Row(label: "of it beside its devices") { $0.server.map { Energy.words($0.rest) } ?? "-" },
        Row(label: "above its limit, at most") { outcome in
            outcome.server.flatMap { server in server.above_ms.map { percent($0, of: server.counted_ms) } } ?? "-"
        },
    ]

    /// For programs: docs/formats.md describes it.
    func writeJSON(to output: inout Output) {
        output.append(
            JSON.object([
                JSON.Member("format", .number("1")),
                JSON.Member("samples", .number("\(recording.samples.count)")),
                JSON.Member("first", .text(Instant(recording.samples[0].time_ms / 1_000).text)),
                JSON.Member("last", .text(Instant(recording.samples[recording.samples.count - 1].time_ms / 1_000).text)),
                JSON.Member("packages", .list(recording.devices.map { .text($0.name.text) })),
                JSON.Member("outcomes", .list(columns.map(\.json))),
            ]).bytes)
        output.append("\n")
    }
}

extension ReplayReport.Column {
    fileprivate var json: JSON {
        func number(_ name: String, _ value: some BinaryInteger) -> JSON.Member { JSON.Member(name, .number("\(value)")) }
        let server = outcome.server.map { server in
            JSON.object([
                number("energy_least_j", server.least / 1_000_000_000), number("energy_most_j", server.most / 1_000_000_000),
                number("rest_j", server.rest / 1_000_000_000), number("counted_ms", server.counted_ms),
                JSON.Member("above_limit_ms", server.above_ms.map { .number("\($0)") } ?? .null),
            ])
        }
        return .object([
            JSON.Member("name", .text(name)),
            number("energy_least_j", outcome.least / 1_000_000_000), number("energy_most_j", outcome.most / 1_000_000_000),
            number("drawn_j", outcome.drawn / 1_000_000_000), number("allowed_j", outcome.allowed / 1_000_000_000),
            number("counted_ms", outcome.counted_ms), number("unknown_ms", outcome.unknown_ms),
            number("limited_ms", outcome.limited_ms), number("perhaps_limited_ms", outcome.perhapsLimited_ms),
            number("changes", outcome.changes), number("span_ms", outcome.span_ms), JSON.Member("server", server ?? .null),
        ])
    }
}

extension Replay.Outcome {
    fileprivate var changesAnHour: String {
        span_ms == 0 ? "-" : decimal((changes * 36_000_000 + span_ms / 2) / span_ms, places: 1)
    }
}

private func percent(_ part: UInt64, of whole: UInt64) -> String {
    whole == 0 ? "-" : fixed((part * 1_000 + whole / 2) / whole, places: 1) + " %"
}

extension [Device] {
    /// `one package`, `2 packages and 4 GPUs`
    var kindWords: String {
        DeviceKind.allCases.compactMap { kind in
            let count = count { $0.kind == kind }
            let noun = kind == .gpu ? "GPU" : kind.rawValue
            return count == 0 ? nil : count == 1 ? "one \(noun)" : "\(count) \(noun)s"
        }.joined(separator: " and ")
    }
}
