// Conversations: two clients, an operator with other tools and the clock do what the input says to the helper's own code, on
// files in memory. After every step the promises about limits must hold.
// With Tests/ProtocolTests/Message.swift
import Glibc
import LinuxSystem
import PowercapProtocol

@testable import raplhelper

// Used by the one thread that libFuzzer calls.
nonisolated(unsafe) private var node: Node?

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input is valid for the call, and `count` is its size.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let shared = unsafe node ?? Node()
    unsafe node = shared
    Play(node: shared, script: Script(bytes: input)).run()
    return 0
}

/// For what can't fail here.
private func must<Value: ~Copyable, Failure: Error>(_ body: () throws(Failure) -> Value) -> Value {
    do throws(Failure) { return try body() } catch { preconditionFailure("\(error)") }
}

// MARK: The files

/// A file in memory that stands in for one of sysfs.
private struct MemoryFile {
    enum Kind {
        case plain
        /// Writes fail with EBADF.
        case readOnly
        /// Writes succeed and change nothing: O_APPEND makes pwrite ignore its offset (pwrite(2)), and the first line counts.
        case ignoring
    }

    let number: Int32
    let kind: Kind
    let original: UInt64

    init(_ original: UInt64, _ kind: Kind = .plain) {
        (self.original, self.kind) = (original, kind)
        var path = Array("/dev/shm/powercap-fuzz-XXXXXX".utf8CString)
        number = unsafe mkstemp(&path)
        precondition(number >= 0)
        precondition(unsafe unlink(path) == 0)
        reset()
    }

    func attribute() -> Attribute {
        let flags = kind == .plain ? O_RDWR : kind == .readOnly ? O_RDONLY : O_RDWR | O_APPEND
        let own = unsafe open("/proc/self/fd/\(number)", flags)
        precondition(own >= 0)
        return Attribute(Descriptor(owning: own))
    }

    func reset() { set(original) }

    func set(_ value: UInt64) {
        let bytes = Array("\(value)\n".utf8)
        precondition(ftruncate(number, 0) == 0)
        precondition(unsafe pwrite(number, bytes, bytes.count, 0) == bytes.count)
    }

    var value: UInt64 {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = unsafe pread(number, &bytes, bytes.count, 0)
        return must { () throws(Errno) in try firstNumber(bytes.span.extracting(0..<count)) }
    }
}

/// A node with zones of every kind, made once: what is changed is put back before each input.
private final class Node {
    struct Limit {
        let limit: MemoryFile
        let window: MemoryFile?
        let constraint: Constraint
        let zone: Int
    }

    static let floor = Microwatts(10_000_000)
    static let maxPower = Microwatts(165_000_000)

    private(set) var limits: [Limit] = []
    let governor: Governor

    init() {
        var zones: [Zone] = []
        var limits: [Limit] = []
        func zone(_ name: String, in parent: UInt16? = nil, _ files: [(String, UInt64, MemoryFile.Kind, UInt64?)]) {
            let constraints = files.enumerated().map { index, file in
                let limit = MemoryFile(file.1, file.2)
                let window = file.3.map { MemoryFile($0) }
                let constraint = Constraint(
                    index: UInt8(index), name: Name(file.0)!, maxPower: file.1 == 0 ? .zero : Node.maxPower,
                    limit: limit.attribute(), window: window?.attribute(), isOpenForWriting: true)
                limits.append(Limit(limit: limit, window: window, constraint: constraint, zone: zones.count))
                return constraint
            }
            zones.append(
                Zone(
                    index: UInt16(zones.count), parent: parent,
                    identity: ZoneIdentity(
                        controlType: Name("intel-rapl")!, id: Name("intel-rapl:\(zones.count)")!, names: [Name(name)!]),
                    path: "/", maxEnergyRange: Microjoules(1 << 40),
                    readingKind: .energy, reading: MemoryFile(123).attribute(), enabled: MemoryFile(1).attribute(),
                    constraints: constraints))
        }
        zone("package-0", [("long_term", 150_000_000, .plain, 999_424), ("short_term", 180_000_000, .plain, 2_440)])
        zone("dram", in: 0, [("long_term", 0, .plain, 976)])
        zone(
            "package-1",
            [
                ("long_term", 150_000_000, .plain, nil), ("short_term", 180_000_000, .readOnly, 2_440),
                ("peak", 99_000_000, .ignoring, nil),
            ])
        zone("psys", [])
        let records = limits.map {
            SavedState.Record(
                zone: zones[$0.zone].identity, index: $0.constraint.index,
                constraintName: $0.constraint.name, original: Constraint.Setting(limit: .zero, window_us: 0), change: nil)
        }
        let directory = "/dev/shm/powercap-fuzz-\(getpid())"
        let bootID = BootID(Array("6f1c2a0e0b5d4c3e9a8b7c6d5e4f3a2b".utf8).span)!
        let state = SavedState(bootID: bootID, generation: 1, records: records)
        let file = must { () throws(Errno) in try StateFile(creatingIn: directory, state) }
        must { () throws(Errno) in try unlink(StateFile.path(in: directory)) }
        unsafe rmdir(directory)
        self.limits = limits
        governor = Governor(
            zones: zones, bounds: Bounds(minPower: Node.floor, ceilingRule: .maxPower), policy: .accepted, stateFile: file)
    }

