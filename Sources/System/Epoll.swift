internal import CLinux

/// epoll(7), level-triggered, for one thread.
public final class Epoll {
    private let descriptor: Descriptor
    public var number: Int32 { descriptor.number }
    private var events: [cl_event]

    public struct Event: Sendable {
        public let token: UInt64
        public let readable: Bool
        /// The other end closed, or the descriptor failed.
        public let hangup: Bool
    }

    /// - Parameter most: events that one `wait` gives at most. Of more that are ready, the others come with the next.
    public init(most: Int = 16) throws(Errno) {
        descriptor = Descriptor(owning: try check { cl_epoll_create() })
        events = [cl_event](repeating: cl_event(), count: most)
    }

    /// Watches for input. `token` comes back with each event.
    public func add(_ number: Int32, token: UInt64) throws(Errno) {
        try check { cl_epoll_add(descriptor.number, number, cl_epollin | cl_epollrdhup, token) }
    }

    /// Watches for input, for room to write, or for both, also where the descriptor is watched for something else already.
    public func set(_ number: Int32, forRead: Bool, forWrite: Bool, token: UInt64) throws(Errno) {
        try check {
            cl_epoll_set(descriptor.number, number, (forRead ? cl_epollin : 0) | (forWrite ? cl_epollout : 0), token)
        }
    }

    public func remove(_ number: Int32) { _ = cl_epoll_remove(descriptor.number, number) }

    /// Waits at most `milliseconds` (-1: for ever) and gives the number of events; 0 when the time ran out.
    public func wait(milliseconds: Int32) throws(Errno) -> Int {
        let epoll = descriptor.number
        // SAFETY: the array's own count bounds what the shim writes.
        let count = unsafe events.withUnsafeMutableBufferPointer {
            unsafe cl_epoll_wait(epoll, $0.baseAddress, Int32($0.count), milliseconds)
        }
        // Nothing but being stopped and continued interrupts it, because signals come by a descriptor. The time may have run out
        // meanwhile, and something may have come: who judges by the time has to see that first.
        if count == -Errno.interrupted.number { return milliseconds == 0 ? 0 : try wait(milliseconds: 0) }
        if count < 0 { throw Errno(-count) }
        return Int(count)
    }

    /// Event `index` of the last `wait`.
    public subscript(index: Int) -> Event {
        let event = events[index]
        return Event(
            token: event.data, readable: event.events & cl_epollin != 0,
            hangup: event.events & (cl_epollhup | cl_epollerr | cl_epollrdhup) != 0)
    }
}
