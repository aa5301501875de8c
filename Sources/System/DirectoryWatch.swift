internal import CLinux

/// What happens in a directory, as a descriptor that an epoll watches (inotify(7)): a name comes, goes, or is closed after it was written.
/// The files themselves aren't watched: what is renamed in their place, as a Kubernetes volume's `..data` is, would be another file.
public final class DirectoryWatch {
    private let descriptor: Descriptor
    private let path: String
    /// Whether the directory that `path` names now is the one that is watched.
    private var isWatching = false

    /// Watches nothing yet.
    /// - Throws: the user's or the machine's limit of them is reached.
    public init(_ path: String) throws(Errno) {
        self.path = path
        descriptor = Descriptor(owning: try check { cl_inotify_open() })
    }

    /// The same for as long as it is there.
    public var descriptorNumber: Int32 { descriptor.number }

    /// Watches the directory, unless it is being watched.
    /// - Throws: why it can't be: it isn't there, say. To be tried again.
    public func resume() throws(Errno) {
        if isWatching { return }
        let number = descriptor.number
        try check { unsafe path.withCString { unsafe cl_inotify_watch_directory(number, $0) } }
        isWatching = true
    }

    /// Takes what has happened, without waiting. A directory that went away is no longer watched then.
    /// - Returns: whether anything had.
    public func take() -> Bool {
        let number = descriptor.number
        var isOver = false
        let result = unsafe cl_inotify_take(number, &isOver)
        if isOver { isWatching = false }
        return result > 0
    }
}
