internal import CSandbox
import LinuxSystem
import PowercapProtocol

/// P1: gives up every privilege, in the order that works (docs/architecture.md): each step needs what a later one drops.
struct Sandbox {
    let user: OwnUser
    /// A file that must not open any more when all is done.
    let witness: String

    private(set) var bits: SandboxBits = []
    /// The version of Landlock that is in force; 0 where there is none.
    private(set) var landlockVersion: UInt32 = 0
    private var becameUser = false
    private var missing: [StaticString] = []

    private init(user: OwnUser, witness: String) { (self.user, self.witness) = (user, witness) }

    /// Gives everything up. It can't be undone, and nothing can be opened afterwards.
    /// - Parameter beforeFilter: what still needs a system call that isn't on the list.
    /// - Returns: what was given up; what is missing has been logged with its reason.
    /// - Throws: a step that should have worked and didn't, or that the kernel lacks while `--require-sandbox` asks for it.
    static func enter(
        user: OwnUser, witness: String, required: Bool, beforeFilter: () throws(Problem) -> Void = { () throws(Problem) in }
    ) throws(Problem) -> Sandbox {
        var sandbox = Sandbox(user: user, witness: witness)
        // Nobody of the same uid may attach while the rest is under way.
        try sandbox.step(.notDumpable, "PR_SET_DUMPABLE") { cs_not_dumpable() }
        // From here on no program can grant anything, which also lets an unprivileged process load filters.
        try sandbox.step(.noNewPrivileges, "PR_SET_NO_NEW_PRIVS") { cs_no_new_privileges() }
        sandbox.emptyBoundingSet()
        sandbox.lookForLandlock()
        // What is known to be missing ends it here, where an own socket can still be removed.
        try sandbox.requireAll(required)
        try sandbox.becomeUser()
        // The kernel makes a process dumpable or not anew when its uid changes (prctl(2)).
        try sandbox.step(.notDumpable, "PR_SET_DUMPABLE") { cs_not_dumpable() }
        try sandbox.step(.capabilitiesEmpty, "capset") { cs_clear_capabilities() }
        sandbox.restrictFiles()
        // After the filter no call remains that could check anything.
        try sandbox.verify()
        // Threads have what was given up so far, and get the filter with everybody.
        try beforeFilter()
        // After this one nothing can be told or cleaned up but what is open.
        try sandbox.requireAll(required)
        sandbox.filterSystemCalls()
        try sandbox.requireAll(required)
        return sandbox
    }

    private func requireAll(_ required: Bool) throws(Problem) {
        if required && !missing.isEmpty {
            throw Problem(
                .failed, "--require-sandbox: the kernel or the container doesn't let go of: \(list(missing))")
        }
    }

    private mutating func step(_ bit: SandboxBits, _ call: StaticString, _ body: () -> Int32) throws(Problem) {
        let result = body()
        guard result >= 0 else { throw Problem(.failed, "giving up privileges: \(call) failed: \(Errno(-result).name)") }
        bits.insert(bit)
    }

    /// Needs CAP_SETPCAP. Without it the set can't be emptied; where the container runtime has emptied it, it is empty.
    private mutating func emptyBoundingSet() {
        let result = cs_empty_bounding_set()
        if cs_bounding_set_is_empty() == 1 {
            bits.insert(.boundingSetEmpty)
        } else {
            lacks("bounding-set-empty", result, "started without CAP_SETPCAP; harmless together with no-new-privileges")
        }
    }

    private mutating func becomeUser() throws(Problem) {
        if cs_can_set_uid() {
            let user = user
            if let other = user.other() {
                Log.warning(
                    "the helper shares its uid: whoever has it may stop or kill the helper",
                    "uid=\(user.uid) user=\(other) do=\"make a user raplhelper (useradd --system raplhelper), or name an unused uid\""
                )
            }
            try step(.unprivilegedUser, "setgroups, setresgid and setresuid") { cs_become(user.uid, user.gid) }
            guard Process.uid == user.uid && Process.gid == user.gid else {
                throw Problem(.failed, "giving up privileges: uid and gid didn't change to \(user.uid) and \(user.gid)")
            }
            becameUser = user.uid != 0
            if user.uid == 0 { bits.remove(.unprivilegedUser) }
        } else if Process.uid != 0 {
            bits.insert(.unprivilegedUser)
        }
        // A pod with every capability dropped stays uid 0: it owns the files in sysfs and nothing else is left to it.
        if Process.uid == 0 { Log.info("stays uid 0 without any capability", "why=\"can't change its uid, or --user 0\"") }
    }

    private mutating func lookForLandlock() {
        let version = cs_landlock_version()
        if version < 1 { return lacks("landlock", version, "the kernel has no Landlock (5.13 or later, lsm=landlock)") }
        landlockVersion = UInt32(version)
    }

    private mutating func restrictFiles() {
        if landlockVersion < 1 { return }
        let result = cs_landlock_forbid_all(Int32(landlockVersion))
        landlockVersion = UInt32(max(result, 0))
        if result < 0 { return lacks("landlock", result, "the rule set was refused") }
        bits.insert(.landlock)
    }

    private mutating func filterSystemCalls() {
        let result = cs_load_system_call_filter()
        if result < 0 { return lacks("seccomp", result, "the filter was refused (CONFIG_SECCOMP_FILTER)") }
        bits.insert(.seccomp)
    }

    private mutating func lacks(_ what: StaticString, _ result: Int32, _ why: StaticString) {
        missing.append(what)
        Log.warning("the sandbox is incomplete", "missing=\(what) errno=\(Errno(-min(result, 0)).name) why=\"\(why)\"")
    }

    /// Looks at what is really gone.
    private func verify() throws(Problem) {
        guard cs_is_dumpable() == 0, cs_has_no_new_privileges() == 1, cs_capabilities_are_empty() == 1 else {
            throw Problem(.failed, "giving up privileges: the kernel says that some are still there")
        }
        guard bits.contains(.landlock) || becameUser else { return }
        // Landlock forbids to read it as well, and uid 0 may not write it anyway. Without Landlock for writing: before Linux 5.10
        // everybody may read the counters.
        if (try? Descriptor(opening: witness, bits.contains(.landlock) ? .read : .readWrite)) != nil {
            throw Problem(.failed, "giving up privileges: \(witness) can still be opened")
        }
    }

    private func list(_ names: [StaticString]) -> Message {
        var text: Message = ""
        for name in names { text += text.isEmpty ? "\(name)" : ", \(name)" }
        return text
    }

    /// The bits' names, for the log.
    static func names(_ bits: SandboxBits) -> Message {
        var text: Message = ""
        for (bit, name) in SandboxBits.names where bits.contains(bit) { text += text.isEmpty ? "\(name)" : ",\(name)" }
        return text
    }
}
