/// What strangers can take.
struct Limits {
    /// At once. Of a Unix socket's, half are for root and this process's own user.
    var connections = 32
    /// For a request's first line, and then for the rest of it with its answer.
    var patience_ns: UInt64 = 5_000_000_000
    /// For the headers of a request and of its answer, in bytes, for each connection.
    var memory = 16 << 10
    /// Of a request, in bytes.
    var body = 16 << 10
    /// How many connections are taken in one turn.
    var arrivals = 10
    /// From here on in a turn nobody but the first is answered. With two places, and an answer of a millisecond at each, a turn of the loop has
    /// 4 ms at most.
    var turn_ns: UInt64 = 1_000_000
    /// How long none is taken after the kernel had none to give.
    var rest_ns: UInt64 = 1_000_000_000
    /// How long those have their connection still who are told that there is no room, and how many of them at once.
    var farewell_ns: UInt64 = 1_000_000_000
    var refused = 16
}
