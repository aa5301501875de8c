import LinuxSystem
import PowercapProtocol

/// P18 across a reboot: the fallback limits, in a file that outlives it (`--boot-state-dir`), and how a boot is begun at them.
///
/// The file is one like the state's, of the same zones' names. Written wherever a fallback limit changes, it says of another
/// boot what the next has to begin at; what was in force in that boot means nothing any more.
struct SavedBoot {
    private let options: Options
    private let bootID: BootID

    init(_ options: Options, _ bootID: BootID) { (self.options, self.bootID) = (options, bootID) }

    /// What a boot was begun at.
    struct Begun {
        /// For the state of this boot: the original is what was in force before.
        let records: [SavedState.Record]
        let outcome: Released
        /// Whether every fallback limit that was saved is in force now, or less.
        let isWhole: Bool
    }

    /// Why a boot isn't begun at its fallback limits.
    enum Failure: Error {
        /// The file can't be read, or isn't one.
        case unreadable(Message)
        /// This boot's state can't be saved, so that the originals would be lost.
        case unwritable(Errno)
    }

    /// As a helper does it that finds no state of this boot. What fails is told.
    func begin() -> Begun? {
        if options.readOnly { return nil }
        do throws(Failure) {
            guard let begun = try begin(marked: false) else { return nil }
            Log.warning("this boot wasn't begun at its fallback limits: they are set now", begun.outcome.counts)
            return begun
        } catch {
            SavedBoot.tell(error, options)
            return nil
        }
    }

    /// Brings the saved fallback limits into force, where more is. The original limits are saved before the first write: to die at
    /// any instruction of this loses none, and the next helper goes on with it.
    /// - Parameter isMarked: whether this is how the boot begins, before anything else has started.
    /// - Returns: nil where no fallback limit is saved.
    func begin(marked isMarked: Bool) throws(Failure) -> Begun? {
        guard let records = try saved(), !records.isEmpty else { return nil }
        var restoration = Restoration(of: records, in: options.places)
        let slow = isMarked ? try? SlowZones(starting: restoration.zones, apart: true) : nil
        slow?.look(patience_ms: SavedBoot.patience_ms)
        var isWhole = restoration.beginBoot()
        try save(restoration.records, isBegun: false)
        restoration.carryOut(slow: slow, patience_ms: SavedBoot.patience_ms)
        isWhole = isWhole && restoration.outcome.failed == 0 && restoration.outcome.foreign == 0
        try save(restoration.remaining, isBegun: isMarked && isWhole)
        return Begun(records: restoration.remaining, outcome: restoration.outcome, isWhole: isWhole)
    }

    /// How long slow drivers may keep a boot from going on, to read and again to write.
    private static let patience_ms: UInt64 = 3_000

    private func save(_ records: [SavedState.Record], isBegun: Bool) throws(Failure) {
        let state = SavedState(bootID: bootID, generation: 1, records: records, isBegunAtFallback: isBegun)
        do throws(Errno) { _ = try StateFile(creatingIn: options.stateDirectory, state) } catch { throw .unwritable(error) }
    }

    /// The records that have a fallback limit; nil where nothing is saved.
    private func saved() throws(Failure) -> [SavedState.Record]? {
        guard let directory = options.bootStateDirectory else { return nil }
        let state: SavedState
        switch StateFile.earlier(in: directory, bootID: bootID) {
        case .none: return nil
        case .unreadable(let why): throw .unreadable(why)
        case .otherBoot(let saved), .saved(let saved): state = saved
        }
        return state.records.filter { $0.change?.fallback != nil }
    }

    /// The file for this boot's helper, saying what `records` say; nil where none is wanted or can be had, which is told. One that
    /// can't be read stays as it is until an operator decides.
    func file(_ records: [SavedState.Record], isBegunAtFallback: Bool) -> StateFile? {
        guard let directory = options.bootStateDirectory else { return nil }
        do throws(Failure) {
            if !options.discardState { _ = try saved() }
            let state = SavedState(bootID: bootID, generation: 1, records: records, isBegunAtFallback: isBegunAtFallback)
            do throws(Errno) { return try StateFile(creatingIn: directory, state, isDurable: true) } catch {
                throw Failure.unwritable(error)
            }
        } catch {
            Log.error(
                "the fallback limits aren't saved for the next boot", SavedBoot.why(error, directory: directory))
            return nil
        }
    }

    private static func tell(_ failure: Failure, _ options: Options) {
        Log.error(
            "this boot can't be begun at its fallback limits", why(failure, directory: options.stateDirectory))
    }

    private static func why(_ failure: Failure, directory: String) -> Message {
        switch failure {
        case .unreadable(let why): "why=\"\(why)\" do=\"start once with --discard-state, which forgets them\""
        case .unwritable(let errno): "dir=\(directory) errno=\(errno)"
        }
    }
}
