import LinuxSystem
import PowercapProtocol
import Processes
import Testing

@testable import Simulator

/// A genuine sysfs attribute stands in for the files of a zone: the queue length of a network interface is a number, and its
/// descriptors answer ENODEV once the interface is gone, as those of a powercap zone do.
@Suite("Zones that vanish", .enabled(if: Conditions.canMakeInterface, Conditions.interface))
struct ZoneGoneTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree(Machine(hasDRAM: false)) }

    /// Puts the attribute over the energy and limit files of zones.
    private func vanishing(_ zones: [String]) -> [String] {
        let script = """
            ip tuntap add t0 mode tap && ip link set t0 txqueuelen 150000000 && mount -t sysfs sysfs /sys || exit 1
            while [ "$1" != -- ]; do mount --bind /sys/class/net/t0/tx_queue_len "$1" || exit 1; shift; done
            shift; exec "$@"
            """
        let files = zones.flatMap { zone in
            ["energy_uj", "constraint_0_power_limit_uw", "constraint_1_power_limit_uw"].map { tree.path(zone, $0) }
        }
        return ["unshare", "--mount", "--net", "sh", "-c", script, "sh"] + files + ["--"]
    }

    private func removeInterface(of helper: HelperProcess) throws {
        let removal = try tree.spawn("ip", ["nsenter", "--net=/proc/\(helper.pid)/ns/net", "ip", "link", "del", "t0"])
        #expect(try removal.waitForEnd() == .exited(0), "\(removal.log)")
    }

    @Test("are reported as gone, and the others are served")
    func one() throws {
        let helper = try tree.startHelper(through: vanishing([package1]))
        let client = try WireClient(tree.socket)
        _ = try client.acquire()
        #expect(try client.sample().zones.allSatisfy { !$0.isGone && $0.reading.errno == 0 })
        try removeInterface(of: helper)
        let zones = try client.zones()
        #expect(
            try failure { try client.apply([zones.item("intel-rapl:0", watts: 60), zones.item("intel-rapl:1", watts: 60)]) }?.code
                == .zoneGone)
        let sample = try client.sample().zones
        #expect(!sample[0].isGone && sample[1].isGone)
        #expect(sample[1].reading == Reading(errno: UInt8(Errno.noDevice.number)))
        #expect(try tree.settings() == tree.originals())
        try client.apply([zones.item("intel-rapl:0", watts: 60)])
        #expect(try tree.limit_uw(package0) == 60_000_000)
        #expect(try helper.stop() == .exited(0))
    }

    @Test("all of them: the helper ends with 75, so that its supervisor starts it again")
    func all() throws {
        let helper = try tree.startHelper(through: vanishing([package0, package1]))
        let client = try WireClient(tree.socket)
        try removeInterface(of: helper)
        _ = try? client.sample()
        #expect(try helper.waitForEnd() == .exited(75))
        #expect(helper.log.contains("reason=\"every zone is gone\""))
    }
}
