// Opens the node's RAPL zones, gives up every privilege, and sets the limits that a controller asks for. Exit status 0:
// stopped and limits restored; 1: failed; 2: command line not understood; 75: zones came or went, or the saved
// state was removed: start again.
import LinuxSystem
import PowercapProtocol

private func fail(_ sentence: Message, status: Int32) -> Never {
    Log.sentence(sentence)
    Process.exit(status)
}

private func show(_ text: Message) -> Never {
    guard (try? StandardStream.output.writeAll(text.bytes)) != nil else {
        fail("can't write to standard output", status: 1)
    }
    Process.exit(0)
}

private func run() throws(Problem) -> Never {
    Process.openStandardStreams()
    Process.ignoreBrokenPipes()
    StandardStream.unblockError()
    unsafe Log.isJournal = Log.isJournal(Process.environment("JOURNAL_STREAM"), Process.standardError)
    let options: Options
    do throws(Options.UsageError) { options = try Options(parsing: Process.arguments) } catch {
        fail(error.sentence, status: 2)
    }
    unsafe Log.format = options.logFormat
    switch options.action {
    case .help: show(Options.help)
    case .version: show("raplhelper \(Release.version)\n")
    case .list(let json):
        let zones = try Discovery.zones(options, readOnly: true)
        let bounds = Bounds(minPower: options.minPower, ceilingRule: options.ceilingRule)
        try? SlowZones(starting: zones, apart: true)?.look(patience_ms: Listing.patience_ms)
        Listing.addFallbacks(to: zones, options)
        if json { show(Listing.json(zones, bounds, root: options.rootPath)) }
        let table = Listing.table(zones, bounds)
        show(StandardStream.output.columns.map { Listing.fitted(table, to: $0) } ?? table)
    case .check:
        try Check.run(options.socketPath)
        Process.exit(0)
    case .release: Process.exit(try Check.release(options.socketPath))
    case .boot: Process.exit(try Start.boot(options))
    case .serve: Process.exit(try Start.serve(options))
    }
}

do throws(Problem) { try run() } catch { fail(error.sentence, status: 1) }
