/*
 * Two power meters for the genuine acpi_power_meter. What a meter's firmware would keep lies in memory that QEMU's pc-testdev
 * has at 0xff000000 and nobody else uses, so that a test reads and changes it behind the driver's back in one access
 * (busybox devmem), as guest/devices.sh does.
 *
 * ACPI 6.5, 10.4 "Power Meters": _PMC capabilities, _PMM measurement, _GHL and _SHL the limit, _GAI and _PAI the interval.
 * A method of a genuine meter asks a service processor by IPMI; SLOW stands for what that takes.
 */
DefinitionBlock ("", "SSDT", 2, "RIG", "METERS", 1)
{
    Scope (\_SB)
    {
        Device (PMT0)
        {
            Name (_HID, "ACPI000D")
            Name (_UID, Zero)
            OperationRegion (BMCM, SystemMemory, 0xFF000000, 0x20)
            Field (BMCM, DWordAcc, NoLock, Preserve)
            {
                DMND, 32,       // mW that is drawn where nothing limits it
                LIMT, 32,       // mW that is in force
                MODE, 32,       // 0 obeys, 1 refuses, 2 refuses and says success, 3 rounds down to watts, 4 measures nothing
                SLOW, 32,       // s that setting a limit takes: ACPI's interpreter sleeps for 2 s at most at a time
                SETS, 32,       // how often a limit was set, refused or not
                FIXD, 32,       // 1: the limit can't be set
                MUTE, 32        // 1: whoever reads the limit or the power gets no answer, until it is 0 again
            }
            Name (CAPS, Package (14)
            {
                0x05,           // measures, and limits
                Zero,           // mW
                Zero,           // of input power
                100000,         // accuracy, 1/1000 %
                10,             // ms between two samples
                100, 10000,     // shortest and longest averaging interval, ms
                0xFFFFFFFF,     // hysteresis unknown
                One,            // the limit can be set
                100000, 400000, // least and greatest limit, mW
                "rig", "0", "powercap"
            })
            Method (_PMC, 0, Serialized)
            {
                CAPS[8] = 1 - FIXD
                Return (CAPS)
            }
            Method (_PMD, 0, Serialized) { Return (Package () {}) }
            Method (_GAI, 0, Serialized) { Return (1000) }
            Method (_PAI, 1, Serialized) { Return (Zero) }
            Method (_GHL, 0, Serialized)
            {
                While (MUTE) { Sleep (100) }
                Return (LIMT)
            }
            Method (_SHL, 1, Serialized)
            {
                SETS = SETS + 1
                Local0 = SLOW
                While (Local0)
                {
                    Sleep (1000)
                    Local0--
                }
                If (MODE == 1) { Return (One) }
                If (MODE == 2) { Return (Zero) }
                If (MODE == 3) { LIMT = Arg0 - (Arg0 % 1000) } Else { LIMT = Arg0 }
                Return (Zero)
            }
            Method (_PMM, 0, Serialized)
            {
                While (MUTE) { Sleep (100) }
                If (MODE == 4) { Return (0xFFFFFFFF) }
                If (DMND < LIMT) { Return (DMND) }
                Return (LIMT)
            }
        }

        // A plain one: 50 to 300 W, and it obeys.
        Device (PMT1)
        {
            Name (_HID, "ACPI000D")
            Name (_UID, One)
            OperationRegion (BMCM, SystemMemory, 0xFF000020, 0x08)
            Field (BMCM, DWordAcc, NoLock, Preserve) { DMND, 32, LIMT, 32 }
            Method (_PMC, 0, Serialized)
            {
                Return (Package (14) { 0x05, Zero, Zero, 100000, 10, 100, 10000, 0xFFFFFFFF, One, 50000, 300000, "rig", "1", "powercap" })
            }
            Method (_PMD, 0, Serialized) { Return (Package () {}) }
            Method (_GAI, 0, Serialized) { Return (1000) }
            Method (_PAI, 1, Serialized) { Return (Zero) }
            Method (_GHL, 0, Serialized) { Return (LIMT) }
            Method (_SHL, 1, Serialized)
            {
                LIMT = Arg0
                Return (Zero)
            }
            Method (_PMM, 0, Serialized)
            {
                If (DMND < LIMT) { Return (DMND) }
                Return (LIMT)
            }
        }
    }
}
