import LinuxSystem
import PowercapProtocol
import Testing

@testable import raplhelper

/// Zones of other drivers than RAPL's: found by what stays, measured as they can be, limited as they were told to be.
@Suite struct DriverTests {
    static let card = "devices/bus/0000:03:00.0/hwmon/hwmon3"
    static let arc = "devices/bus/0000:04:00.0/hwmon/hwmon4"
    static let meter = "devices/LNXSYSTM:00/ACPI000D:00"
    static let firmware = "firmware/opal/powercap/system-powercap"

    /// One device of every driver.
    static func machine() throws -> SysTree {
        let tree = try SysTree()
        try tree.hwmon(
            3, "amdgpu", at: "0000:03:00.0",
            [
                "power1_average": "231500000", "power1_cap": "300000000", "power1_cap_min": "150000000",
                "power1_cap_max": "345000000", "power1_cap_default": "300000000",
            ])
        try tree.hwmon(
            4, "i915", at: "0000:04:00.0",
            ["energy1_input": "441000", "power1_max": "0", "power1_rated_max": "190000000", "power1_crit": "1"])
        try tree.hwmon(
            5, "xe", at: "0000:05:00.0",
            ["energy1_input": "7", "power1_max": "200000000", "power1_rated_max": "190000000", "power2_max": "150000000"])
        try tree.hwmon(
            6, "amd_hsmp_hwmon", at: "AMDI0097:00",
            ["power1_input": "212431000", "power1_cap": "400000000", "power1_cap_max": "400000000"])
        try tree.powerMeter(
            7, at: "ACPI000D:00", path: "\\_SB_.PMT0",
            [
                "power1_average": "200000000", "power1_cap": "400000000", "power1_cap_min": "100000000",
                "power1_cap_max": "500000000",
            ])
        try tree.hwmon(8, "coretemp", at: "coretemp.0", ["temp1_input": "40000"])
        try tree.file("\(firmware)/powercap-current", "3050")
        try tree.file("\(firmware)/powercap-min", "1500")
        try tree.file("\(firmware)/powercap-max", "3050")
        let scmi = "devices/virtual/powercap/arm-scmi/arm-scmi:0"
        for (file, text) in [
            "name": "socket 0", "power_uw": "131500000", "max_power_range_uw": "250000000", "enabled": "1",
            "constraint_0_name": "SCMI power-cap", "constraint_0_power_limit_uw": "250000000",
            "constraint_0_min_power_uw": "60000000", "constraint_0_max_power_uw": "250000000",
        ] { try tree.file("\(scmi)/\(file)", text) }
        return tree
    }

    private func lines(_ tree: SysTree) -> [String] {
        tree.zones.flatMap { zone in
            let sample = zone.sample()
            let reading = sample.reading.ifRead.map { "\($0)" } ?? "-"
            let head = "\(zone.id.string) \(zone.controlType.string) \(zone.name.string) \(zone.readingKind) \(reading)"
            return [head]
                + zone.constraints.indices.map { position in
                    let each = tree.describe(zone.id.string, position)
                    return
                        "  \(each.index) \(each.name.string) \(each.original.rawValue / 1_000_000) of \(each.maxPower.rawValue / 1_000_000), "
                        + "\(each.floor.rawValue / 1_000_000) to \(each.ceiling.rawValue / 1_000_000) by \(each.step.rawValue) "
                        + "\(each.flags.contains(.originalDisabled) ? "disabled " : "")\(each.obstacle)"
                }
        }
    }

