internal import Policy
internal import PowercapProtocol

/// The last 24 hours, in memory and nowhere else: what was measured, decided and in force, in slots of a few minutes each.
///
/// A slot keeps the average of what was drawn, and of everything else what stood last. Slots are numbered by CLOCK_BOOTTIME, which nobody
/// sets and which goes on while the machine is asleep: whatever happens to the wall clock, their order and distance stay, and what a
/// slot is called follows from the clock as it is when somebody looks. A slot in which there was no control has nothing.
struct History: Sendable {
    /// What is kept of the node.
    enum NodeColumn: Int, CaseIterable, Sendable { case source, limit, inForce, drawn }
    /// What is kept of a package.
    enum PackageColumn: Int, CaseIterable, Sendable { case asked, inForce, drawn }

    /// A slot's length: 120 s, and for more than 11 packages twice that, or four times, …
    private(set) var width_s = UInt64(History.finest_s)
    /// The packages that were ever seen, in the order of their columns.
    private(set) var devices: [String] = []
    /// The number of the slot that is in a row; 0 where none is. A slot's row is its number modulo `count`.
    private var slots: [UInt32] = Array(repeating: 0, count: History.day_s / History.finest_s)
    /// In mW, for each row one of every column.
    private var nodes: [UInt32] = Array(
        repeating: History.unknown, count: History.day_s / History.finest_s * NodeColumn.allCases.count)
    /// In 1/8 W, for each row one of every column of every package.
    private var shares: [UInt16] = []
    /// What was drawn within the slot of the last note: of the node, then of each package.
    private var averages: [Average] = [Average()]
    private var last: (slot: Int, boot_ns: UInt64)?

    private static let day_s = 86_400
    private static let finest_s = 120
    /// Of the three tables together.
    static let mostBytes = 64_000
    /// No machine that Linux runs on has more; those beyond are in the table of packages only.
    static let mostPackages = 64
    private static let unknown = UInt32.max
    private static let unknownShare = UInt16.max

    /// Of powers in µW.
    private struct Average: Sendable {
        private var sum: UInt64 = 0
        private var count: UInt64 = 0

        mutating func add(_ power: Microwatts?) {
            guard let power else { return }
            // No slot has more than 8192 samples: none is longer than 3840 s, and none are closer together than 1 s.
            (sum, count) = (sum &+ min(power.rawValue, .max >> 13), count + 1)
        }

        var power: Microwatts? { count == 0 ? nil : Microwatts(sum / count) }
    }

    /// How many slots 24 hours are.
    var count: Int { slots.count }
    /// What the tables take.
    var bytes: Int { slots.capacity * 4 + nodes.capacity * 4 + shares.capacity * 2 }
    var isEmpty: Bool { last == nil }

    // MARK: Reading

    /// The number of the slot that is at this time of CLOCK_BOOTTIME.
    func slot(at boot_ns: UInt64) -> Int { Int(boot_ns / 1_000_000_000 / width_s) }

    /// There was control, for a while at least, in one of the last `count` slots that were noted.
    func isKept(_ slot: Int) -> Bool { slot >= 0 && slots[slot % count] == UInt32(truncatingIfNeeded: slot + 1) }

    /// Of a slot that is kept; nil where it isn't known. Beyond 4 MW it is 4 MW.
    private(set) subscript(column: NodeColumn, slot: Int) -> Microwatts? {
        get {
            guard isKept(slot) else { return nil }
            let value = nodes[slot % count * History.nodeColumns + column.rawValue]
            return value == History.unknown ? nil : Microwatts(UInt64(value) * 1_000)
        }
        set {
            nodes[slot % count * History.nodeColumns + column.rawValue] =
                newValue.map { UInt32(min($0.rawValue / 1_000, UInt64(History.unknown) - 1)) } ?? History.unknown
        }
    }

    /// The same of a package, to the next step of its registers. Beyond 8 kW it is 8 kW.
    /// - Parameter package: its place in `packages`.
    private(set) subscript(column: PackageColumn, device: Int, slot: Int) -> Microwatts? {
        get {
            guard isKept(slot) else { return nil }
            let value = shares[place(column, device, slot)]
            return value == History.unknownShare ? nil : Microwatts(UInt64(value) * Microwatts.step.rawValue)
        }
        set {
            let steps = newValue.map { ($0.rawValue + Microwatts.step.rawValue / 2) / Microwatts.step.rawValue }
            shares[place(column, device, slot)] =
                steps.map { UInt16(min($0, UInt64(History.unknownShare) - 1)) } ?? History.unknownShare
        }
    }