    func reset() {
        for each in limits {
            each.limit.reset()
            each.window?.reset()
            each.constraint.change = nil
            each.constraint.original = try? each.constraint.readSetting()
        }
    }

    /// Everything that can be written.
    var values: [UInt64] { limits.map(\.limit.value) + limits.compactMap { $0.window?.value } }
}

// MARK: What happens

/// The input, read from the front; zeros when it is used up.
private struct Script {
    let bytes: [UInt8]
    var offset = 0
    var isOver: Bool { offset >= bytes.count }

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func u8() -> UInt8 {
        defer { offset += 1 }
        return isOver ? 0 : bytes[offset]
    }
    mutating func u16() -> UInt16 { UInt16(u8()) | UInt16(u8()) << 8 }
    mutating func u32() -> UInt32 { UInt32(u16()) | UInt32(u16()) << 16 }
    mutating func chunk() -> [UInt8] { (0..<Int(u8())).map { _ in u8() } }
}

/// One input from start to end.
private final class Play {
    private let node: Node
    private var script: Script
    private let requests: Requests
    private var clients: [Client] = []
    private var now_ns: UInt64 = 1_000_000_000
    private var token: UInt64 = 0
    private var requestID: UInt16 = 0
    /// Somebody else has written a limit: originals are then what they have become.
    private var isMeddledWith = false

    private struct Client {
        let session: Session
        let end: Int32
    }

    init(node: Node, script: Script) {
        (self.node, self.script) = (node, script)
        node.reset()
        let welcome = Welcome(
            version: 3, bootID: (1, 2), helperVersion: Name("0")!, sandbox: [], writes: .accepted, leaseMinimum_ms: 1_000,
            leaseMaximum_ms: 30_000, onLeaseExpiry: .fallback, minPower: Microwatts(10_000_000))
        requests = Requests(governor: node.governor, welcome: welcome, tokens: must { () throws(Errno) in try TokenSource() })
        clients = [connect(), connect()]
    }

