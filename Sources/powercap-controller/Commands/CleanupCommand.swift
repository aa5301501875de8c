internal import HTTP
internal import Kubernetes
internal import LinuxSystem
internal import Text

/// `powercap-controller cleanup`: the exit status.
func cleanupCommand(settings: Settings) throws(UsageError) -> Int32 {
    guard let own = try OwnNode(settings) else { throw .noCluster }
    Process.ignoreBrokenPipes()
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
