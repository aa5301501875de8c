internal import LinuxSystem
internal import PowercapProtocol

/// A service that has devices: it is looked at again and again, and limits are sent to it, one at a time for each device. On the loop's thread,
/// and nothing here ever waits.
final class DeviceService {
    let address: DeviceAddress
    private let line: DeviceLine
    private(set) var devices: [ServedDevice] = []
    /// Why the last look came to nothing; nil where it didn't, and before the first.
    private(set) var problem: DeviceProblem?
    /// When the last look began that showed something, on CLOCK_MONOTONIC; 0 before.
    private(set) var seen_ns: UInt64 = 0
    /// On CLOCK_MONOTONIC; .max while a look is under way.
    private var look_ns: UInt64 = 0
    /// When the last look ended; 0 before.
    private var looked_ns: UInt64 = 0
    private var failures = 0
    /// When resources were last walked from the first one on.
    private var walked_ns: UInt64 = 0
    /// When a device's last write ended, by its id.
    private var ended_ns: [String: UInt64] = [:]
    private var isChanged = false
    /// What came of a write, to be taken by whoever asked for it.
    private var outcomes: [Outcome] = []

    /// What came of a write.
    struct Outcome: Equatable, Sendable {
        let device: String
        let wanted: ServedDevice.Wanted
        let result: Result<ServedLimit, DeviceProblem>
    }

    static let interval_ns: UInt64 = 5_000_000_000
    /// What nobody knows the outcome of is looked at soon.
    private static let doubt_ns: UInt64 = 1_000_000_000
    /// A service that fails at once isn't asked without pause by who is in haste.
    private static let haste_ns: UInt64 = 250_000_000
    /// Between two looks in vain.
    private static let longest_ns: UInt64 = 60_000_000_000
    /// BMCs lock an account after some wrong passwords (ManagerAccount, AccountLockoutThreshold).
    static let denied_ns: UInt64 = 300_000_000_000
    /// A service may have other devices by then.
    private static let walk_ns: UInt64 = 3_600_000_000_000

    /// For a look at all devices, and for a write until it is read back.
    private var lookLimit_ms: UInt64 { address.service == .zeusd ? 10_000 : 60_000 }
    private var writeLimit_ms: UInt64 { address.service == .zeusd ? 10_000 : 30_000 }

    init(_ address: DeviceAddress, _ access: DeviceAccess, userAgent: String) throws(Errno) {
        self.address = address
        line = try DeviceLine(to: address, access, userAgent: userAgent)
    }

    /// For waiting on.
    var descriptorNumber: Int32 { line.descriptorNumber }
    /// When `step` has something to do though nothing is ready, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { devices.contains { $0.toSend != nil } ? 0 : min(look_ns, line.due_ns) }

    /// Asks for a limit. What was asked for before and isn't sent yet isn't wanted any more.
    func ask(_ wanted: ServedDevice.Wanted, of id: String) {
        guard let index = devices.firstIndex(where: { $0.id == id }) else { return }
        devices[index].ask(wanted)
    }

    /// What a device's limit becomes at ON_EXIT=fallback.
    func setFallback(_ fallback: Microwatts?, of id: String) {
        guard let index = devices.firstIndex(where: { $0.id == id }) else { return }
        devices[index].fallback = fallback
    }

    /// Looks as soon as may be, whatever the pace, but where a wrong password might lock an account.
    func lookNow() {
        if case .denied? = problem { return }
        if look_ns != .max { look_ns = min(look_ns, looked_ns + DeviceService.haste_ns) }
    }

    /// Does what is due, and takes what has come.
    /// - Returns: whether anything is otherwise than before.
    func step(_ now_ns: UInt64) -> Bool {
        line.run()
        for index in devices.indices where devices[index].toSend != nil { send(index) }
        if now_ns >= look_ns { look(now_ns) }
        defer { isChanged = false }
        return isChanged
    }

    /// What came of writes since it was last asked.
    func takeOutcomes() -> [Outcome] {
        defer { outcomes = [] }
        return outcomes
    }

    // MARK: Looking

