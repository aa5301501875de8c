internal import Glibc
import LinuxSystem

/// A powercap tree of plain files whose energy counters move.
final class SimulatedTree {
    let root: String
    private var machine: Machine
    private var zones: [Zone] = []
    /// Told about a file that no longer holds a number, once.
    private let complain: (String) -> Void
    private var complained: Set<String> = []

    private struct Zone {
        let counter: Layout.Counter
        let enabled: NumberFile
        let limits: [NumberFile]
        let energyFile: NumberFile
    }

    /// MSR and MMIO zones of a package show one counter.
    private var counters: [(of: Layout.Counter, counter: EnergyCounter)] = []

    /// Makes the tree.
    /// - Parameter root: an empty directory, or one to be made.
    init(creatingAt root: String, _ machine: Machine, complain: @escaping (String) -> Void = { _ in }) throws(Problem) {
        (self.root, self.machine, self.complain) = (root, machine, complain)
        try makeDirectory(root)
        let isEmpty = try attempt("list \(root)") { () throws(Errno) in
            try Descriptor(opening: root, .directory).entries().isEmpty
        }
        guard isEmpty else { throw Problem(sentence: "\(root) isn't empty: remove it, or name another directory") }
        let layout = Layout(of: machine)
        for type in layout.controlTypes {
            try makeDirectory("\(root)/\(type)")
            try makeDirectory("\(root)/\(type)/power")
            try write(Layout.File(name: "enabled", mode: 0o644, contents: "1"), in: "\(root)/\(type)")
        }
        for zone in layout.zones { try create(zone) }
    }

    private func create(_ zone: Layout.Zone) throws(Problem) {
        let path = "\(root)/\(zone.path)"
        try makeDirectory(path)
        // What the device model adds to every zone: a directory that is no zone, and a link that leads back up.
        try makeDirectory("\(path)/power")
        let parent = zone.path.split(separator: "/").dropLast().last!
        let linked = unsafe symlink("../../\(parent)", "\(path)/device")
        guard linked == 0 else { throw Problem(doing: "link \(path)/device", Errno(errno)) }
        var energyFile: NumberFile?
        for file in zone.files {
            let made = try write(file, in: path)
            if file.name == "energy_uj" { energyFile = made }
        }
        if !counters.contains(where: { $0.of == zone.counter }) {
            counters.append((zone.counter, EnergyCounter(range_uj: zone.energyRange_uj, start_uj: machine.energyStart_uj)))
        }
        zones.append(
            Zone(
                counter: zone.counter, enabled: try open("\(path)/enabled"),
                limits: try zone.files.filter { $0.name.hasSuffix("_power_limit_uw") }
                    .map { file throws(Problem) in try open("\(path)/\(file.name)") },
                energyFile: energyFile!))
    }

    /// What the packages draw from now on.
    func draw(_ demand_uw: [UInt64]) { machine.demand_uw = demand_uw }

    /// Lets time pass: reads the limits in force and moves every energy counter.
    func advance(by time_ns: UInt64) throws(Errno) {
        var load = Load(on: machine)
        for zone in zones where try number(zone.enabled) == 1 {
            var limits: [UInt64] = []
            for file in zone.limits { if let limit = try number(file) { limits.append(limit) } }
            load.limit(zone.counter, to: limits)
        }
        for index in counters.indices { counters[index].counter.add(load.power_uw(of: counters[index].of), for: time_ns) }
        for zone in zones {
            let counter = counters.first { $0.of == zone.counter }!.counter
            try zone.energyFile.write(counter.value_uj)
        }
    }

    /// The kernel would have refused what isn't a number; a plain file takes it, and then it limits nothing.
    private func number(_ file: NumberFile) throws(Errno) -> UInt64? {
        let value = try file.read()
        if value == nil && complained.insert(file.path).inserted {
            complain("\(file.path) doesn't hold a number: it limits nothing until it does")
        }
        if value != nil { complained.remove(file.path) }
        return value
    }

    private func open(_ path: String) throws(Problem) -> NumberFile {
        try attempt("open \(path)") { () throws(Errno) in try NumberFile(path) }
    }

    private func makeDirectory(_ path: String) throws(Problem) {
        try attempt("make the directory \(path)") { () throws(Errno) in try LinuxSystem.makeDirectory(path, mode: 0o755) }
    }

    @discardableResult
    private func write(_ file: Layout.File, in directory: String) throws(Problem) -> NumberFile {
        let path = "\(directory)/\(file.name)"
        return try attempt("write \(path)") { () throws(Errno) in
            try NumberFile(creating: path, mode: file.mode, contents: file.contents)
        }
    }

    private func attempt<Value>(_ what: String, _ body: () throws(Errno) -> Value) throws(Problem) -> Value {
        do throws(Errno) { return try body() } catch { throw Problem(doing: what, error) }
    }
}

/// Why the tree can't be made, in a sentence.
struct Problem: Error, Equatable {
    let sentence: String

    init(sentence: String) { self.sentence = sentence }
    init(doing what: String, _ error: Errno) { sentence = "can't \(what): \(error.explanation) (\(error.name))" }
}
