import Foundation
import LinuxSystem
import PowercapProtocol
import Synchronization
import TestSupport
import Testing

@testable import Kubernetes
@testable import Logging
@testable import Policy
@testable import powercap_controller

/// A NodeAgent in this process, for what would take minutes with the program's own patience.
final class RunningAgent {
    let agent: NodeAgent
    private let lines = Lines()
    private let epoll: Epoll

    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        func append(_ bytes: [UInt8]) { lines.withLock { $0.append(String(decoding: bytes.dropLast(), as: UTF8.self)) } }
        var all: [String] { lines.withLock { $0 } }
    }

    /// Waits a second between writes where the program waits ten, and asks for watches of a minute. An answer has the time that a busy
    /// machine's server needs.
    static let patience = Patience(answer_ms: 4_000, watch_s: 60...60, patch_ms: 1_000, series_ms: 1_000, end_ms: 1_000)

    init(_ node: OwnNode, patience: Patience = patience) throws {
        let lines = lines
        agent = try NodeAgent(
            node, Log(format: .logfmt, level: .debug, output: { lines.append($0) }), patience: patience)
        epoll = try Epoll()
        try epoll.add(agent.descriptorNumber, token: 0)
    }

    /// Every line that it logged so far.
    var log: [LogLine] { lines.all.map(LogLine.init) }

    func count(_ message: String) -> Int { log.filter { $0.message == message }.count }

    func first(_ message: String) throws -> LogLine { try #require(log.first { $0.message == message }) }

    /// Steps until it is so.
    func run(until isSo: () throws -> Bool, _ location: SourceLocation = #_sourceLocation) throws {
        let deadline_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while true {
            let now_ns = Clock.monotonic_ns
            agent.step(now_ns)
            if try isSo() { return }
            guard now_ns < deadline_ns else {
                Issue.record("never so. Log:\n\(lines.all.joined(separator: "\n"))", sourceLocation: location)
                return
            }
            // What it is waited for may come from elsewhere, too.
            let next_ns = min(agent.due_ns, now_ns + 20_000_000)
            _ = try epoll.wait(milliseconds: next_ns <= now_ns ? 0 : Int32((next_ns - now_ns + 999_999) / 1_000_000))
        }
    }

    func run(until message: String, times: Int = 1, _ location: SourceLocation = #_sourceLocation) throws {
        try run(until: { count(message) >= times }, location)
    }

    /// Steps for a while, in which something is not to happen.
    func run(milliseconds: UInt64) throws {
        let end_ns = Clock.monotonic_ns + milliseconds * 1_000_000
        try run(until: { Clock.monotonic_ns >= end_ns })
    }
}

extension NodeRecord {
    /// A node that is managed, and limited to so many watts.
    static func test(_ watts: UInt64 = 100, _ change: (inout NodeRecord) -> Void = { _ in }) -> NodeRecord {
        var record = NodeRecord(
            state: .managed, effectiveLimit: .watts(watts), reference: .watts(200), source: "static", reason: "source",
            condition: Condition(status: .yes, reason: "LimitInForce", message: "Limits are in force"))
        change(&record)
        return record
    }
}

extension RunningAgent {
    /// Waits until everything stands on the Node, and what was asked has been printed.
    func settle(_ location: SourceLocation = #_sourceLocation) throws {
        try run(until: { agent.isSettled }, location)
        try run(milliseconds: 50)
    }

    func start(_ record: NodeRecord = .test()) throws {
        agent.publish(record)
        try settle()
    }

    /// Waits until the pause after the last patch is over.
    func pause() throws { try run(milliseconds: 1_050) }
}