    @Test func `each driver's zones are found by what stays at the next boot, with their bounds, steps and readings`() throws {
        let tree = try DriverTests.machine()
        try tree.start()
        #expect(
            lines(tree) == [
                "arm-scmi:0 arm-scmi socket-0 power 131500000", "  0 SCMI-power-cap 250 of 250, 60 to 250 by 1000 none",
                "amdgpu:0000:03:00.0 amdgpu 0000:03:00.0 power 231500000",
                "  0 power1_cap 300 of 345, 150 to 345 by 1000000 none",
                "i915:0000:04:00.0 i915 0000:04:00.0 energy 441000",
                "  0 power1_max 0 of 190, 10 to 190 by 125000 disabled none",
                "xe:0000:05:00.0 xe 0000:05:00.0 energy 7", "  0 power1_max 200 of 190, 10 to 200 by 125000 none",
                "  1 power2_max 150 of 0, 10 to 150 by 125000 none",
                "amd_hsmp_hwmon:AMDI0097:00 amd_hsmp_hwmon AMDI0097:00 power 212431000",
                "  0 power1_cap 400 of 400, 10 to 400 by 1000 none",
                "power_meter:_SB_.PMT0 power_meter _SB_.PMT0 power 200000000",
                "  0 power1_cap 400 of 500, 100 to 500 by 1000 none",
                "opal:system opal system none -", "  0 powercap-current 3050 of 3050, 1500 to 3050 by 1000000 none",
            ])
    }

    @Test func `what the helper isn't told to govern is measured, named, and not opened for writing`() throws {
        let tree = try DriverTests.machine()
        try tree.start(govern: "gpu,intel-rapl")
        let governed = Set(["amdgpu:0000:03:00.0", "i915:0000:04:00.0", "xe:0000:05:00.0"])
        for zone in tree.zones {
            for (position, constraint) in zone.constraints.enumerated() {
                let isGoverned = governed.contains(zone.id.string)
                #expect(constraint.isOpenForWriting == isGoverned, "\(zone.id.string)")
                #expect(tree.describe(zone.id.string, position).obstacle == (isGoverned ? .none : .notGoverned))
            }
        }
        #expect(failure(of: tree.governor, [tree.item("opal:system", 2_000_000_000)])?.code == .notWritable)
        #expect(try tree.text("\(DriverTests.firmware)/powercap-current") == "3050")
    }

    @Test func `a control type that the table doesn't know is measured, named, and not opened for writing`() throws {
        let tree = try SysTree()
        let zone = "devices/virtual/powercap/alien/alien:0"
        for (file, text) in [
            "name": "package-0", "energy_uj": "77", "max_energy_range_uj": "1000", "constraint_0_name": "long_term",
            "constraint_0_power_limit_uw": "90000000", "constraint_0_max_power_uw": "100000000",
        ] { try tree.file("\(zone)/\(file)", text) }
        try tree.start()
        #expect(tree["alien:0"].sample().reading == Reading(77))
        #expect(tree["alien:0"].sample().limits[0] == Reading(90_000_000))
        #expect(!tree["alien:0"].constraints[0].isOpenForWriting)
        #expect(tree.describe("alien:0").obstacle == .unknownDriver)
        #expect(failure(of: tree.governor, [tree.item("alien:0", 80_000_000)])?.code == .notWritable)
        #expect(
            Listing.table(tree.zones, tree.governor.bounds).string.contains(
                "not governed: its control type isn't one that the helper knows"))
    }

    @Test func `a powercap tree that is named alone is all there is`() throws {
        let tree = try DriverTests.machine()
        let options = try Options(parsing: ["--powercap-root", "\(tree.path)/devices/virtual/powercap"])
        #expect(try Discovery.zones(options, readOnly: true).map(\.id.string) == ["arm-scmi:0"])
        let both = try Options(
            parsing: ["--powercap-root", "\(tree.path)/devices/virtual/powercap", "--sysfs", tree.path])
        #expect(try Discovery.zones(both, readOnly: true).count == 7)
    }

    @Test func `a node without a powercap tree has its other zones, and one without any is refused as ever`() throws {
        let tree = try SysTree()
        try tree.file("class/hwmon/.keep", "")
        #expect(throws: Problem.self) { try tree.start() }
        try tree.hwmon(0, "amd_hsmp_hwmon", at: "AMDI0097:00", ["power1_input": "1"])
        try tree.start()
        #expect(tree.zones.map(\.id.string) == ["amd_hsmp_hwmon:AMDI0097:00"])
    }

    // MARK: Limits

    static let writes: [(zone: String, file: String, asked_uw: UInt64, written: String, original: String)] = [
        ("amdgpu:0000:03:00.0", "\(card)/power1_cap", 200_999_999, "200000000", "300000000"),
        ("i915:0000:04:00.0", "\(arc)/power1_max", 100_062_000, "100000000", "0"),
        ("power_meter:_SB_.PMT0", "\(meter)/power1_cap", 250_000_500, "250000000", "400000000"),
        ("opal:system", "\(firmware)/powercap-current", 2_000_999_999, "2000", "3050"),
        (
            "arm-scmi:0", "devices/virtual/powercap/arm-scmi/arm-scmi:0/constraint_0_power_limit_uw", 100_000_999, "100000000",
            "250000000"
        ),
    ]

    @Test(arguments: writes.indices)
    func `P4, P6: a limit is rounded down to the driver's step before it is written, and the original comes back`(_ row: Int)
        throws
    {
        let row = DriverTests.writes[row]
        let tree = try DriverTests.machine()
        try tree.start()
        #expect(failure(of: tree.governor, [tree.item(row.zone, row.asked_uw)]) == nil)
        #expect(try tree.text(row.file) == row.written)
        #expect(tree.governor.applied(0).effective <= Microwatts(row.asked_uw))
        #expect(tree.governor.restore() == Released(restored: 1))
        #expect(try tree.text(row.file) == row.original)
    }

    @Test(arguments: writes.indices)
    func `P6: the next helper puts back what a killed one has left, by the device's name and not by its number`(_ row: Int) throws
    {
        let row = DriverTests.writes[row]
        let tree = try DriverTests.machine()
        try tree.start()
        #expect(failure(of: tree.governor, [tree.item(row.zone, row.asked_uw)]) == nil)
        // The class has other numbers after a module was loaded anew.
        try tree.remove("class/hwmon/hwmon3")
        try tree.hwmon(3, "amdgpu", at: "0000:83:00.0", ["power1_cap": "200000000", "power1_cap_max": "345000000"])
        try tree.hwmon(9, "amdgpu", at: "0000:03:00.0", ["power1_cap": "200000000", "power1_cap_max": "345000000"])
        try tree.start()
        // Slow ones are dealt with by who serves, first of all.
        _ = tree.governor.fallBack()
        let file = row.file == "\(DriverTests.card)/power1_cap" ? "devices/bus/0000:03:00.0/hwmon/hwmon9/power1_cap" : row.file
        #expect(try tree.text(file) == row.original)
        #expect(try tree.text("devices/bus/0000:83:00.0/hwmon/hwmon3/power1_cap") == "200000000")
        #expect(tree.governor.changeCount == 0)
    }

    @Test func `P3: the driver's own bounds hold, in whole steps, whatever --min-power says`() throws {
        let tree = try DriverTests.machine()
        try tree.start(["--min-power", "160.5W"])
        let card = "amdgpu:0000:03:00.0"
        #expect(tree.describe(card).floor == Microwatts(161_000_000))
        #expect(failure(of: tree.governor, [tree.item(card, 160_999_999)])?.code == .belowFloor)
        #expect(failure(of: tree.governor, [tree.item(card, 345_000_001)])?.code == .aboveCeiling)
        try tree.start(["--ceiling", "original"])
        #expect(tree.describe(card).ceiling == Microwatts(300_000_000))
        #expect(tree.describe(card).floor == Microwatts(150_000_000))
        #expect(tree.describe("i915:0000:04:00.0").ceiling == Microwatts(190_000_000))
        // 4095.875 W is what RAPL's register holds, and not a server's supply.
        try tree.file("\(DriverTests.meter)/power1_cap_max", "9000000000")
        try tree.start()
        #expect(tree.describe("power_meter:_SB_.PMT0").ceiling == Microwatts(9_000_000_000))
    }

    @Test func `P6, P18: where there was no limit, none comes back, and a fallback limit counts as lower`() throws {
        let tree = try DriverTests.machine()
        let (arc, file) = ("i915:0000:04:00.0", "\(DriverTests.arc)/power1_max")
        try tree.start()
        #expect(tree[arc].sample().limits[0] == Reading(0))
        #expect(failure(of: tree.governor, [tree.item(arc, 120_000_000, fallback_uw: 90_000_000)]) == nil)
        #expect(tree.governor.fallBack() == Released(fallback: 1))
        #expect(try tree.text(file) == "90000000")
        // Another helper takes over: the state says that there was no limit.
        try tree.start()
        #expect(tree.describe(arc).flags.isSuperset(of: [.originalDisabled, .originalKnown, .changed]))
        #expect(tree.governor.restore() == Released(restored: 1))
        #expect(try tree.text(file) == "0")
    }

    @Test func `P18: hardware that has lost its limit falls back again`() throws {
        let tree = try DriverTests.machine()
        let (arc, file) = ("i915:0000:04:00.0", "\(DriverTests.arc)/power1_max")
        try tree.start()
        #expect(failure(of: tree.governor, [tree.item(arc, 120_000_000, fallback_uw: 90_000_000)]) == nil)
        try tree.file(file, "0")
        #expect(tree.governor.fallBack() == Released(fallback: 1))
        #expect(try tree.text(file) == "90000000")
    }

    // MARK: Readings

    static let readings: [(text: String, reading: Reading)] = [
        ("0", Reading(0)), ("1000", Reading(1_000)), ("4294967294999", Reading(4_294_967_294_999)),
        ("4294967295000", Reading(errno: 61)), ("18446744073709551615", Reading(errno: 61)), ("", Reading(errno: 61)),
        ("\n231500000", Reading(errno: 61)), ("much", Reading(errno: 74)), ("-1", Reading(errno: 74)),
    ]

    @Test(arguments: readings.indices) func `what a power's file says when there is none is no reading, and no 0`(_ row: Int)
        throws
    {
        let tree = try DriverTests.machine()
        try tree.start()
        try tree.file("\(DriverTests.card)/power1_average", DriverTests.readings[row].text)
        #expect(tree["amdgpu:0000:03:00.0"].sample().reading == DriverTests.readings[row].reading)
    }

    @Test func `errors that mean that there is no value now are ENODATA, of hwmon alone`() {
        let (hwmon, powercap) = (Attribute.Format(hasGaps: true), Attribute.Format())
        for errno in [Errno.invalid, .notPermitted, .again, .noData] {
            #expect(hwmon.meaning(errno) == .noData)
            #expect(powercap.meaning(errno) == errno)
        }
        for errno in [Errno.noDevice, .inputOutput, .badMessage] { #expect(hwmon.meaning(errno) == errno) }
        // i915 where a limit can't be taken away.
        #expect(hwmon.meaning(ofWrite: .noDevice) == .notSupported)
        #expect(powercap.meaning(ofWrite: .noDevice) == .noDevice)
    }

    @Test(arguments: [
        ("active", false), ("suspended", true), ("suspending", true), ("resuming", true), ("unsupported", false),
        ("error", false), ("", false),
    ]) func `a graphics card that sleeps isn't read, and its limit is what it was`(_ status: String, _ isAsleep: Bool) throws {
        let tree = try DriverTests.machine()
        try tree.file("devices/bus/0000:03:00.0/power/runtime_status", "active")
        try tree.start()
        let zone = tree["amdgpu:0000:03:00.0"]
        #expect(zone.sample().limits[0] == Reading(300_000_000))
        try tree.file("devices/bus/0000:03:00.0/power/runtime_status", status)
        try tree.file("\(DriverTests.card)/power1_cap", "250000000")
        let sample = zone.sample()
        #expect(sample.reading == (isAsleep ? Reading(errno: UInt8(Errno.shutdown.number)) : Reading(231_500_000)))
        #expect(sample.limits[0] == Reading(isAsleep ? 300_000_000 : 250_000_000))
    }

    @Test func `a card that sleeps is left asleep by who doesn't govern it, and known when it wakes`() throws {
        let tree = try DriverTests.machine()
        try tree.file("devices/bus/0000:03:00.0/power/runtime_status", "suspended")
        try tree.start(govern: "intel-rapl")
        #expect(tree["amdgpu:0000:03:00.0"].constraints[0].original == nil)
        try tree.file("devices/bus/0000:03:00.0/power/runtime_status", "active")
        #expect(tree["amdgpu:0000:03:00.0"].sample().limits[0] == Reading(300_000_000))
        #expect(tree["amdgpu:0000:03:00.0"].constraints[0].original?.limit == Microwatts(300_000_000))
        try tree.start()
        #expect(tree["amdgpu:0000:03:00.0"].constraints[0].original?.limit == Microwatts(300_000_000))
    }
}
