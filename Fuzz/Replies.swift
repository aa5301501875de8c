// Replies: whatever a helper answers, the controller refuses it or goes on with limits that its policy allows.
import Glibc
import LinuxSystem
import Logging
import PowercapProtocol

@testable import Policy
@testable import powercap_controller

// Used by the one thread that libFuzzer calls, and while that waits by the helper's.
nonisolated(unsafe) private var helper: Helper?

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input is valid for the call, and `count` is its size.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let shared = unsafe helper ?? Helper()
    unsafe helper = shared
    shared.answers = replies(input)
    do throws(HelperError) { try run(shared.path) } catch { precondition(!error.sentence.isEmpty) }
    return 0
}

/// The opcodes in the order in which the controller asks.
private let order: [Opcode] = [.welcome, .zones, .sample, .control, .applied, .sample, .applied, .renewed, .released]

/// The input as replies: a count, and so many bytes. They are the next reply's payload, or with the count's high bit bytes as they
/// come.
private func replies(_ input: [UInt8]) -> [UInt8] {
    var (replies, rest, index) = ([] as [UInt8], input[...], 0)
    while let low = rest.popFirst(), let high = rest.popFirst() {
        let count = min(Int(low) | Int(high & 0x7F) << 8, rest.count)
        if high & 0x80 == 0 {
            let (length, type) = (4 + count, order[index % order.count].rawValue)
            replies += [UInt8(length & 0xFF), UInt8(length >> 8), 0, 0, type, 0, UInt8((index + 1) & 0xFF), 0]
        }
        replies += rest.prefix(count)
        rest = rest.dropFirst(count)
        index += 1
    }
    return replies
}

/// What the controller does with a helper from the connection to the end.
private func run(_ path: String) throws(HelperError) {
    guard let settings = try? Settings(flags: [:], environment: { _ in nil }) else { preconditionFailure() }
    let log = Log(format: .logfmt, level: .debug)
    let session = try ControlSession(helper: path, settings.configuration.policy, log: log, tally: Tally()) {
        precondition(!$0.note.isEmpty)
    }
    guard (try? settings.check(session.limits.entries.map(\.device))) != nil else { return }
    try session.acquire(lease: Milliseconds(30_000), previousToken: 0)
    check(session)
    for _ in 0..<2 {
        _ = try session.enforce { decision(settings.configuration.policy, $0) }
        _ = try session.sample(onDrift: .reassert)
    }
    try session.renew()
    check(session)
    _ = try session.release(.restore)
}

/// However short a lease the helper grants, there is time between two renewals.
private func check(_ session: ControlSession) { precondition(session.renewal_ns >= 100_000_000) }

private func decision(_ policy: PowerPolicy, _ devices: [Device]) -> Decision {
    let decision = decide(devices: devices, policy: policy, reading: SourceReading(.watts(500)))
    checkLimits(decision, devices)
    return decision
}

/// P3 and P8, of whatever zones.
private func checkLimits(_ decision: Decision, _ devices: [Device]) {
    precondition(decision.devices.count == devices.count)
    var sum = Microwatts.zero
    for (limit, device) in zip(decision.devices, devices) {
        sum = sum + limit.longTerm
        if device.fixed == nil { precondition(limit.longTerm <= device.longTerm.ceiling) }
        if let shortTerm = limit.shortTerm { precondition(shortTerm <= device.shortTerm!.ceiling) }
    }
    precondition(sum <= decision.nodeLimit)
}

/// A helper that answers without listening.
private final class Helper {
    let path = "@powercap-fuzz-\(getpid())"
    var answers: [UInt8] = []
    private let listening: Descriptor

    init() {
        do throws(Errno) { listening = try Socket.listen(at: path, mode: 0o600) } catch { preconditionFailure("\(error)") }
        var thread = pthread_t()
        // SAFETY: the one helper there is lives as long as the process.
        let owner = unsafe Unmanaged.passRetained(self).toOpaque()
        let result = unsafe pthread_create(
            &thread, nil,
            { owner in
                let helper = unsafe Unmanaged<Helper>.fromOpaque(owner!).takeUnretainedValue()
                while true { helper.serve() }
            }, owner)
        precondition(result == 0)
    }

    private func serve() {
        guard (try? listening.wait(milliseconds: -1)) == true, let client = try? listening.accept() else { return }
        let answers = answers
        _ = try? client.send(answers.span)
        // What the client sends must not be answered with a reset before it has read everything.
        shutdown(client.number, Int32(SHUT_WR))
        var storage = [UInt8](repeating: 0, count: 4_096)
        while (try? client.wait(milliseconds: -1)) == true {
            guard let count = try? client.read(into: &storage, from: 0, atMost: storage.count), count > 0 else { return }
        }
    }
}
