internal import LinuxSystem
internal import Logging
internal import Policy

enum RunFlags {
    static let once = CommandFlag(
        "--once", .presence, default: false,
        "Does one cycle and exits. What becomes of the limits then is ON_EXIT's: with hold they stay.")
}

/// `powercap-controller run`: the exit status.
func runCommand(_ invocation: Invocation, settings: Settings) throws(UsageError) -> Int32 {
    let once = try RunFlags.once.value(in: invocation)
    if once, settings.configuration.policy.source == .granted { throw .grantedOnce(settings.given("SOURCE")) }
    let node = try OwnNode(settings)
    let head = Log.Head(journal: Process.environment("JOURNAL_STREAM"), standardError: Process.standardError)
    let log = Log(format: settings.configuration.logFormat, level: settings.configuration.logLevel, head: head)
    defer { LogStream.end() }
    if settings.configuration.policy.source == .demo {
        log.warning("the source is a demonstration: nothing real gives this power", ("source", .text("demo")))
    }
    let granted = try settings.grantedFeed(log)
    let feed: (any Feed)? = if let granted { granted } else { try settings.feed(log) }
    for misspelling in Misspelling.ofThisProcess {
        log.warning(
            "a variable looks like an option and is none: it has no effect", ("variable", .text(misspelling.name)),
            ("meant", .text(misspelling.meant)))
    }
    for former in FormerName.ofThisProcess {
        log.warning("a variable has no effect", ("variable", .text(former.rawValue)), ("why", .text(former.sentence)))
    }
    // A helper that goes away while a request is written must be an error, not a signal.
    Process.ignoreBrokenPipes()
    if once, let fetched = feed as? FetchedFeed, let why = fetched.fetch(within: FetchedFeed.once) {
        log.warning("nothing could be fetched for the source: the floor holds", ("why", .text(why)))
    }
    let controller: Controller
    do throws(Errno) {
        let devices = try settings.deviceServices(log)
        // What the first decision doesn't know of has what it had, beside a whole limit for the others.
        devices?.find(patience_ms: once ? DeviceServices.oncePatience_ms : DeviceServices.startPatience_ms)
        controller = try Controller(settings: settings, feed: feed, node: node, bank: devices, log: log)
    } catch {
        complain("can't start the event loop: \(error.explanation) (\(error.name))")
        return 1
    }
    return once ? try controller.runOnce() : try controller.run()
}
