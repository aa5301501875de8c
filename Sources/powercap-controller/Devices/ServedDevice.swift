internal import PowercapProtocol

/// A device whose limit is set by this program: what was read of it, and what is under way. It sends nothing and knows no clock: it says what
/// is to be sent, and takes note of what became of it.
struct ServedDevice: Equatable, Sendable {
    /// As it was last seen.
    private(set) var found: FoundDevice
    /// Of DEVICE_URL's word.
    let address: String
    /// The zone's id.
    let id: String
    /// What was last read; `.unknown` before, and where it was read too long ago.
    private(set) var limit: ServedLimit
    /// Nothing has been read since these looks were missed.
    private var missed = 0
    private(set) var isGone = false
    /// A write that was sent, or one whose outcome isn't known.
    private(set) var write: Write?
    /// What is asked for next: the latest that was asked for while a write was under way.
    private(set) var next: Wanted?
    /// Why the last write failed; nil where it didn't.
    private(set) var lastWrite: ErrorCode?
    /// What the limit becomes when control ends by ON_EXIT=fallback; nil where the original does.
    var fallback: Microwatts?

    /// What a device is to have.
    struct Wanted: Equatable, Sendable {
        let limit: ServedLimit
        /// Put back with it; nil leaves it.
        var mode: String?
    }

    /// One that was sent.
    struct Write: Equatable, Sendable {
        let wanted: Wanted
        /// It has ended, and nobody knows how: a look that begins after it has to show what is in force.
        var isDoubtful = false
    }

    /// After so many looks in vain what was read last isn't taken for what is so.
    static let mostMissed = 3

    init(_ found: FoundDevice, address: DeviceAddress) {
        (self.found, self.address, limit) = (found, address.text, found.limit)
        id = ServedDevice.id(of: found, at: address)
    }

    /// At most 63 bytes (`Name`). What is longer keeps its end, and has its sum in front: two devices have not the same one.
    static func id(of found: FoundDevice, at address: DeviceAddress) -> String {
        let place = found.kind == .zeusd ? found.identity : "\(address.host)/\(found.identity)"
        let whole = "\(found.kind.rawValue):\(place)"
        if whole.utf8.count <= Limits.nameBytes { return whole }
        let sum = whole.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let head = "\(found.kind.rawValue):\(String(sum, radix: 16))~"
        return head + String(decoding: whole.utf8.suffix(Limits.nameBytes - head.utf8.count), as: UTF8.self)
    }

    // MARK: What is so

    /// A write is under way or to be sent, or its outcome isn't known yet.
    var isWriting: Bool { write != nil || next != nil }

    /// It has this limit, and nothing is on its way that would change it.
    func isAt(_ limit: Microwatts) -> Bool { !isWriting && self.limit == .set(limit) }

    /// What may be in force: the largest of what was read, what was sent and what is to be sent. nil where no limit is in force, or nobody
    /// knows which.
    var mayHold: Microwatts? {
        guard let read = limit.power else { return nil }
        return [write?.wanted.limit, next?.limit].reduce(read) { max($0, $1?.power ?? .zero) }
    }

    var power: Microwatts? { missed == 0 ? found.power : nil }

    /// What can be sent now; nil where something is under way, or nothing is wanted.
    var toSend: Wanted? { write == nil ? next : nil }

    // MARK: What happens

    /// The latest counts: what waits behind a write that is under way is no more wanted.
    mutating func ask(_ wanted: Wanted) { (next, lastWrite) = (wanted, nil) }

    /// It was sent.
    mutating func begin() {
        guard let wanted = toSend else { return }
        (write, next) = (Write(wanted: wanted), nil)
    }

    /// It ended, with what was read back.
    mutating func end(_ readBack: ServedLimit) {
        guard let write else { return }
        (self.write, limit, missed) = (nil, readBack, 0)
        if let power = readBack.power, let asked = write.wanted.limit.power, power > asked { lastWrite = .notInForce }
        if case .set = write.wanted.limit, readBack == .off { lastWrite = .notInForce }
    }

    /// It failed.
    mutating func end(_ problem: DeviceProblem) {
        lastWrite = .writeFailed
        if problem.isWithoutEffect { write = nil } else { write?.isDoubtful = true }
    }

    /// A look has shown it.
    /// - Parameter isLater: the look began after the last write had ended.
    /// - Returns: whether something is otherwise than before.
    mutating func see(_ found: FoundDevice, isLater: Bool) -> Bool {
        let before = self
        self.found = found
        (missed, isGone) = (0, false)
        if write == nil {
            if isLater { limit = found.limit }
        } else if write?.isDoubtful == true, isLater, found.limit != .unknown {
            (write, limit) = (nil, found.limit)
        }
        return self != before
    }

    /// A look came to nothing.
    mutating func miss() -> Bool {
        missed += 1
        if missed == ServedDevice.mostMissed { limit = .unknown }
        return missed == ServedDevice.mostMissed || missed == 1
    }

    /// The service doesn't have it any more.
    mutating func lose() -> Bool {
        defer { (isGone, limit, write, next) = (true, .unknown, nil, nil) }
        return !isGone
    }
}
