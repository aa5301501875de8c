import PowercapProtocol

/// What a line of a script says.
enum Statement: Equatable {
    case zone(MockZone.Declaration)
    case constraint(zone: Name, Register)
    case order([Name])
    case lease(minimum_ms: UInt32, maximum_ms: UInt32)
    case expiry(LimitDisposal)
    /// The highest version of the protocol.
    case speaks(UInt8)
    case boot(BootBits)
    case kept(Bool)
    /// Zones in one reply.
    case atOnce(UInt16)
    case writes(WritePolicy)
    case minPower(Microwatts)
    case sandbox(SandboxBits)
    case serve(everybody: Bool)
    case before(Opcode, number: UInt64?, Fault)
    case forget
    case set(zone: Name, constraint: Name, Microwatts)
    case ceiling(zone: Name, constraint: Name, Microwatts)
    case fail(zone: Name, constraint: Name, Register.WriteFault?)
    case unreadable(zone: Name, constraint: Name, errno: UInt8)
    case gone(zone: Name)
    case enabled(zone: Name, ZoneSample.Enabled)
    case holder(Name?, lease_ms: UInt32)
    case expire
    case disconnect
    case stop
    case listen
    case restart
    case show

    /// The first word of a line.
    enum Verb: String, CaseIterable {
        case zone, constraint, order, lease, expiry, speaks, boot, kept, atOnce = "at-once", writes, minimum, sandbox, serve,
            before, forget, set,
            ceiling, fail,
            unreadable, gone,
            enabled
        case holder, expire, disconnect, stop, listen, restart, show

        /// `set ID CONSTRAINT POWER`
        var usage: String { row.syntax.isEmpty ? rawValue : "\(rawValue) \(row.syntax)" }

        /// What follows it, and what it does: the parser's sentences and --help come from this table.
        var row: (syntax: String, help: String) {
            switch self {
            case .zone:
                (
                    "ID NAME [parent=ID] [type=NAME] [energy_uj=N] [energy_errno=N] [power=POWER] [range_uj=N] [enabled=yes|no|unknown]",
                    "adds a zone, whose counter advances with the power; without energy_uj it has no counter"
                )
            case .constraint:
                (
                    "ID NAME POWER [index=N] [max=POWER] [floor=POWER] [step=POWER] [window_us=N] [locked] [obstacle=NAME]",
                    "adds a constraint to a zone: its original limit, max_power_uw, its floor (1W), the unit (125mW), whether it "
                        + "refuses every limit, and what else is known to be in the way"
                )
            case .order: ("ID…", "gives the zones other indices; to be followed by restart")
            case .lease: ("MINIMUM_MS MAXIMUM_MS", "the leases that are granted (1000 30000)")
            case .speaks: ("N", "the highest version of the protocol that it speaks (\(Greeting.highestVersion))")
            case .boot: ("at-fallback|otherwise", "how this boot began (otherwise)")
            case .kept: ("yes|no", "whether fallback limits are saved for the next boot (no)")
            case .atOnce: ("N", "how many zones one Zones has at most (\(Limits.zones))")
            case .expiry: ("fallback|restore|hold", "what happens to the limits when a lease runs out (restore)")
            case .writes: ("accepted|readOnly|stateUnreadable|stateUnwritable", "the write policy (accepted)")
            case .minimum: ("POWER", "the helper's --min-power of Welcome (1W)")
            case .sandbox: ("BITS", "the sandbox bits of Welcome (127)")
            case .serve: ("everybody|nobody", "nobody: who connects is closed, as with a uid that isn't on the list")
            case .before:
                (
                    "REQUEST N|every FAULT",
                    "what goes wrong with the Nth such request from now (1 is the next) or with every one"
                )
            case .forget: ("", "forgets every before")
            case .set: ("ID CONSTRAINT POWER", "another party writes a limit")
            case .ceiling: ("ID CONSTRAINT POWER", "the helper's ceiling, in place of the larger of original and maximum")
            case .fail:
                ("ID CONSTRAINT refused ERRNO|ignored|no", "writes of the limit fail, or change nothing and are called a success")
            case .unreadable: ("ID CONSTRAINT ERRNO", "reading the limit fails; 0: it works again")
            case .gone: ("ID", "the zone goes away for good")
            case .enabled: ("ID yes|no|unknown", "sets the zone's enabled bit")
            case .holder: ("NAME|- [LEASE_MS]", "another client takes control on a connection of its own; - gives it up")
            case .expire: ("", "the lease runs out now")
            case .disconnect: ("", "closes every connection; control stays as it is")
            case .stop: ("", "ends control, restores the limits, closes the socket and every connection")
            case .listen: ("", "opens the socket again after stop")
            case .restart: ("", "stop, then listen")
            case .show: ("", "prints every limit: `limits ID/CONSTRAINT=MICROWATTS …`")
            }
        }
    }

    /// The faults of `before`, for --help.
    static let faults: [(syntax: String, help: String)] = [
        ("delay MS", "the answer comes so much later"),
        ("error CODE [errno=N] [item=N] [effective=POWER]", "it isn't carried out; CODE is a name such as writeFailed"),
        ("disconnect", "it isn't carried out, and the connection is closed"),
        ("garbage", "it isn't carried out; an HTTP response comes back"),
        ("half", "it is carried out, half of the answer comes back, and nothing more on this connection"),
        ("silence", "it isn't carried out, and nothing comes back on this connection any more"),
        ("wrong-id", "it is carried out, and the answer has another number"),
        ("refuse-version", "Hello alone: there is no common version"),
    ]
}

extension MockZone {
    /// A zone as a script declares it; its counter starts when the statement is executed.
    struct Declaration: Equatable {
        let id: Name
        let name: Name
        var parent: Name?
        var controlType = Name(constant: "intel-rapl")
        var energy: Microjoules?
        var energyErrno: UInt8 = 2
        var power = Microwatts.zero
        var energyRange = Microjoules(262_143_328_850)
        var enabled = ZoneSample.Enabled.yes
    }
}
