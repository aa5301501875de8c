import LinuxSystem
import PowercapProtocol

/// Locks that keep a second helper away as long as this one serves (decision 13). All are on files that only root can open: a
/// lock on what everybody may open is everybody's to take.
struct Claims {
    private var held: [Held] = []
    /// Why another helper could use the state directory; nil when none can.
    private(set) var stateFailure: Errno?
    /// Whether no counter of the tree is root's alone, so that a helper with another state directory goes unnoticed.
    private(set) var isUnguarded = false
    /// Whether the zones are the kernel's own.
    let isInSysfs: Bool

    /// A lock lasts as long as its descriptor.
    private final class Held {
        let file: Descriptor
        init(_ file: consuming Descriptor) { self.file = file }
    }

    init(_ options: Options) throws(Problem) {
        let places = options.places
        var isInSysfs = false
        do throws(Problem) {
            let tree = try ZoneTree(opening: places.powercap ?? "")
            isInSysfs = tree.root.isInSysfs
            if !options.readOnly { held = try Claims.lock(tree) }
        } catch {
            // Other places may have zones; whoever looks for them says what is wrong with the tree if none has.
            if error.kind != .absent || places.hwmon == nil { throw error }
        }
        if !isInSysfs, let hwmon = places.hwmon, let devices = try? Descriptor(opening: hwmon, .directory) {
            isInSysfs = devices.isInSysfs
        }
        self.isInSysfs = isInSysfs
        if options.readOnly { return }
        isUnguarded = held.isEmpty
        do throws(Errno) { held.append(try Claims.lock(options.stateDirectory)) } catch {
            if error == .again {
                throw Problem(
                    .failed,
                    "another raplhelper saves its state in \(options.stateDirectory): stop it, or choose another --state-dir")
            }
            stateFailure = error
        }
    }

    /// Limits of the node belong to one helper, wherever it runs: two would undo each other's work. The counters of the zones at
    /// the top are enough; those that lie in them come and go with them.
    private static func lock(_ tree: borrowing ZoneTree) throws(Problem) -> [Held] {
        var counters: [Held] = []
        var isTaken = false
        try tree.walk { _, _, directory, _ in
            if let file = try? Descriptor(opening: "energy_uj", in: directory, .read), file.isPrivate {
                do throws(Errno) { try file.lock() } catch { isTaken = isTaken || error == .again }
                counters.append(Held(file))
            }
            return nil
        }
        if isTaken {
            throw Problem(
                .failed,
                "another raplhelper already controls \(tree.path) (perhaps in a container): stop it, or use --read-only. One that was "
                    + "killed is gone when its driver lets it go")
        }
        return counters
    }

    /// Two helpers, each over a tree of its own, mustn't replace each other's saved originals. Where the lock can't be had for
    /// another reason, nothing is saved, and so nothing is written.
    private static func lock(_ directory: String) throws(Errno) -> Held {
        try makeDirectory(directory, mode: 0o755)
        let file = try Descriptor(opening: "\(directory)/lock", .lockFile, mode: 0o600)
        guard file.isPrivate else { throw .denied }
        try file.lock()
        return Held(file)
    }
}