    private func connect() -> Client {
        var ends: [Int32] = [0, 0]
        precondition(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let socket = Descriptor(owning: ends[0])
        must { () throws(Errno) in try socket.setNonBlocking() }
        let peer = must { () throws(Errno) in try socket.peer() }
        return Client(session: Session(socket, peer: peer, serial: 0, now_ns: now_ns), end: ends[1])
    }

    func run() {
        while !script.isOver {
            let step = script.u8()
            let slot = Int(step >> 3 & 1)
            switch step & 7 {
            case 0: receive(script.chunk(), slot)
            case 1: send(step, .hello(Hello(clientName: Name(slot == 0 ? "first" : "second")!)))
            case 2:
                let previous = step & 16 == 0 ? 0 : token
                send(step, .acquireControl(AcquireControl(lease_ms: UInt32(script.u16()), previousToken: previous)))
            case 3: send(step, .apply(token: token, items(step)))
            case 4:
                send(
                    step,
                    step & 16 == 0
                        ? .renew(token: token) : .release(token: token, [.restore, .fallback, .hold, .hold][Int(step >> 5 & 3)]))
            case 5: pass(UInt64(script.u16()) * 1_000_000)
            case 6: reconnect(slot)
            default: meddle(step)
            }
            checkLimits()
        }
        for client in clients { close(client.end) }
    }

    private func items(_ step: UInt8) -> [ApplyItem] {
        (0...Int(step >> 4 & 3)).map { _ in
            let place = script.u8()
            let window: UInt64? = place & 32 == 0 ? nil : UInt64(script.u16()) * 1_000
            return ApplyItem(
                zone: UInt16(place & 7), constraint: place >> 3 & 3, limit: Microwatts(UInt64(script.u32() % 200_000) * 1_000),
                window_us: window, fallback: place & 64 == 0 ? nil : Microwatts(UInt64(script.u32() % 200_000) * 1_000))
        }
    }

    /// Sends a request in one piece or in two.
    private func send(_ step: UInt8, _ body: Message.Body) {
        requestID &+= 1
        let frame = Message(requestID, body).encoded
        let cut = step & 128 == 0 ? frame.count : Int(script.u8()) % frame.count
        let slot = Int(step >> 3 & 1)
        receive(Array(frame[..<cut]), slot)
        receive(Array(frame[cut...]), slot)
    }

    /// What the server does with bytes that arrive, and what must be true of its answers.
    private func receive(_ bytes: [UInt8], _ slot: Int) {
        let client = clients[slot]
        guard !bytes.isEmpty else { return }
        precondition(unsafe write(client.end, bytes, bytes.count) == bytes.count)
        let context = Requests.Context(session: client.session, slot: slot, now_ns: now_ns)
        var staysOpen = true
        do {
            while staysOpen, try client.session.socket.wait(milliseconds: 0) {
                guard try client.session.receive(now_ns) else { preconditionFailure("what was sent didn't arrive") }
                try client.session.take(now_ns) { header, payload throws(ProtocolError) in
                    guard header.opcode.row.phase == client.session.phase else { throw .outOfPhase }
                    let before = node.values
                    var writer = Writer(capacity: 4_096)
                    staysOpen = try requests.answer(header, payload, context, into: &writer)
                    check((0..<writer.count).map { writer.bytes[$0] }, answerTo: header, payload, before, client.session.version)
                }
            }
        } catch { staysOpen = false }
        if !staysOpen { reconnect(slot) }
    }

    private func reconnect(_ slot: Int) {
        close(clients[slot].end)
        requests.sessionClosed(slot)
        clients[slot] = connect()
    }

    private func pass(_ time_ns: UInt64) {
        now_ns += time_ns
        let (wasDue, before) = (requests.lease.isExpired(now_ns), node.values)
        requests.expireLease(now_ns)
        requests.retryRestore(now_ns)
        precondition(!requests.lease.isExpired(now_ns))
        if wasDue { checkFallback(before) }
    }

    /// Another tool writes a limit that the helper could have written too.
    private func meddle(_ step: UInt8) {
        let limit = node.limits[Int(step >> 3) % node.limits.count]
        guard limit.limit.original > 0 else { return }
        isMeddledWith = true
        limit.limit.set(Node.floor.rawValue + UInt64(script.u32()) % (limit.limit.original - Node.floor.rawValue))
    }

    // MARK: What must hold

    /// One whole reply with the request's number; P4 for what was applied, P5 for what wasn't.
    private func check(
        _ bytes: [UInt8], answerTo header: Frame.Header, _ payload: Span<UInt8>, _ before: [UInt64], _ version: UInt8
    ) {
        guard let reply = try? Message(decoding: bytes, version: version) else {
            preconditionFailure("a reply that isn't a frame")
        }
        precondition(reply.requestID == header.requestID && reply.opcode.row.direction == .reply)
        switch reply.body {
        case .control(let control): token = control.token
        case .applied(let items): checkApplied(items, payload, version)
        case .released:
            switch LimitDisposal(rawValue: payload[8]) {
            case .restore: checkRestored()
            case .fallback: checkFallback(before)
            case .hold, nil: precondition(node.values == before)
            }
        default: precondition(node.values == before, "something was written for a request that failed or only reads")
        }
    }

    private func checkApplied(_ items: [AppliedItem], _ payload: Span<UInt8>, _ version: UInt8) {
        var reader = Reader(payload.extracting(9..<payload.count))
        for item in items {
            guard let asked = try? ApplyItem(from: &reader, version: version) else {
                preconditionFailure("more was applied than asked for")
            }
            let limit = node.limits.first { $0.zone == Int(asked.zone) && $0.constraint.index == asked.constraint }!
            precondition(item.effective.rawValue == limit.limit.value && item.effective == asked.limit)
            if asked.window_us != nil { precondition(item.effectiveWindow_us == limit.window!.value) }
            if let fallback = limit.constraint.change?.fallback { precondition(fallback.rawValue <= limit.limit.value) }
        }
    }

    /// P6, as long as nobody else writes.
    private func checkRestored() {
        guard !isMeddledWith else { return }
        for each in node.limits {
            precondition(each.limit.value == each.limit.original && each.constraint.change == nil)
            if let window = each.window { precondition(window.value == window.original) }
        }
    }

    /// P18: what has a fallback limit is at most at it and hasn't risen; everything else has its original, as long as nobody else writes.
    private func checkFallback(_ before: [UInt64]) {
        for (each, before) in zip(node.limits, before) {
            if let change = each.constraint.change {
                precondition(each.limit.value <= before && each.limit.value <= change.fallback!.rawValue)
            } else if !isMeddledWith {
                precondition(each.limit.value == each.limit.original)
            }
        }
    }

    /// P3, whatever was asked.
    private func checkLimits() {
        for each in node.limits {
            let value = each.limit.value
            if each.limit.original == 0 {
                precondition(value == 0)
            } else {
                precondition(value >= Node.floor.rawValue && value <= max(each.limit.original, Node.maxPower.rawValue))
            }
        }
    }
}
