import LinuxSystem
import PowercapProtocol

/// The helper's start, in order; each step is one call with one reason and one way to fail. The order is the security: what
/// a step needs is given up by a later one.
enum Start {
    /// Serves until it is told to stop, then puts the original limits back.
    /// - Returns: the exit status.
    /// - Throws: why it can't start. An own socket is removed again.
    static func serve(_ options: Options) throws(Problem) -> Int32 {
        // What a careless parent left open must not outlive the sandbox.
        Process.closeDescriptors(from: ListenSocket.firstFreeDescriptor)
        let descriptorLimit = Process.raiseDescriptorLimit()
        let bootID = try bootID()

        // A second helper must stop here, before it touches a limit, the state or the socket of the first: of two that find the
        // same stale socket, one would otherwise remove the socket that the other has just made.
        let claims = try Claims(options)
        // Otherwise the locks would end with the last line that looks at them.
        defer { withExtendedLifetime(claims) {} }
        let originals = Originals(restoring: options, bootID: bootID)
        let listening = try ListenSocket(options)
        do throws(Problem) {
            // From here on nothing appears unnoticed.
            let uevents = claims.isInSysfs ? ueventSocket() : nil
            let zones = try Discovery.zones(options, readOnly: options.readOnly)
            let governor = originals.governor(of: zones, failure: claims.stateFailure)
            if claims.isUnguarded {
                Log.warning(
                    "no counter of the tree is root's alone: a second helper with another --state-dir would go unnoticed",
                    "root=\(options.rootPath)")
            }

            // Everything that has to be open when nothing can be opened any more.
            let signals = try opened("a signal descriptor") { () throws(Errno) in try Signals() }
            let tokens = try opened("/dev/urandom") { () throws(Errno) in try TokenSource() }
            let supervisor = Supervisor()
            let epoll = try opened("an epoll descriptor") { () throws(Errno) in try Epoll(most: Server.mostEvents) }
            let sessionCount = try room(below: descriptorLimit, above: epoll.number)

            let sandbox = try Sandbox.enter(
                user: OwnUser(options.user), witness: zones[0].witness, required: options.requireSandbox,
                beforeFilter: { () throws(Problem) in
                    governor.slow = try opened("a thread for a slow zone") { () throws(Errno) in try SlowZones(starting: zones) }
                })

            listening.keep()
            governor.lookAtSlow(patience_ms: patience_ms)
            let requests = Requests(
                governor: governor, welcome: welcome(options, bootID, sandbox.bits, governor.policy, originals.isBegunAtFallback),
                tokens: tokens)
            let server = try opened("the event loop") { () throws(Errno) in
                try Server(
                    listening: listening, signals: signals, uevents: uevents, requests: requests, supervisor: supervisor,
                    epoll: epoll, sessionCount: sessionCount, options: options)
            }
            Log.info(
                "serving",
                "version=\(Release.version) zones=\(zones.count) writes=\(name(of: governor.policy)) "
                    + "landlock_version=\(sandbox.landlockVersion) sandbox=\(Sandbox.names(sandbox.bits))")
            supervisor.ready("serving \(zones.count) zones")
            Process.dropUnusedCode()
            return run(server, requests, supervisor)
        } catch {
            listening.remove()
            throw error
        }
    }

    /// How long a start waits for slow drivers. Their zones are known by then where nothing is wrong with them.
    private static let patience_ms: UInt64 = 1_000

    /// What `--boot` does: begins the boot at the fallback limits of the last, before anything else starts, and ends.
    /// - Returns: the exit status: 0 also where no fallback limit is saved.
    /// - Throws: why this boot isn't begun at them. Nothing has been written then.
    static func boot(_ options: Options) throws(Problem) -> Int32 {
        guard let directory = options.bootStateDirectory else {
            throw Problem(.failed, "--boot needs --boot-state-dir: where the helper saves fallback limits for the next boot")
        }
        let bootID = try bootID()
        if case .saved = StateFile.earlier(in: options.stateDirectory, bootID: bootID) {
            Log.info("this boot has begun already: its state is left as it is", "state_dir=\(options.stateDirectory)")
            return 0
        }
        if case .none = StateFile.earlier(in: directory, bootID: bootID) {
            Log.info("no fallback limit is saved", "boot_state_dir=\(directory)")
            return 0
        }
        let claims = try Claims(options)
        defer { withExtendedLifetime(claims) {} }
        let begun: SavedBoot.Begun?
        do throws(SavedBoot.Failure) { begun = try SavedBoot(options, bootID).begin(marked: true) } catch {
            switch error {
            case .unreadable(let why):
                throw Problem(
                    .failed,
                    "no fallback limit is set: \(why). Compare the limits with what they should be, then start the helper once "
                        + "with --discard-state")
            case .unwritable(let errno): throw Problem(errno, "can't save the original limits in", options.stateDirectory)
            }
        }
        guard let begun else {
            Log.info("no fallback limit is saved", "boot_state_dir=\(directory)")
            return 0
        }
        guard begun.isWhole else {
            Log.error("this boot isn't begun at all of its fallback limits", begun.outcome.counts)
            return 1
        }
        Log.info("this boot is begun at its fallback limits", begun.outcome.counts)
        return 0
    }

