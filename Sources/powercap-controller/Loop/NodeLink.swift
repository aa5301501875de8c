internal import HTTP
internal import Kubernetes
internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol

/// What the loop has to do with its Node: overrides that fit come from there, and what is so goes there. Without Kubernetes there are
/// no overrides, and nothing is told to anybody.
final class NodeLink {
    /// Those that this node can follow.
    private(set) var overrides = Overrides()
    private let node: OwnNode?
    private let configuration: Configuration
    private let log: Log
    /// nil without Kubernetes, and before `start`.
    private var agent: NodeAgent?
    private var devices: [Device] = []
    /// The floor that was last asked for and could be followed.
    private var lastFloor: Microwatts?
    /// Of which state of the agent's wishes the overrides are.
    private var generation = 0
    /// What happened before there was an agent to tell of it.
    private var untold: [NodeEvent] = []
    private static let mostUntold = 64
    /// Why Kubernetes can't be used.
    private var problem: String?
    /// The Node was read and written: from now on it is the same over and over.
    private var isSettled = false
    private var isAwake = false

    /// - Parameter node: nil where Kubernetes is off.
    init(_ node: OwnNode?, _ configuration: Configuration, _ log: Log) {
        (self.node, self.configuration, self.log) = (node, configuration, log)
    }

    private var isGranted: Bool { configuration.policy.source == .granted }

    /// What the Node's annotations ask for and this node can't do.
    var rejected: [Wishes.Rejection] {
        (agent?.rejected ?? []).map { Wishes.Rejection(name: $0.annotation, value: $0.value, sentence: $0.sentence) }
    }

    /// What people have to know of the Node's overrides beside.
    var notes: [String] { agent?.notes ?? [] }

    /// What `overrides` are after each end that is known, in their order.
    var later: [Wishes.Later] {
        (agent?.later ?? []).map { end, wishes in
            var node = wishes
            // Which floor fits doesn't depend on what ends.
            node.minPower = overrides.minPower
            return Wishes.Later(at: end.seconds + (end.nanoseconds > 0 ? 1 : 0), node: node)
        }
    }

    /// nil where Kubernetes is off.
    var state: APIState? {
        if let agent { return agent.state }
        return node.map {
            APIState(
                server: $0.access.server.address, node: $0.name, reason: $0.reason, isWatching: false, isPublished: false,
                troubles: [problem].compactMap { $0 }, requests: [:], watchRestarts: 0)
        }
    }

    /// When `step` has something to do, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { agent?.due_ns ?? .max }

    /// To be called after the first cycle, because the first limit doesn't wait for anybody (P9).
    func start(in epoll: Epoll, token: UInt64) {
        guard let node else {
            Process.dropUnusedCode()
            return log.info("Kubernetes is off", ("kubernetes", .text(configuration.kubernetes.rawValue)))
        }
        do throws(APIProblem) {
            let agent = try NodeAgent(node, log, patience: isGranted ? .fleet : Patience())
            do throws(Errno) { try epoll.add(agent.descriptorNumber, token: token) } catch {
                throw .failed(.broken("\(error.explanation) (\(error.name))"))
            }
            for event in untold { agent.tell(event) }
            untold = []
            self.agent = agent
        } catch {
            problem = error.sentence
            log.error("Kubernetes can't be used: limits follow the source without it", ("why", .text(error.sentence)))
        }
    }

    func tell(_ event: NodeEvent) {
        // What is granted changes all the time: the Node has it, and an Event of each change would be a write more.
        if isGranted, event.reason == .limitChanged { return }
        if let agent { agent.tell(event) } else if node != nil, untold.count < NodeLink.mostUntold { untold.append(event) }
    }

    /// The API server has said something, or its connection something to do; or the clock on the wall is another.
    func wake() { isAwake = true }

    /// Publishes what is so, and reads what has come: true when the overrides changed.
    func step(_ record: @autoclosure () -> NodeRecord, _ now_ns: UInt64) -> Bool {
        guard let agent else { return false }
        agent.publish(record())
        // What is to be written is due by now.
        if isAwake || now_ns >= agent.due_ns {
            isAwake = false
            agent.step(now_ns)
        }
        if agent.isSettled, !isSettled {
            isSettled = true
            Process.dropUnusedCode()
        }
        guard agent.generation != generation else { return false }
        generation = agent.generation
        fit()
        return true
    }

    /// Which overrides fit depends on the packages.
    func note(_ devices: [Device]) {
        self.devices = devices
        fit()
    }

    private func fit() {
        guard let agent else { return }
        overrides = agent.wishes
        agent.reject(overrides.fit(configuration.policy, devices, last: lastFloor))
        lastFloor = overrides.minPower
    }

    /// What changes now is published as an override's outcome is.
    func hurry() { agent?.hurry() }

    /// The last word, for which it waits a little.
    func finish(_ ending: Ending) { agent?.finish(.stopped(ending)) }
}

extension Patience {
    /// Of a node that is granted its limit: that changes all the time, and with it those of thousands of other nodes. A write a minute from each is what the
    /// API server is to have of them (docs/fleet.md), and the first waits for what is granted first.
    fileprivate static let fleet = Patience(first_ms: 5_000, patch_ms: 60_000)
}
