import Foundation
import Glibc
import LinuxSystem
import Testing

@testable import raplhelper

/// netlink(7), as far as these tests need it.
private struct Netlink {
    /// struct sockaddr_nl: family, padding, port, groups.
    struct Address {
        var family = UInt16(AF_NETLINK)
        var padding: UInt16 = 0
        var port: UInt32
        var groups: UInt32
    }

    /// NETLINK_KOBJECT_UEVENT.
    private static let uevents: Int32 = 15

    static func port(of socket: Int32) -> UInt32 {
        var address = Address(port: 0, groups: 0)
        var length = socklen_t(MemoryLayout<Address>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = unsafe getsockname(socket, $0, &length) }
        }
        return address.port
    }

    /// Sends as somebody who isn't the kernel: whether that was allowed.
    static func send(_ text: String, to port: UInt32, groups: UInt32) -> Bool {
        let socket = Descriptor(owning: Glibc.socket(AF_NETLINK, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), uevents))
        let address = Address(port: port, groups: groups)
        let bytes = Array(text.utf8)
        return unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(socket.number, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<Address>.size)) == bytes.count
            }
        }
    }

    static let maySend: Bool = {
        guard let socket = try? UeventSocket() else { return false }
        return send("test@/permission", to: port(of: socket.number), groups: 0)
    }()

    /// A device whose uevent root may ask the kernel for.
    static let device = "/sys/devices/virtual/mem/null/uevent"
    static let mayAsk: Bool = {
        guard let socket = try? UeventSocket(), ask() else { return false }
        return next(socket, within: 2_000) == "change@/devices/virtual/mem/null"
    }()

    @discardableResult
    static func ask() -> Bool { (try? "change".write(toFile: device, atomically: false, encoding: .utf8)) != nil }

    /// The head of the next message that the helper would believe; nil when none comes, "" for one that it doesn't believe.
    static func next(_ socket: UeventSocket, within milliseconds: Int32) -> String? {
        var watched = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&watched, 1, milliseconds) == 1 else { return nil }
        var storage = InlineArray<2048, UInt8>(repeating: 0)
        var buffer = storage.mutableSpan
        guard let count = try? socket.receive(into: &buffer) else { return nil }
        return String(decoding: (0..<count).map { storage[$0] }.prefix { $0 != 0 }, as: UTF8.self)
    }
}

@Suite("Uevents", .serialized)
struct UeventTests {
    private static func driver(_ fields: String...) -> String? {
        let bytes = Array(fields.joined(separator: "\0").utf8) + [0]
        return Server.boundDriver(bytes.span)?.name
    }

    @Test("tell when a device of the table has its driver, and when a powercap zone appears")
    func announcements() {
        let card = ["ACTION=bind", "DEVPATH=/devices/pci0000:00/0000:03:00.0", "SUBSYSTEM=pci"]
        #expect(
            Self.driver("bind@/devices/pci0000:00/0000:03:00.0", card[0], card[1], card[2], "DRIVER=amdgpu", "SEQNUM=9")
                == "amdgpu")
        #expect(Self.driver("bind@/devices/LNXSYSTM:00/ACPI000D:00", "DRIVER=power_meter") == "power_meter")
        for name in ["amd_hsmp", "hsmp_acpi"] {
            #expect(Self.driver("bind@/devices/LNXSYSTM:00/AMDI0097:00", "DRIVER=\(name)") == "amd_hsmp_hwmon")
        }
        for name in ["amd_hsmp_hwmon", "amdgpus", "amdgp", "nvme", "intel-rapl", ""] {
            #expect(Self.driver("bind@/devices/pci0000:00/0000:03:00.0", card[2], "DRIVER=\(name)") == nil)
        }
        #expect(Self.driver("unbind@/devices/pci0000:00/0000:03:00.0", "DRIVER=amdgpu") == nil)
        #expect(Self.driver("bind@/devices/pci0000:00/0000:03:00.0", "SUBSYSTEM=DRIVER=amdgpu") == nil)
        #expect(Self.driver("bind@/devices/pci0000:00/0000:03:00.0") == nil)
        let (zone, device) = (
            Array("add@/devices/virtual/powercap/intel-rapl/intel-rapl:7\0".utf8), Array("add@/devices/x\0".utf8)
        )
        #expect(Server.announcesZone(zone.span) && !Server.announcesZone(device.span))
    }

    private static let forged = "add@/devices/virtual/powercap/intel-rapl/intel-rapl:7"

    @Test(
        "are believed from the kernel alone: another sender's are read and passed over",
        .enabled(if: Netlink.maySend, "needs CAP_NET_ADMIN: nobody else may send uevents"), arguments: [0, 1] as [UInt32])
    func others(_ groups: UInt32) throws {
        let socket = try UeventSocket()
        #expect(Netlink.send(Self.forged, to: Netlink.port(of: socket.number), groups: groups))
        var messages = 0
        // What the kernel tells of meanwhile is its own.
        while let head = Netlink.next(socket, within: messages == 0 ? 10_000 : 0) {
            messages += 1
            #expect(head != Self.forged)
            if head.isEmpty { return }
        }
        Issue.record("what was sent didn't come")
    }

    @Test(
        "of the kernel are believed", .enabled(if: Netlink.mayAsk, "needs root, a writable /sys and uevents of this namespace"))
    func genuine() throws {
        let socket = try UeventSocket()
        Netlink.ask()
        while let head = Netlink.next(socket, within: 10_000) {
            if head == "change@/devices/virtual/mem/null" { return }
        }
        Issue.record("the kernel's uevent didn't come, or wasn't believed")
    }
}
