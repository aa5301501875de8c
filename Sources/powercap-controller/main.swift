internal import LinuxSystem

/// Runs the command: the exit status.
private func start(_ arguments: [String]) throws(UsageError) -> Int32 {
    let invocation = try Invocation(arguments)
    if invocation.command == .help { return try helpCommand(invocation) }
    if invocation.command == .version { return versionCommand() }
    let file: EnvironmentFile?
    if let path = try CommonFlags.environmentFile.value(in: invocation) {
        file = try EnvironmentFile(reading: path)
    } else {
        file = nil
    }
    file?.export()
    let settings = try Settings(flags: invocation.flags, environment: Process.environment, file: file)
    if let zone = settings.configuration.timeZone { Clock.setTimeZone(zone) }
    for hint in invocation.command.hints(invocation, environment: Process.environment) { complain(hint) }
    return switch invocation.command {
    case .plan: try planCommand(invocation, settings: settings)
    case .status: try statusCommand(invocation, settings: settings)
    case .explain: explainCommand(settings: settings)
    case .top: try topCommand(invocation, settings: settings)
    case .set, .unset, .pause, .resume: try orderCommand(invocation, settings: settings)
    case .record: try recordCommand(invocation, settings: settings)
    case .replay: try replayCommand(invocation, settings: settings)
    case .check: try checkCommand(invocation, settings: settings)
    case .cleanup: try cleanupCommand(settings: settings)
    case .coordinate: try coordinateCommand(invocation, settings: settings)
    case .validate: try validateCommand(invocation, settings: settings)
    case .run, .help, .version: try runCommand(invocation, settings: settings)
    }
}

Process.openStandardStreams()
do throws(UsageError) {
    Process.exit(try start(Process.arguments))
} catch {
    // A bare program's name is a question; the status keeps a script that forgot the command from going on.
    if error == .noCommand && Process.arguments.isEmpty { _ = overviewCommand() }
    complain(error.sentence)
    Process.exit(2)
}
