internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

enum ReplayFormat: String, CaseIterable, Sendable { case table, json }

enum ReplayFlags {
    static let samples = CommandFlag(
        "--samples", .samplesFile, default: nil, "What `record` wrote; - is standard input. Required.")
    static let compare = CommandFlag(
        "--compare", .environmentFile, default: nil,
        "A second configuration, as a file of variables over the defaults: shown beside the first.")
    static let format = CommandFlag("--format", short: "-o", .choice, default: ReplayFormat.table, "What to print.")
}

extension ValueKind where Value == String? {
    fileprivate static let samplesFile = ValueKind(
        words: ValueWords(noun: "a file's name", placeholder: "FILE", valid: "a file's name, or - for standard input"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { throw .empty }
            return text
        },
        show: { $0 ?? "none" })
}

/// `powercap-controller replay`: the exit status.
func replayCommand(_ invocation: Invocation, settings: Settings) throws(UsageError) -> Int32 {
    let format = try ReplayFlags.format.value(in: invocation)
    guard let path = try ReplayFlags.samples.value(in: invocation) else {
        throw .missingArgument(
            Command.replay.rawValue, ValueWords(noun: "a recording", placeholder: "--samples FILE", valid: "a recording's file"))
    }
    var configurations = [("configured", settings)]
    if let other = try ReplayFlags.compare.value(in: invocation) {
        let compared = try Settings(flags: [:], environment: { _ in nil }, file: try EnvironmentFile(reading: other))
        if compared.configuration.timeZone != settings.configuration.timeZone {
            throw .contradiction(settings.given("TIMEZONE"), compared.given("TIMEZONE"))
        }
        configurations.append((other.split(separator: "/").last.map { String($0) } ?? other, compared))
    }
    let content: RecordingFile.Content
    do throws(RecordingProblem) { content = try RecordingFile.read(path) } catch {
        throw .samplesFile(Given(name: ReplayFlags.samples.name, text: path), error.words)
    }
    if content.notLater > 0 {
        complain("\(content.notLater) samples aren't later than those before them, and were passed over: the clock was set")
    }
    if content.isCutOff { complain("the last line is cut off, and was passed over") }
    let recording = content.recording
    var columns = [ReplayReport.Column(name: "recorded", outcome: Replay.recorded(recording))]
    for (name, settings) in configurations {
        if settings.configuration.policy.source == .granted { throw .unforeseen(settings.given("SOURCE")) }
        let governed = recording.governed(by: settings.configuration.policy)
        if governed.isEmpty {
            throw .samplesFile(
                Given(name: ReplayFlags.samples.name, text: path),
                "has nothing that GOVERN=\(settings.configuration.policy.govern.words) names: give the GOVERN that it was recorded with"
            )
        }
        try settings.check(governed.map { recording.devices[$0] })
        let replay = Replay(configuration: settings.configuration, data: try settings.sourceData())
        for caveat in replay.caveats(of: recording) { complain("\(name): \(caveat)") }
        columns.append(ReplayReport.Column(name: name, outcome: replay.outcome(of: recording)))
    }
    let report = ReplayReport(recording: recording, columns: columns)
    return printing { output in
        switch format {
        case .table: report.writeTable(to: &output)
        case .json: report.writeJSON(to: &output)
        }
    }
}
