/// A file that a person named. Nothing about it makes the caller wait: a FIFO whose other end nobody opens would, for ever, and it is no
/// file to read settings, a token or an authority from.
public enum GivenFile {
    public enum Problem: Error, Equatable, Sendable {
        /// A FIFO, a device or a socket.
        case notAFile
        case failed(Errno)
    }

    /// Its contents: at most one byte more than `largest`, so that who asks can tell.
    public static func contents(of path: String, atMost largest: Int) throws(Problem) -> [UInt8] {
        do throws(Errno) {
            let file = try Descriptor(opening: path, .readThroughLinks)
            // What reading a directory says is clear enough.
            if file.isRegular || file.isDirectory { return try contents(of: file, atMost: largest) }
        } catch { throw error == .noDeviceOrAddress ? .notAFile : .failed(error) }
        throw .notAFile
    }

    /// The same of standard input, which is waited for: somebody is about to give it.
    public static func standardInput(atMost largest: Int) throws(Problem) -> [UInt8] {
        do throws(Errno) { return try contents(of: Descriptor(owning: 0), atMost: largest) } catch { throw .failed(error) }
    }

    private static func contents(of file: borrowing Descriptor, atMost largest: Int) throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(largest + 1, 1 << 16))
        while bytes.count <= largest {
            let count = try file.read(into: &chunk, from: 0, atMost: chunk.count)
            if count == 0 { break }
            bytes += chunk[..<min(count, largest + 1 - bytes.count)]
        }
        return bytes
    }
}