    /// How many connections the descriptors suffice for. `highest` was the last to be opened, so those above it are free. One
    /// stays free for accepting: a stranger must be looked at before anybody makes room.
    private static func room(below limit: UInt64, above highest: Int32) throws(Problem) -> Int {
        let free = Int(clamping: limit) - Int(highest) - 2
        guard free >= 2 else {
            throw Problem(.failed, "\(limit) descriptors are too few for these zones: raise the limit (LimitNOFILE= in systemd)")
        }
        return min(free, Server.mostSessions)
    }

    static func bootID() throws(Problem) -> BootID {
        let path = "/proc/sys/kernel/random/boot_id"
        var storage = InlineArray<64, UInt8>(repeating: 0)
        var count = 0
        do throws(Errno) {
            let file = try Descriptor(opening: path, .read)
            var buffer = storage.mutableSpan
            count = try file.read(into: &buffer)
        } catch { throw Problem(.failed, "can't read \(path): \(error.explanation) (\(error))") }
        while count > 0 && storage[count - 1] == UInt8(ascii: "\n") { count -= 1 }
        guard let bootID = BootID(storage.span.extracting(0..<count)) else { throw Problem(.failed, "\(path) isn't a boot id") }
        return bootID
    }

    private static func opened<Value: ~Copyable>(
        _ what: StaticString, _ open: () throws(Errno) -> Value
    ) throws(Problem) -> Value {
        do throws(Errno) { return try open() } catch {
            throw Problem(.failed, "can't open \(what): \(error.explanation) (\(error))")
        }
    }

    /// Without it the helper serves all the same; what appears is then noticed at the next start only.
    private static func ueventSocket() -> UeventSocket? {
        do throws(Errno) { return try UeventSocket() } catch {
            Log.warning("the kernel's uevents can't be heard: zones and devices that appear stay unnoticed", "errno=\(error)")
            return nil
        }
    }

    private static func welcome(
        _ options: Options, _ bootID: BootID, _ sandbox: SandboxBits, _ writes: WritePolicy,
        _ isBegunAtFallback: Bool
    ) -> Welcome {
        Welcome(
            version: Greeting.highestVersion, bootID: (bootID.high, bootID.low), helperVersion: Name(constant: Release.version),
            sandbox: sandbox, writes: writes, leaseMinimum_ms: Lease.minimum_ms, leaseMaximum_ms: options.leaseTime_ms,
            onLeaseExpiry: options.onLeaseExpiry, minPower: options.minPower, boot: isBegunAtFallback ? .atFallback : [])
    }

    static func name(of policy: WritePolicy) -> StaticString {
        switch policy {
        case .accepted: "accepted"
        case .readOnly: "refused:read-only"
        case .stateUnreadable: "refused:state-unreadable"
        case .stateUnwritable: "refused:state-unwritable"
        }
    }

    /// Serves, and deals with the limits whatever ended it.
    private static func run(_ server: Server, _ requests: Requests, _ supervisor: Supervisor) -> Int32 {
        var reason: StaticString = "the event loop failed"
        var status: Int32 = 1
        do throws(Errno) {
            switch try server.run() {
            case .signal(let name): (reason, status) = (name, 0)
            case .startAgain(let what): (reason, status) = (what, 75)
            }
        } catch { Log.error("the event loop failed", "errno=\(error)") }
        supervisor.stopping("restoring limits")
        let outcome = requests.finish(because: reason)
        if requests.governor.unclaimed > 0 {
            Log.warning(
                "saved limits of zones that weren't there are kept for the next start", "unclaimed=\(requests.governor.unclaimed)"
            )
        }
        return outcome.failed > 0 && status == 0 ? 1 : status
    }
}
