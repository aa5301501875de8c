import Foundation
import LinuxSystem
import Policy
import PowercapProtocol
import TestSupport
import Testing

@testable import Logging
@testable import powercap_controller

/// The devices of some services as a test waits for them.
private struct BankRun {
    let directory: TemporaryDirectory
    let double: DeviceDouble
    let log = LogLines()

    init(_ service: DeviceDouble.Service = .zeusd) throws {
        directory = try TemporaryDirectory()
        double = try DeviceDouble(service, in: directory.path)
    }

    var file: DeviceFile { DeviceFile(path: "\(directory.path)/devices.json") }

    func bank(_ addresses: [String]? = nil, isGoverned: Bool = true, isOnlyLookedAt: Bool = false, isAwaited: Bool = true)
        throws -> DeviceServices
    {
        let lines = log
        let bank = try DeviceServices(
            try (addresses ?? [double.url]).map { try DeviceAddress($0) }, DeviceAccess(), file: file, isGoverned: isGoverned,
            isOnlyLookedAt: isOnlyLookedAt, minPower: .watts(100),
            log: Log(format: .logfmt, level: .debug, output: { lines.add($0) }))
        if isAwaited { try until("the devices", bank) { bank.zones.count == 2 } }
        return bank
    }

    func until(_ what: String, _ bank: DeviceServices, _ isSo: () throws -> Bool) throws {
        let end_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
        while try !isSo() {
            guard Clock.monotonic_ns < end_ns else { throw Child.Missing(description: "\(what) never came: \(log.all)") }
            _ = bank.step(Clock.monotonic_ns)
            if try isSo() { return }
            let now_ns = Clock.monotonic_ns
            _ = try bank.epoll.wait(milliseconds: Int32(min((max(bank.due_ns, now_ns) - now_ns) / 1_000_000 + 1, 1_000)))
        }
    }

    /// Asks for limits of the first devices, and waits until they are settled.
    func set(_ watts: UInt64..., on bank: DeviceServices) throws {
        let items = watts.enumerated().map { ApplyItem(zone: UInt16($0.offset), constraint: 0, limit: .watts($0.element)) }
        _ = try bank.apply(items)
        try until("the limits", bank) { bank.sample().allSatisfy { !$0.isWriting } }
    }

    func limits(_ bank: DeviceServices) -> [UInt64?] { bank.sample().map { $0.limits[0].ifRead.map { $0 / 1_000_000 } } }
    func inForce(_ gpu: Int) throws -> UInt64? { try double.limits().last { $0.device == "\(gpu)" }?.limit }
    func end(_ bank: DeviceServices, _ disposal: LimitDisposal = .restore, patience_ms: Int32 = 20_000) -> [DeviceServices
        .Outcome]
    {
        bank.end(disposal, patience_ms: patience_ms).map(\.outcome)
    }
}

private final class LogLines: @unchecked Sendable {
    private let lock = NSLock()
    private var lines: [String] = []
    func add(_ line: [UInt8]) { lock.withLock { lines.append(String(decoding: line, as: UTF8.self)) } }
    var all: [String] { lock.withLock { lines } }
    func has(_ text: String) -> Bool { all.contains { $0.contains(text) } }
}

@Suite(.waiting)
struct DeviceServicesTests {
    private let run: BankRun

    init() throws { run = try BankRun() }

