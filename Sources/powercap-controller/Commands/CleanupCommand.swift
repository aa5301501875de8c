internal import HTTP
internal import Kubernetes
internal import LinuxSystem
internal import Logging
internal import PowercapProtocol
internal import Text

/// `powercap-controller cleanup`: the exit status.
func cleanupCommand(settings: Settings) throws(UsageError) -> Int32 {
    let own = try OwnNode(settings)
    Process.ignoreBrokenPipes()
    let devices = cleanUpDevices(settings)
    guard let own else {
        guard let devices else { throw .noCluster }
        return devices
    }
    return max(devices ?? 0, cleanUp(own))
}

/// For devices whose services answer, and for those that don't.
private let patience_ms: Int32 = 60_000

/// Puts back what devices behind services had before: the exit status, or nil where nothing of them is saved.
private func cleanUpDevices(_ settings: Settings) -> Int32? {
    let file = settings.deviceFile
    let saved: [SavedDevice]
    do throws(SavedFile.Problem) { saved = try file.read() } catch {
        complain("the saved limits of devices in \(file.path) \(error.words)")
        return 1
    }
    if saved.isEmpty { return nil }
    let log = Log(format: settings.configuration.logFormat, level: .error)
    defer { LogStream.end() }
    do throws(Errno) {
        let services = try DeviceServices(
            saved.addresses, settings.deviceAccess, file: file, isGoverned: true,
            minPower: settings.configuration.devices.minPower, log: log)
        let outcomes = services.end(.restore, patience_ms: patience_ms)
        let status = printing { for (device, outcome) in outcomes { $0.append("\(device): \(outcome.words).\n") } }
        return outcomes.contains { $0.outcome == .failed } ? 1 : status
    } catch {
        complain("can't start the event loop: \(error.explanation) (\(error.name))")
        return 1
    }
}

/// Removes what this program has written on its Node: the exit status.
private func cleanUp(_ own: OwnNode) -> Int32 {
    let node = own.name
    let steps = [
        ("its labels and annotations", Resource.nodes.patch(node, .merge, NodeChanges.removal.patch)),
        (
            "its condition \(Condition.type)",
            Resource.nodes.patch(node, .strategic, Condition.removal, subresource: "status")
        ),
    ]
    for (what, request) in steps {
        switch answer(to: request, at: own.access) {
        case .success: break
        case .failure(let problem) where problem.status == 404:
            return printing { $0.append("There is no Node \(node): nothing to remove.\n") }
        case .failure(let problem):
            complain("can't remove from the Node \(node) \(what): \(problem.sentence)")
            return 1
        }
    }
    return printing {
        $0.append("Removed from the Node \(node): ")
        $0.append((NodeRecord.Label.all + NodeRecord.Annotation.all).joined(separator: ", "))
        $0.append(" and its condition \(Condition.type).\n")
    }
}

/// Sends one request and waits for the answer, at most as long as the request's own time limit.
private func answer(to request: Request, at access: ClusterAccess) -> Result<Answer, APIProblem> {
    var outcome: Result<Answer, APIProblem>?
    do {
        let client = try APIClient(access, userAgent: OwnNode.userAgent)
        let epoll = try Epoll()
        try epoll.add(client.descriptorNumber, token: 0)
        try client.send(request) { outcome = $0 }
        while outcome == nil {
            let now_ns = Clock.monotonic_ns
            let wait_ns = min(client.due_ns - min(now_ns, client.due_ns), client.patience.answer_ms * 1_000_000)
            _ = try epoll.wait(milliseconds: Int32((wait_ns + 999_999) / 1_000_000))
            client.run()
        }
    } catch let problem as APIProblem { return .failure(problem) } catch {
        return .failure(.failed(.broken("\(error)")))
    }
    return outcome ?? .failure(.failed(.silent))
}