    private func place(_ column: PackageColumn, _ device: Int, _ slot: Int) -> Int {
        (slot % count * devices.count + device) * History.packageColumns + column.rawValue
    }

    // MARK: Writing

    /// Takes a state, to be called after each sample. Where samples are further apart than slots, it speaks also for the slots in between.
    mutating func note(_ state: NodeState) {
        guard state.limits != nil, state.decision != nil, state.boot_ns >= last?.boot_ns ?? 0 else { return }
        let states = state.devices
        for device in states where !devices.contains(device.name) { add(device.name) }
        let slot = slot(at: state.boot_ns)
        if slot != last?.slot { for index in averages.indices { averages[index] = Average() } }
        averages[0].add(state.drawn)
        for state in states { if let index = devices.firstIndex(of: state.name) { averages[1 + index].add(state.power) } }
        var first = slot
        let interval_ns = state.settings.configuration.sampleInterval.rawValue * 1_000_000
        if let last, slot > last.slot, state.boot_ns - last.boot_ns < 2 * interval_ns {
            first = max(last.slot + 1, slot - count + 1)
        }
        for slot in first...slot { write(state, states, to: slot) }
        last = (slot, state.boot_ns)
    }

    private mutating func write(_ state: NodeState, _ states: [DeviceState], to slot: Int) {
        begin(slot)
        self[.source, slot] = state.source.reading.power
        self[.limit, slot] = state.decision?.decision.nodeLimit
        self[.inForce, slot] = state.inForce
        self[.drawn, slot] = averages[0].power
        for state in states {
            guard let index = devices.firstIndex(of: state.name) else { continue }
            self[.asked, index, slot] = state.asked
            self[.inForce, index, slot] = state.inForce
            self[.drawn, index, slot] = averages[1 + index].power
        }
    }

    /// A row of its own, with nothing in it.
    private mutating func begin(_ slot: Int) {
        let row = slot % count
        slots[row] = UInt32(truncatingIfNeeded: slot + 1)
        for column in 0..<History.nodeColumns { nodes[row * History.nodeColumns + column] = History.unknown }
        let width = devices.count * History.packageColumns
        for column in 0..<width { shares[row * width + column] = History.unknownShare }
    }

    /// Makes room for one more package. What is kept of the others stays, in slots that are twice as long where there is no more room.
    private mutating func add(_ device: String) {
        guard devices.count < History.mostPackages else { return }
        let old = self
        devices.append(device)
        averages.append(Average())
        while History.bytes(of: devices.count, slots: History.day_s / Int(width_s)) > History.mostBytes { width_s *= 2 }
        let count = History.day_s / Int(width_s)
        slots = Array(repeating: 0, count: count)
        nodes = Array(repeating: History.unknown, count: count * History.nodeColumns)
        shares = Array(repeating: History.unknownShare, count: count * devices.count * History.packageColumns)
        guard let newest = old.last else { return }
        for slot in max(0, newest.slot - old.count + 1)...newest.slot where old.isKept(slot) { take(slot, from: old) }
        last = (self.slot(at: newest.boot_ns), newest.boot_ns)
    }

    /// Of two slots that become one the average of what was drawn, and of the rest what stood last.
    private mutating func take(_ slot: Int, from old: History) {
        let target = slot * Int(old.width_s) / Int(width_s)
        let isFirst = !isKept(target)
        if isFirst { begin(target) }
        func joined(_ before: Microwatts?, _ now: Microwatts?) -> Microwatts? {
            guard let before, let now else { return before ?? now }
            return Microwatts((before.rawValue + now.rawValue) / 2)
        }
        for column in NodeColumn.allCases {
            self[column, target] = column == .drawn ? joined(self[column, target], old[column, slot]) : old[column, slot]
        }
        for device in old.devices.indices {
            for column in PackageColumn.allCases {
                let (before, now) = (self[column, device, target], old[column, device, slot])
                self[column, device, target] = column == .drawn ? joined(before, now) : now
            }
        }
    }

    private static var nodeColumns: Int { NodeColumn.allCases.count }
    private static var packageColumns: Int { PackageColumn.allCases.count }

    private static func bytes(of devices: Int, slots: Int) -> Int {
        slots * (4 + nodeColumns * 4 + devices * packageColumns * 2)
    }
}
