import Foundation
import Glibc
import LinuxSystem
import PowercapProtocol
import Testing

@testable import raplhelper

/// The state file has its full size from the start, which helps where a disk keeps what it has given. Where it doesn't (copy on
/// write), any later write may fail as well: here /dev/full takes the file's place in the helper's own descriptor.
@Suite("P6: a disk that is full when the state is to be written")
final class FullDiskTests {
    let rig: Rig
    private let number: Int32
    private let kept: Descriptor

    init() throws {
        rig = try Rig()
        let path = rig.statePath
        let numbers = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
        number = try #require(
            numbers.first { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path })
        kept = Descriptor(owning: fcntl(number, F_DUPFD_CLOEXEC, 0))
    }

    private func fill() throws {
        let full = try Descriptor(opening: "/dev/full", .readWrite)
        #expect(dup2(full.number, number) == number)
    }

    private func makeRoom() { #expect(dup2(kept.number, number) == number) }

    private let full = Failure(.stateUnwritable, errno: UInt16(ENOSPC))

    @Test("no limit is changed, and the file says what it said; with room again one is")
    func beforeTheFirst() throws {
        let (settings, state) = (try rig.settings(), try contents(rig.statePath))
        try fill()
        #expect(failure(of: rig.governor, [rig.item("intel-rapl:0", watts: 60)]) == full)
        #expect(try rig.settings() == settings)
        #expect(try contents(rig.statePath) == state)
        #expect(rig.governor.changeCount == 0)
        makeRoom()
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60)])
        #expect(try rig.limit_uw("intel-rapl:0") == 60_000_000)
    }

    @Test(
        "what is in force stays, and is restored at the end; a crash before that loses nothing either", arguments: [false, true])
    func afterTheFirst(_ crashes: Bool) throws {
        try rig.governor.apply([rig.item("intel-rapl:0", watts: 60, window_us: 500_000)])
        try fill()
        #expect(failure(of: rig.governor, [rig.item("intel-rapl:0", watts: 50), rig.item("intel-rapl:1", watts: 50)]) == full)
        #expect(try rig.limit_uw("intel-rapl:0") == 60_000_000)
        #expect(try rig.limit_uw("intel-rapl:1") == 150_000_000)
        if !crashes { #expect(rig.governor.restore() == Released(restored: 1)) }
        // The file still says that 60 W are ours.
        #expect(try rig.savedChange("intel-rapl:0")?.inForce.limit == Microwatts(60_000_000))
        try rig.restart()
        #expect(try rig.limit_uw("intel-rapl:0") == 150_000_000)
        #expect(try rig.window_us("intel-rapl:0") == 999_424)
        #expect(rig.constraint("intel-rapl:0").original?.limit == Microwatts(150_000_000))
    }
}
