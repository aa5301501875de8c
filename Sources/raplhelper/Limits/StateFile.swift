import LinuxSystem
import PowercapProtocol

/// The file of saved originals. It has two slots of equal size, written in turn: a write that is cut short by SIGKILL
/// spoils only the newer one, and what it would have announced hasn't been written to the hardware yet.
///
/// There is no fsync after the first write: the file has to survive this process, not the machine. After a reboot the boot
/// id differs and firmware has set the limits anew. A durable one, which the next boot reads, is on the disk after every write.
struct StateFile: ~Copyable {
    /// What a file of an earlier run says.
    enum Earlier {
        case none
        /// Of another boot: its limits are gone with it.
        case otherBoot(SavedState)
        case saved(SavedState)
        /// It can't be relied on, and isn't an empty one either.
        case unreadable(Message)
    }

    private let file: Descriptor
    /// The text of a slot, in a buffer that is allocated once.
    private var text: Message
    private let slotBytes: Int
    private(set) var state: SavedState

    /// Reads what an earlier run left. Nothing is changed.
    static func earlier(in directory: String, bootID: BootID) -> Earlier {
        let path = StateFile.path(in: directory)
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        var count = 0
        do {
            let file = try Descriptor(opening: path, .read)
            guard file.isTrustworthy else {
                return .unreadable("\(path) isn't a file that only root can have written")
            }
            var buffer = bytes.mutableSpan
            count = try file.read(into: &buffer, at: 0)
        } catch {
            if error == .noEntry { return .none }
            // ELOOP: a symbolic link; ENXIO: a socket.
            return .unreadable("can't read \(path): \(error.explanation) (\(error))")
        }
        guard count > 0, count % 2 == 0, count < bytes.count else { return .unreadable("\(path) has an impossible size") }
        var best: SavedState?
        var defect: SavedState.Defect?
        for slot in 0..<2 {
            do throws(SavedState.Defect) {
                let state = try SavedState(decoding: bytes.span.extracting((slot * count / 2)..<((slot + 1) * count / 2)))
                if best == nil || state.generation > best!.generation { best = state }
            } catch { if error != .blank && defect != .unknownVersion { defect = error } }
        }
        guard let best else {
            return .unreadable(
                defect == .unknownVersion
                    ? "\(path) was written by another version" : "\(path) is damaged (no slot's checksum fits)")
        }
        return best.bootID == bootID ? .saved(best) : .otherBoot(best)
    }

    static func path(in directory: String) -> String { "\(directory)/state" }

    /// Creates the file with `state`, replacing the earlier one atomically, and keeps it open: after the sandbox it can't
    /// be opened again.
    /// - Parameter isDurable: whether it has to outlive the machine's loss of power. No call but pwrite is needed for that later
    ///   (O_DSYNC in open(2)).
    init(creatingIn directory: String, _ state: SavedState, isDurable: Bool = false) throws(Errno) {
        try makeDirectory(directory, mode: 0o755)
        let path = StateFile.path(in: directory)
        let slotBytes = (state.encodedBytes + 4095) / 4096 * 4096
        var text = Message(capacity: slotBytes)
        let temporary = "\(path).new"
        try? unlink(temporary)
        let file = try Descriptor(opening: temporary, isDurable ? .createNewDurable : .createNew, mode: 0o644)
        do throws(Errno) {
            try StateFile.write(nil, to: file, generation: state.generation + 1, slotBytes, &text)
            try StateFile.write(state, to: file, generation: state.generation, slotBytes, &text)
            try file.synchronize()
            try rename(temporary, to: path)
            if isDurable { try Descriptor(opening: directory, .directory).synchronize() }
        } catch {
            try? unlink(temporary)
            throw error
        }
        self.file = file
        self.text = text
        self.slotBytes = slotBytes
        self.state = state
    }

    /// Whether somebody has removed it: what it says then is lost with this process.
    var isRemoved: Bool { (try? file.isRemoved()) ?? false }

    /// Makes the file say what the constraints' changes are now. It must have returned before the hardware is written.
    mutating func record(_ zones: [Zone]) throws(Errno) {
        guard !isRemoved else { throw .noEntry }
        take(zones)
        state.generation += 1
        try StateFile.write(state, to: file, generation: state.generation, slotBytes, &text)
    }

    /// Whether a fallback limit is another than it was when the file was last written.
    func hasOtherFallbacks(_ zones: [Zone]) -> Bool {
        for record in 0..<state.records.count {
            for zone in zones where zone.id == state.records[record].zone.id {
                for constraint in zone.constraints where state.records[record].isOf(constraint, in: zone) {
                    if constraint.change?.fallback != state.records[record].change?.fallback { return true }
                }
            }
        }
        return false
    }

    private mutating func take(_ zones: [Zone]) {
        for index in 0..<state.records.count {
            for zone in zones where zone.id == state.records[index].zone.id {
                for constraint in zone.constraints where state.records[index].isOf(constraint, in: zone) {
                    if let original = constraint.original { state.records[index].original = original }
                    state.records[index].change = constraint.change
                }
            }
        }
    }

    /// Writes a whole slot; nil makes it blank. Padding leaves nothing of a longer text that was there before.
    private static func write(
        _ state: SavedState?, to file: borrowing Descriptor, generation: UInt64, _ slotBytes: Int, _ text: inout Message
    ) throws(Errno) {
        text.removeAll()
        state?.encode(into: &text)
        text.pad(to: slotBytes, with: UInt8(ascii: "\n"))
        let slot = Int64(generation % 2)
        guard try file.write(text.bytes.span, at: slot * Int64(slotBytes)) == slotBytes else { throw .noSpace }
    }
}
