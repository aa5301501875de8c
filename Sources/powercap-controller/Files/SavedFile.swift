internal import JSON
internal import LinuxSystem

/// A file of this program's own, by which something outlives the process: a document that only root or this process's user can have written, put in
/// the place of the old one whole or not at all.
struct SavedFile: Sendable {
    let path: String
    /// In bytes: what is larger isn't this program's.
    let largest: Int
    /// Others may read it.
    var isPublic = false
    /// It outlives a loss of power: it is on the disk when `write` returns.
    var isOnDisk = false

    /// Why what was saved isn't known.
    enum Problem: Error, Equatable, Sendable {
        case unreadable(Errno)
        /// Not this program's own plain file, or not what it writes.
        case damaged

        /// Behind what was saved, in the plural: "the saved orders ".
        var words: String {
            switch self {
            case .unreadable(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
            case .damaged: "are damaged, or somebody else's"
            }
        }
    }

    /// nil where there is none.
    /// - Parameter format: of the document; another one is damage.
    func read(format: UInt64, within bounds: JSONBounds) throws(Problem) -> JSON? {
        let bytes: [UInt8]?
        do throws(Errno) { bytes = try contents() } catch {
            if error == .noEntry { return nil }
            throw .unreadable(error)
        }
        guard let bytes, bytes.count < largest, let document = try? JSON(bytes, .all, within: bounds),
            document["format"]?.integer == format
        else { throw .damaged }
        return document
    }

    /// nil where somebody else may have written it.
    private func contents() throws(Errno) -> [UInt8]? {
        let file = try Descriptor(opening: path, .read)
        guard file.isTrustworthy else { return nil }
        var bytes = [UInt8](repeating: 0, count: largest)
        var count = 0
        while count < bytes.count {
            let more = try file.read(into: &bytes, from: count, atMost: bytes.count - count)
            if more == 0 { break }
            count += more
        }
        return Array(bytes[..<count])
    }

    /// Saves a document in place of what was saved.
    func write(_ document: JSON) throws(Errno) {
        let temporary = path + ".new"
        try? unlink(temporary)
        do throws(Errno) {
            let bytes = document.bytes
            do {
                let file = try Descriptor(opening: temporary, .createNew, mode: isPublic ? 0o644 : 0o600)
                guard try file.write(bytes.span) == bytes.count else { throw .noSpace }
                if isOnDisk { try file.synchronize() }
            }
            try rename(temporary, to: path)
            if isOnDisk { try Descriptor(opening: directory, .read).synchronize() }
        } catch {
            try? unlink(temporary)
            throw error
        }
    }

    /// That takes no room: what was taken back doesn't come back because a disk is full.
    func remove() throws(Errno) {
        do throws(Errno) { try unlink(path) } catch { if error != .noEntry { throw error } }
    }

    private var directory: String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