    @Test("devices are zones with one limit each: range, original, step and what is in the way")
    func zones() throws {
        let bank = try run.bank()
        let zone = bank.zones[1]
        #expect(zone.description.id.string == "zeusd:0000:41:00.0" && zone.description.controlType.string == "zeusd")
        #expect(
            zone.description.name.string == "0000:41:00.0" && zone.description.index == 1 && zone.description.reading == .power)
        let limit = zone.constraints[0]
        #expect(limit.floor == .watts(100) && limit.ceiling == .watts(300) && limit.step == Microwatts(1_000))
        #expect(limit.original == .watts(300) && limit.flags == [.originalKnown, .isSlow] && limit.obstacle == .none)
        #expect(bank.sample().map(\.reading.ifRead) == [75_000_000, 75_000_000])
        #expect(try run.bank(isGoverned: false).zones.map(\.constraints[0].obstacle) == [.notGoverned, .notGoverned])
    }

    @Test("what is only looked at is described as what might be set, and nothing is set, saved, forgotten or logged")
    func lookedAt() throws {
        // Another party has set 300 W since a former controller had 150 W in force.
        let saved = SavedDevice(
            id: "zeusd:0000:01:00.0", address: run.double.url, original: .set(.watts(280)), mode: nil, own: [.watts(150)])
        try run.file.write([saved])
        let bank = try run.bank(isOnlyLookedAt: true)
        #expect(bank.zones.map(\.constraints[0].obstacle) == [.none, .none])
        #expect(throws: Failure(.notWritable)) { try bank.apply([ApplyItem(zone: 0, constraint: 0, limit: .watts(150))]) }
        #expect(try run.file.read() == [saved])
        // What can't be read is no reason not to look.
        try Data("half".utf8).write(to: URL(filePath: run.file.path))
        let other = try run.bank(isOnlyLookedAt: true)
        #expect(other.zones.map(\.constraints[0].obstacle) == [.none, .none] && other.fileProblem == .damaged)
        #expect(try run.double.requests().allSatisfy { $0.method == "GET" } && run.log.all.isEmpty)
    }

    @Test("P4: a limit is pending, at what may be in force, until it is read back")
    func pending() throws {
        let bank = try run.bank()
        let applied = try bank.apply([ApplyItem(zone: 0, constraint: 0, limit: .watts(150), fallback: .watts(120))])
        #expect(applied == [AppliedItem(effective: .watts(300), effectiveWindow_us: 0, isPending: true)])
        #expect(bank.sample().map(\.isWriting) == [true, false])
        try run.until("the limit", bank) { !bank.sample()[0].isWriting }
        #expect(run.limits(bank) == [150, 300])
        #expect(bank.zones[0].constraints[0].flags.contains(.changed) && bank.zones[0].constraints[0].fallback == .watts(120))
        // It is so already: nothing is sent.
        #expect(try bank.apply([ApplyItem(zone: 0, constraint: 0, limit: .watts(150))]).map(\.isPending) == [false])
    }

    @Test("a batch is refused as a whole, and nothing is saved or sent")
    func refusals() throws {
        let bank = try run.bank()
        let good = ApplyItem(zone: 0, constraint: 0, limit: .watts(150))
        let cases: [(ApplyItem, ErrorCode)] = [
            (ApplyItem(zone: 7, constraint: 0, limit: .watts(150)), .unknownZone),
            (ApplyItem(zone: 1, constraint: 1, limit: .watts(150)), .unknownConstraint),
            (ApplyItem(zone: 1, constraint: 0, limit: .watts(99)), .belowFloor),
            (ApplyItem(zone: 1, constraint: 0, limit: .watts(301)), .aboveCeiling),
            (ApplyItem(zone: 0, constraint: 0, limit: .watts(160)), .duplicateItem),
            (ApplyItem(zone: 1, constraint: 0, limit: .watts(150), window_us: 1_000), .noTimeWindow),
        ]
        for (bad, code) in cases { #expect(throws: Failure(code, item: 1)) { try bank.apply([good, bad]) } }
        #expect(try run.file.read() == [] && bank.sample().allSatisfy { !$0.isWriting })
        #expect(throws: Failure(.notWritable, item: 0)) { try run.bank(isGoverned: false).apply([good]) }
    }

    @Test("P6: the original is on the disk before anything is sent, and each limit before it is")
    func savedFirst() throws {
        let bank = try run.bank()
        _ = try bank.apply([ApplyItem(zone: 0, constraint: 0, limit: .watts(150))])
        #expect(try run.double.requests().allSatisfy { $0.method == "GET" })
        let saved = SavedDevice(
            id: "zeusd:0000:01:00.0", address: run.double.url, original: .set(.watts(300)), mode: nil, own: [.watts(150)])
        #expect(try run.file.read() == [saved])
    }

    @Test("P6: where nothing can be saved nothing is changed; what can't be read isn't written over")
    func unsaveable() throws {
        let bank = try run.bank()
        try makeDirectory(run.file.path + ".new", mode: 0o700)
        try Data().write(to: URL(filePath: run.file.path + ".new/x"))
        #expect(throws: Failure.self) { try bank.apply([ApplyItem(zone: 0, constraint: 0, limit: .watts(150))]) }
        #expect(bank.sample().allSatisfy { !$0.isWriting } && run.log.has("nothing is changed"))
        try Data("half".utf8).write(to: URL(filePath: run.file.path))
        let next = try run.bank()
        #expect(next.zones[0].constraints[0].obstacle == .originalUnknown && run.log.has("are damaged"))
        #expect(throws: Failure(.stateUnreadable, item: 0)) {
            try next.apply([ApplyItem(zone: 0, constraint: 0, limit: .watts(150))])
        }
    }

    @Test("P6: at the end the originals are back, and nothing is saved any more")
    func restored() throws {
        let bank = try run.bank()
        try run.set(150, 160, on: bank)
        #expect(run.end(bank) == [.restored, .restored])
        #expect(try run.inForce(0) == 300_000 && run.inForce(1) == 300_000 && run.file.read() == [])
        #expect(run.end(bank) == [])
    }

    @Test("P6: what another party has set stays")
    func foreign() throws {
        let bank = try run.bank()
        try run.set(150, 160, on: bank)
        try run.double.tell("set 0 limit 222000")
        #expect(run.end(bank) == [.foreign, .restored])
        #expect(try run.inForce(0) == 150_000 && run.file.read() == [] && run.log.has("another party has set a device's limit"))
    }

    @Test("P18: a fallback limit holds, is known as this program's, and never raises one")
    func fallback() throws {
        let bank = try run.bank()
        _ = try bank.apply([
            ApplyItem(zone: 0, constraint: 0, limit: .watts(150), fallback: .watts(120)),
            ApplyItem(zone: 1, constraint: 0, limit: .watts(110), fallback: .watts(110)),
        ])
        try run.until("the limits", bank) { bank.sample().allSatisfy { !$0.isWriting } }
        #expect(run.end(bank, .fallback) == [.fallback, .fallback])
        #expect(try run.inForce(0) == 120_000 && run.inForce(1) == 110_000)
        #expect(try run.file.read().map { $0.own.contains(.watts(120)) } == [true, false])
        // The next one puts back what was there before both.
        let next = try run.bank()
        #expect(run.end(next) == [.restored, .restored])
        #expect(try run.inForce(0) == 300_000)
    }

    @Test("ON_EXIT=hold leaves limits and what is saved of them")
    func held() throws {
        let bank = try run.bank()
        try run.set(150, on: bank)
        #expect(run.end(bank, .hold) == [.held] && run.limits(bank) == [150, 300])
        #expect(try run.file.read().count == 1)
    }

    @Test("P6: one that died leaves its limits to the next, who takes them over and puts back what the first had found")
    func takenOver() throws {
        try run.set(150, on: try run.bank())
        let next = try run.bank()
        #expect(run.limits(next) == [150, 300] && next.zones[0].constraints[0].original == .watts(300))
        #expect(next.zones[0].constraints[0].flags.contains(.changed))
        try run.set(180, on: next)
        #expect(run.end(next) == [.restored])
        #expect(try run.inForce(0) == 300_000)
    }

    @Test("P6: what was set by another party while nobody was there is what is found")
    func foreignMeanwhile() throws {
        try run.set(150, 160, on: try run.bank())
        try run.double.tell("set 0 limit 222000")
        try run.double.tell("set 1 limit 300000")
        let next = try run.bank()
        #expect(next.zones.map(\.constraints[0].original) == [.watts(222), .watts(300)])
        #expect(try run.file.read().map(\.id) == ["zeusd:0000:41:00.0"])
        try run.set(150, on: next)
        #expect(Set(run.end(next)) == [.restored, .original])
        #expect(try run.inForce(0) == 222_000 && run.file.read() == [])
    }

    @Test("P6: a service that is away at the end is told, within the patience, and its originals are kept for the next start")
    func awayAtTheEnd() throws {
        let bank = try run.bank()
        try run.set(150, on: bank)
        for fault in ["status 500", "hang", "reset"] {
            try run.double.tell("fault GET:* every \(fault)")
            let began_ns = Clock.monotonic_ns
            #expect(run.end(bank, patience_ms: 1_500) == [.failed])
            #expect(Clock.monotonic_ns - began_ns < 10_000_000_000)
            try run.double.tell("forget")
        }
        #expect(run.log.has("a device's original limit isn't back") && run.log.has("zeusd:0000:01:00.0"))
        #expect(try run.file.read().count == 1)
        #expect(run.end(try run.bank()) == [.restored])
        #expect(try run.inForce(0) == 300_000)
    }

    @Test("P6: killed at any moment, the next start puts back what there was, or leaves another party's", arguments: 0..<12)
    func killed(_ moment: Int) throws {
        let bank = try run.bank()
        // A write that is answered at once, late, never, or after the process is gone.
        let fault = [
            "", "fault /gpu/set_power_limit 1 mute", "fault /gpu/set_power_limit 1 hang", "fault /gpu/set_power_limit 1 late",
        ][moment % 4]
        if !fault.isEmpty { try run.double.tell(fault) }
        _ = try bank.apply([
            ApplyItem(zone: 0, constraint: 0, limit: .watts(150)), ApplyItem(zone: 1, constraint: 0, limit: .watts(160)),
        ])
        // So many turns of the loop later nobody goes on with it.
        for _ in 0..<(moment / 4 * 3) { _ = bank.step(Clock.monotonic_ns) }
        if fault.hasSuffix("hang") { try run.double.tell("forget") }
        let next = try run.bank()
        try run.until("what is so", next) { next.sample().allSatisfy { $0.limits[0].errno == 0 } }
        // What was sent before is done after the next one has looked.
        if fault.hasSuffix("late"), try run.double.requests().contains(where: { $0.fault == "late" }) {
            try run.double.tell("forget")
            try run.until("the late limit", next) { try run.double.limits().contains { $0.limit == 150_000 } }
        }
        for outcome in run.end(next) { #expect([.restored, .original].contains(outcome)) }
        #expect(try [0, 1].allSatisfy { try [nil, 300_000].contains(run.inForce($0)) })
        #expect(try run.file.read() == [])
    }

    @Test("a service whose limits were changed and that isn't named any more is told")
    func unnamed() throws {
        try run.set(150, on: try run.bank())
        _ = try run.bank(["unix:\(run.directory.path)/other.sock"], isAwaited: false)
        #expect(run.log.has("isn't in DEVICE_URL"))
    }

    @Test("a service that is away is told once for each problem, and when it answers")
    func trouble() throws {
        let bank = try run.bank()
        try run.double.tell("fault GET:* every status 500")
        for _ in 0..<2 {
            bank.services[0].lookNow()
            let before = bank.services[0].problem
            try run.until("a look in vain", bank) { bank.services[0].problem != nil }
            if before != nil { break }
        }
        #expect(run.log.all.count { $0.contains("can't be asked") } == 1 && bank.states.count == 1 && !bank.states[0].isUp)
        #expect(bank.states[0].problem == "it can't at present (HTTP 500): as told")
        #expect(bank.states[0].devices == 2 && bank.states[0].answered_ns != nil, "it has answered, and its devices aren't gone")
        #expect(bank.sample().map(\.reading) == [Reading(errno: 61), Reading(errno: 61)])
    }
}

