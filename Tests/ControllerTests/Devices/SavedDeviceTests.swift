import Foundation
import LinuxSystem
import Policy
import PowercapProtocol
import TestSupport
import Testing

@testable import powercap_controller

struct SavedDeviceTests {
    private static func saved(_ original: ServedLimit = .set(.watts(300)), own: [Microwatts] = [.watts(200), .watts(150)])
        -> SavedDevice
    {
        SavedDevice(id: "zeusd:0000:01:00.0", address: "unix:/z", original: original, mode: nil, own: own)
    }

    @Test(
        "P6: what was asked for is this program's, also where it was rounded down; anything else is another's",
        arguments: [
            (ServedLimit.set(.watts(300)), SavedDevice.Owner.nobody), (.set(.watts(200)), .own), (.set(.watts(150)), .own),
            (.set(Microwatts(149_000_001)), .own), (.set(.watts(149)), .other), (.set(Microwatts(150_000_001)), .other),
            (.set(.watts(250)), .other), (.off, .other), (.unknown, .unknown),
        ])
    func owners(_ limit: ServedLimit, _ owner: SavedDevice.Owner) {
        #expect(Self.saved().owner(of: limit, step: .watts(1)) == owner)
    }

    @Test("where no limit was in force, that is the original")
    func originallyOff() {
        #expect(Self.saved(.off).owner(of: .off, step: .watts(1)) == .nobody)
        #expect(Self.saved(.off).owner(of: .set(.watts(300)), step: .watts(1)) == .other)
    }

    @Test("the latest few are kept, each once")
    func bounded() {
        var saved = Self.saved(own: [])
        for watts in [100, 110, 120, 110, 130, 140, 150] as [UInt64] { saved.add(.watts(watts)) }
        #expect(saved.own == [.watts(110), .watts(130), .watts(140), .watts(150)])
    }

    @Test("what becomes of a limit at the end")
    func endings() {
        let restored = DeviceEnding.set(.set(.watts(300)), mode: nil)
        let cases: [(limit: ServedLimit, fallback: Microwatts?, disposal: LimitDisposal, ending: DeviceEnding)] = [
            (.set(.watts(150)), nil, .restore, restored), (.set(.watts(150)), .watts(120), .restore, restored),
            (.set(.watts(150)), nil, .hold, .asIs), (.set(.watts(250)), nil, .restore, .foreign),
            (.set(.watts(250)), nil, .hold, .foreign), (.set(.watts(300)), nil, .restore, .asIs),
            (.unknown, nil, .restore, .unknown),
            (.set(.watts(150)), .watts(120), .fallback, .set(.set(.watts(120)), mode: nil)),
            // Nothing rises by a fallback limit.
            (.set(.watts(150)), .watts(180), .fallback, .asIs), (.set(.watts(150)), nil, .fallback, restored),
            (.set(.watts(300)), .watts(120), .fallback, .set(.set(.watts(120)), mode: nil)),
            (.set(.watts(300)), nil, .fallback, .asIs),
            (.set(.watts(250)), .watts(120), .fallback, .foreign),
        ]
        for item in cases {
            #expect(
                DeviceEnding(Self.saved(), limit: item.limit, step: .watts(1), fallback: item.fallback, item.disposal)
                    == item.ending)
        }
    }
}

struct DeviceFileTests {
    private let directory: TemporaryDirectory
    private let file: DeviceFile

    init() throws {
        directory = try TemporaryDirectory()
        file = DeviceFile(path: "\(directory.path)/devices.json")
    }

    @Test("P6: what is written is read again, whole")
    func roundTrip() throws {
        let devices = [
            SavedDevice(
                id: "zeusd:0000:01:00.0", address: "unix:/z", original: .set(.watts(300)), mode: nil,
                own: [.watts(200), .watts(150)]),
            SavedDevice(
                id: "redfish:bmc/Systems/1", address: "https://bmc/redfish/v1/Systems/1", original: .off, mode: "Disabled"),
        ]
        try file.write(devices)
        #expect(try file.read() == devices)
        try file.write([])
        #expect(try file.read() == [])
    }

    @Test("without a file nothing was changed")
    func none() throws { #expect(try file.read() == []) }

    @Test(
        "a file that isn't what is written here is damaged: nothing may be set over what it might say",
        arguments: [
            "", "{", "[]", #"{"format":2,"devices":[]}"#, #"{"format":1}"#, #"{"format":1,"devices":[{}]}"#,
            #"{"format":1,"devices":[{"id":"a","url":"u","own_uw":[]}]}"#,
            #"{"format":1,"devices":[{"id":"a","url":"u","original_uw":"1","own_uw":[]}]}"#,
            #"{"format":1,"devices":[{"id":"a","url":"u","original_uw":1,"own_uw":[null]}]}"#,
            #"{"format":1,"devices":[{"id":"a","url":"u","original_uw":1,"mode":1,"own_uw":[]}]}"#,
            #"{"format":1,"devices":[{"id":"a","url":"u","original_uw":1,"own_uw":[]},{"id":"a","url":"u","original_uw":1,"own_uw":[]}]}"#,
        ])
    func damaged(_ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: file.path))
        #expect(throws: SavedFile.Problem.damaged) { try file.read() }
    }

    @Test("a file that others may write is none, and a half of a new one does no harm")
    func strangers() throws {
        try file.write([])
        try changeMode(file.path, 0o666)
        #expect(throws: SavedFile.Problem.damaged) { try file.read() }
        try changeMode(file.path, 0o600)
        try Data("half".utf8).write(to: URL(filePath: file.path + ".new"))
        try file.write([])
        #expect(try file.read() == [])
    }

    @Test("what can't be saved is said, and what was saved stays")
    func unwritable() throws {
        let nowhere = DeviceFile(path: "\(directory.path)/none/devices.json")
        #expect(throws: Errno.noEntry) { try nowhere.write([]) }
    }
}
