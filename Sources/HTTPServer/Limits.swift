/// What strangers can take.
struct Limits {
    /// At once. Of a Unix socket's, half are for root and this process's own user.
    var connections = 32
    /// Of them those whose caller has sent nothing yet, and those whose caller has posted nothing yet that was answered with success. Who comes
    /// beyond that, or when all are taken, takes the place of the one of these who has been here longest; after `grace_ns` at the earliest: where all
    /// who come are slow, none of them would have his answer otherwise. nil: who comes waits until there is room.
    var strangers: (fresh: Int, newcomers: Int)?
    var grace_ns: UInt64 = 1_000_000_000
    /// For a request's first line, and then for the rest of it with its answer. The first has the handshake of TLS in its time.
    var patience_ns: UInt64 = 5_000_000_000
    /// For the next first line of who is no newcomer.
    var idle_ns: UInt64 = 5_000_000_000
    /// For the headers of a request and of its answer, in bytes, for each connection.
    var memory = 16 << 10
    /// Of a request, in bytes.
    var body = 16 << 10
    /// How many connections are taken in one turn.
    var arrivals = 10
    /// How many wait in the kernel to be taken.
    var backlog: Int32 = 512
    /// From here on in a turn nobody but the first is answered. With two places, and an answer of a millisecond at each, a turn of the loop has
    /// 4 ms at most.
    var turn_ns: UInt64 = 1_000_000
    /// Between two looks at handshakes that wait for the other end: where nothing else is to be done, and where answers are on their way, of which
    /// 16 kB are sent at a time.
    var handshake_ns: UInt64 = 10_000_000
    var pass_ns: UInt64 = 500_000
    /// How long none is taken after the kernel had none to give.
    var rest_ns: UInt64 = 1_000_000_000
    /// How long those have their connection still who are told that there is no room, and how many of them at once.
    var farewell_ns: UInt64 = 1_000_000_000
    var refused = 16

    /// With how many certificates connections are kept at a time.
    var daemons = 8

    /// Two for each connection, one for each epoll, and those that the rest of the program has.
    var descriptors: Int { 2 * connections + 128 }

    /// Of a place over TLS to which thousands post every few seconds, each over a connection that it keeps: a handshake takes as long as five
    /// requests. A token has 1 to 1.5 kB. libmicrohttpd looks at each handshake that isn't over in each turn, so that few can be on their way at
    /// a time; whose identity is still being looked up has posted and waits for his second answer, at times with all others.
    static let ofThousands = Limits(
        connections: 2_500, strangers: (fresh: 128, newcomers: 1_250), idle_ns: 60_000_000_000, memory: 8 << 10, arrivals: 20,
        backlog: 4_096,
        turn_ns: 10_000_000)
}