@Suite(.waiting)
struct RedfishDevicesTests {
    @Test("P6: a control that was off is off again, with the service's own word for it")
    func off() throws {
        let directory = try TemporaryDirectory()
        let double = try DeviceDouble(.redfish, gpus: 1, in: directory.path)
        try double.tell("set GPU_0 PowerLimitWatts/ControlMode \"Disabled\"")
        try Data("admin:secret\n".utf8).write(to: URL(filePath: "\(directory.path)/login"))
        let access = DeviceAccess(loginFile: "\(directory.path)/login", certificateFile: double.certificates)
        let bank = try DeviceServices(
            [try DeviceAddress(double.url + "/redfish/v1/Systems")], access,
            file: DeviceFile(path: "\(directory.path)/devices.json"),
            isGoverned: true, minPower: .watts(100), log: Log(format: .logfmt, level: .error, output: { _ in }))
        func until(_ isSo: () -> Bool) throws {
            let end_ns = Clock.monotonic_ns + Child.patience_ms * 1_000_000
            while !isSo(), Clock.monotonic_ns < end_ns {
                _ = bank.step(Clock.monotonic_ns)
                _ = try bank.epoll.wait(milliseconds: bank.due_ns <= Clock.monotonic_ns ? 0 : 50)
            }
            #expect(isSo())
        }
        try until { bank.zones.count == 1 }
        #expect(bank.zones[0].constraints[0].flags.contains(.originalDisabled) && bank.zones[0].constraints[0].original == .zero)
        #expect(bank.sample()[0].limits[0].ifRead == 0)
        let applied = try bank.apply([ApplyItem(zone: 0, constraint: 0, limit: .watts(450))])
        #expect(applied[0].effective == .watts(700))
        try until { !bank.sample()[0].isWriting }
        #expect(bank.sample()[0].limits[0].ifRead == 450_000_000)
        #expect(bank.release(.restore, patience_ms: 20_000) == Released(restored: 1))
        #expect(try double.limits().last?.mode == "Disabled")
    }

    @Test("floor and ceiling are the service's; without them the option's, and the largest limit that it has named")
    func ranges() {
        func range(_ change: (inout FoundDevice) -> Void, original: ServedLimit = .set(.watts(500))) -> [UInt64] {
            var found = FoundDevice(
                kind: .redfish, handle: "/x", identity: "x", name: "x", step: .watts(1), isSettable: true, limit: original)
            change(&found)
            let range = DeviceRange(found, original: original, minPower: .watts(100))
            return [range.floor.rawValue / 1_000, range.ceiling.rawValue / 1_000]
        }
        #expect(range { ($0.least, $0.most) = (.watts(200), .watts(700)) } == [200_000, 700_000])
        #expect(range { ($0.least, $0.most) = (Microwatts(200_500_000), Microwatts(700_500_000)) } == [201_000, 700_000])
        #expect(range { $0.standard = .watts(650) } == [100_000, 650_000])
        #expect(range { _ in } == [100_000, 500_000])
        #expect(range({ _ in }, original: .set(.watts(60))) == [60_000, 60_000])
        #expect(range({ _ in }, original: .off) == [100_000, 0])
    }
}
