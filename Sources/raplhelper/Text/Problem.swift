import LinuxSystem

/// Why the helper can't start, in the sentence that a person reads: what failed, on what, why, and what to do next.
struct Problem: Error {
    /// Absent, denied and failed call for different things.
    enum Kind { case absent, denied, failed }

    let kind: Kind
    let sentence: Message

    init(_ kind: Kind = .failed, _ sentence: Message) { (self.kind, self.sentence) = (kind, sentence) }
}

extension Problem {
    /// What is wrong with a tree whose root doesn't open.
    init(opening root: String, _ errno: Errno) {
        if errno == .noEntry { self = .noZones("there is no directory \(root)") } else { self.init(errno, "can't open", root) }
    }

    static func noZones(_ why: Message) -> Problem {
        Problem(
            .absent,
            "no RAPL zones: \(why). Load the driver (modprobe intel_rapl_msr, or rapl on AMD); most virtual machines "
                + "have none. In a container, mount the host's /sys/devices/virtual/powercap outside /sys and name it with "
                + "--powercap-root")
    }

    init(_ errno: Errno, _ action: StaticString, _ path: String) {
        if errno.isDenial {
            self.init(
                .denied,
                "permission denied: \(action) \(path) (\(errno.name)). Start as root, or as uid 0 without "
                    + "capabilities on a tree mounted read-write; for monitoring alone --read-only needs no write access")
        } else {
            self.init(
                .failed,
                "failed: \(action) \(path): \(errno.explanation) (\(errno.name)). No limit was changed; the kernel log "
                    + "(dmesg) may say why")
        }
    }
}

extension Errno {
    /// Whether somebody decided that it may not be.
    var isDenial: Bool { self == .denied || self == .notPermitted || self == .readOnlyFileSystem }
}