    private func look(_ now_ns: UInt64) {
        look_ns = .max
        switch address.service {
        case .zeusd:
            line.hold(Zeusd.Look(), timeLimit_ms: lookLimit_ms) { [weak self] in self?.take($0, begun_ns: now_ns, isWhole: true) }
        case .redfish:
            let known = devices.filter { !$0.isGone }.map(\.found.handle)
            let isWhole = known.isEmpty || now_ns - walked_ns >= DeviceService.walk_ns
            if isWhole { walked_ns = now_ns }
            line.hold(Redfish.Look(from: address.path, known: isWhole ? [] : known), timeLimit_ms: lookLimit_ms) { [weak self] in
                self?.take($0, begun_ns: now_ns, isWhole: isWhole)
            }
        }
    }

    private func take(_ result: Result<DeviceFindings, DeviceProblem>, begun_ns: UInt64, isWhole: Bool) {
        let now_ns = Clock.monotonic_ns
        looked_ns = now_ns
        switch result {
        case .failure(let problem):
            isChanged = isChanged || self.problem?.kind != problem.kind
            (self.problem, failures) = (problem, failures + 1)
            for index in devices.indices where !devices[index].isGone { if devices[index].miss() { isChanged = true } }
            look_ns = now_ns + pause_ns(problem)
        case .success(let findings):
            isChanged = isChanged || problem != nil || seen_ns == 0
            (problem, failures, seen_ns) = (nil, 0, begun_ns)
            for found in findings.devices { see(found, begun_ns) }
            let seen = Set(findings.devices.map { ServedDevice.id(of: $0, at: address) })
            for index in devices.indices where !seen.contains(devices[index].id) {
                let isUnread = findings.unread[devices[index].found.handle] != nil
                if isUnread ? devices[index].miss() : devices[index].lose() { isChanged = true }
            }
            let isDoubtful = devices.contains { $0.write?.isDoubtful == true }
            look_ns = now_ns + (isDoubtful ? DeviceService.doubt_ns : DeviceService.interval_ns)
        }
    }

    private func see(_ found: FoundDevice, _ begun_ns: UInt64) {
        let id = ServedDevice.id(of: found, at: address)
        if let index = devices.firstIndex(where: { $0.id == id }) {
            if devices[index].see(found, isLater: begun_ns > ended_ns[id] ?? 0) { isChanged = true }
        } else {
            devices.append(ServedDevice(found, address: address))
            isChanged = true
        }
    }

    private func pause_ns(_ problem: DeviceProblem) -> UInt64 {
        switch problem {
        case .denied: return DeviceService.denied_ns
        case .troubled(_, _, let retryAfter_s) where retryAfter_s > 0:
            return min(UInt64(retryAfter_s) * 1_000_000_000, DeviceService.longest_ns)
        default: return min(DeviceService.interval_ns << UInt64(min(failures - 1, 4)), DeviceService.longest_ns)
        }
    }

    // MARK: Writing

    private func send(_ index: Int) {
        guard let wanted = devices[index].toSend else { return }
        let (id, handle) = (devices[index].id, devices[index].found.handle)
        devices[index].begin()
        isChanged = true
        let onEnd: (Result<ServedLimit, DeviceProblem>) -> Void = { [weak self] in self?.end($0, wanted, of: id) }
        switch address.service {
        case .zeusd:
            line.hold(Zeusd.Write(wanted.limit.power ?? .zero, for: handle), timeLimit_ms: writeLimit_ms, onEnd: onEnd)
        case .redfish:
            line.hold(Redfish.Write(wanted.limit, mode: wanted.mode, for: handle), timeLimit_ms: writeLimit_ms, onEnd: onEnd)
        }
    }

    private func end(_ result: Result<ServedLimit, DeviceProblem>, _ wanted: ServedDevice.Wanted, of id: String) {
        guard let index = devices.firstIndex(where: { $0.id == id }) else { return }
        ended_ns[id] = Clock.monotonic_ns
        switch result {
        case .success(let limit): devices[index].end(limit)
        case .failure(let problem):
            devices[index].end(problem)
            // Whoever it may have been set for wants to know what is so.
            if look_ns != .max { look_ns = min(look_ns, Clock.monotonic_ns + DeviceService.doubt_ns) }
        }
        outcomes.append(Outcome(device: id, wanted: wanted, result: result))
        isChanged = true
    }
}
