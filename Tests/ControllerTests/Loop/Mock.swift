import Foundation
import PowercapProtocol
import TestSupport
import Testing

/// A MockHelper with a socket of its own.
final class Mock {
    private let directory: TemporaryDirectory
    private let child: Child
    var socket: String { "\(directory.path)/helper.sock" }
    /// Every line that it printed so far.
    var lines: [String] { child.lines }

    init(_ script: String) throws {
        directory = try TemporaryDirectory()
        let path = "\(directory.path)/script"
        try script.write(toFile: path, atomically: true, encoding: .utf8)
        child = try Child("MockHelper", ["\(directory.path)/helper.sock", path], reading: .output)
        try child.next("ready") { $0 == "ready" }
    }

    func kill(_ signal: Int32) { child.kill(signal) }

    /// Waits until the mock has executed a statement; what `next` gives then came later.
    func tell(_ statement: String) throws {
        try child.write(statement)
        try child.next("done \(statement)") { $0 == "done \(statement)" }
    }

    /// Waits for the next line that starts with these words, and passes over those before it.
    @discardableResult
    func next(_ words: String) throws -> String { try child.next(words) { $0 == words || $0.hasPrefix(words + " ") } }

    func nextApply() throws -> Batch { try Batch(next("Apply")) }

    /// Every limit that is in force.
    func limits() throws -> [String: Microwatts] {
        try child.write("show")
        return try Batch(next("limits")).limits
    }

    /// The batches so far.
    func batches() throws -> [Batch] { try lines.filter { $0.hasPrefix("Apply ") }.map(Batch.init) }

    /// The names of the requests so far; those after the last line that is `line`.
    func requests(after line: String = "ready") -> [String] {
        let names = Set(Opcode.allCases.filter { $0.row.direction == .request }.map { "\($0.row.name)" })
        let first = (lines.lastIndex(of: line) ?? 0) + 1
        return lines[first...].map { String($0.prefix { $0 != " " }) }.filter(names.contains)
    }

    var requests: [String] { requests() }
}

/// A line `Apply token=1 intel-rapl:0/long_term=45000000 …`, or one of limits.
struct Batch {
    let token: UInt64?
    /// In their order.
    private(set) var items: [(target: String, power: Microwatts)] = []

    var limits: [String: Microwatts] { Dictionary(items.map { ($0.target, $0.power) }, uniquingKeysWith: { $1 }) }

    init(_ line: String) throws {
        var fields = line.split(separator: " ").dropFirst().map { $0.split(separator: "=") }
        token = fields.first?.first == "token" ? UInt64(fields.removeFirst()[1]) : nil
        for field in fields { items.append((String(field[0]), Microwatts(try #require(UInt64(field[1]))))) }
    }
}

/// A package as a script declares it.
struct ScriptedPackage {
    var number = 0
    /// The zone's number.
    var zone: Int?
    var original: UInt64 = 200
    var maxPower: UInt64 = 200
    var shortTerm: UInt64? = 240
    var floor: UInt64 = 1
    var isLocked = false
    var power: UInt64 = 50

    /// In watts.
    var lines: String {
        let id = "intel-rapl:\(zone ?? number)"
        var text = "zone \(id) package-\(number) energy_uj=0 power=\(power)W\n"
        let options = "floor=\(floor)W\(isLocked ? " locked" : "")"
        text += "constraint \(id) long_term \(original)W max=\(maxPower)W window_us=999424 \(options)\n"
        if let shortTerm {
            text += "constraint \(id) short_term \(shortTerm)W index=1 max=\(maxPower * 2)W window_us=7808 \(options)\n"
        }
        return text
    }
}

extension Mock {
    /// A mock of some packages, in watts: the long-term limit is the maximum.
    convenience init(devices: Int, _ script: String = "") throws {
        try self.init((0..<devices).map { ScriptedPackage(number: $0) }, script)
    }

    convenience init(_ devices: [ScriptedPackage], _ script: String = "") throws {
        try self.init(devices.map(\.lines).joined() + script)
    }
}
