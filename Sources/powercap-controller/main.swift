internal import LinuxSystem

/// Runs the command: the exit status.
private func start(_ arguments: [String]) throws(UsageError) -> Int32 {
    let invocation = try Invocation(arguments)
    if invocation.command == .help { return try helpCommand(invocation) }
    if invocation.command == .version { return versionCommand() }
    let settings = try Settings(flags: invocation.flags, environment: Process.environment)
    if let zone = settings.configuration.timeZone { Clock.setTimeZone(zone) }
    return switch invocation.command {
    case .plan: try planCommand(invocation, settings: settings)
    case .status: try statusCommand(invocation, settings: settings)
    case .check: try checkCommand(invocation, settings: settings)
    case .cleanup: try cleanupCommand(settings: settings)
    case .validate: try validateCommand(invocation, settings: settings)
    case .run, .help, .version: try runCommand(invocation, settings: settings)
    }
}

do throws(UsageError) {
    Process.exit(try start(Process.arguments))
} catch {
    complain(error.sentence)
    Process.exit(2)
}
