import LinuxSystem
import PowercapProtocol

/// The loop: one thread, one epoll, a fixed number of connections.
final class Server {
    /// Why the loop ended.
    enum End {
        case signal(StaticString)
        /// Files have to be opened again, which this process can't do any more.
        case startAgain(StaticString)
    }

    /// Connections at a time. One more takes the place of one whose client has gone, or else of the one that has been quiet longest, never
    /// of the one in control, so that a controller can always get in.
    static let mostSessions = 64
    /// All that can be ready at a time: who has gone has to be known when room is made.
    static let mostEvents = mostSessions + 4
    /// How long a connection may owe the rest of a frame, or its Hello.
    static let patience_ns: UInt64 = 5_000_000_000
    /// Zones of a package appear one after the other; starting again waits for the last.
    static let settling_ns: UInt64 = 1_000_000_000

    /// Connections that are accepted before the others get their turn again.
    static let acceptedAtOnce = 16
    /// How long nothing is accepted after the kernel couldn't give a descriptor: the socket stays readable all that time.
    static let acceptPause_ns: UInt64 = 1_000_000_000

    private enum Token {
        static let listener: UInt64 = 1 << 32
        static let signals: UInt64 = 2 << 32
        static let uevents: UInt64 = 3 << 32
        static let slow: UInt64 = 4 << 32
        static let firstSession: UInt64 = 5 << 32
    }

    private let listening: ListenSocket
    private let signals: Signals
    private let uevents: UeventSocket?
    private let requests: Requests
    private let supervisor: Supervisor
    private let allowedUIDs: [UInt32]
    private let allowedGIDs: [UInt32]
    private let governed: GovernedKinds
    private let epoll: Epoll
    private var sessions: [Session?]
    private var serial: UInt32 = 0
    private var writer: Writer
    private var strangers = LogBudget()
    private var violations = LogBudget()
    /// Nil while connections are accepted.
    private var acceptAgainAt_ns: UInt64?
    /// When the first connection has owed something for too long, as of the last housekeeping: nothing happens between that and the wait.
    private var owedBy_ns = UInt64.max
    private var reopenAt_ns: UInt64?
    private var hasToldOfDevice = false
    private var end: End?

    init(
        listening: ListenSocket, signals: Signals, uevents: UeventSocket?, requests: Requests,
        supervisor: Supervisor, epoll: Epoll, sessionCount: Int, options: Options
    ) throws(Errno) {
        self.listening = listening
        self.signals = signals
        self.uevents = uevents
        self.requests = requests
        (self.supervisor, self.epoll) = (supervisor, epoll)
        (allowedUIDs, allowedGIDs) = (options.allowedUIDs, options.allowedGIDs)
        governed = options.readOnly ? GovernedKinds() : options.governed
        writer = Writer(capacity: Server.largestReply(requests.governor.zones))
        sessions = [Session?](repeating: nil, count: sessionCount)
        try epoll.add(listening.descriptor.number, token: Token.listener)
        try epoll.add(self.signals.number, token: Token.signals)
        if let slow = requests.governor.slow { try epoll.add(slow.events.number, token: Token.slow) }
        if let number = uevents?.number { try epoll.add(number, token: Token.uevents) }
    }

    /// Serves until a signal or a change of the zones ends it. Limits are not restored here.
    func run() throws(Errno) -> End {
        while true {
            let count = try epoll.wait(milliseconds: timeout(Clock.monotonic_ns))
            let now_ns = Clock.monotonic_ns
            // Before anything that was sent is looked at: after this process was stopped for a while, a request may have waited
            // longer than its sender's control lasts (decision 7).
            requests.expireLease(now_ns)
            for index in 0..<count where epoll[index].hangup { session(of: epoll[index].token)?.isLeaving = true }
            var isCalled = false
            for index in 0..<count {
                if count > 1 { serveHolder(now_ns) }
                if epoll[index].token == Token.listener { isCalled = true } else { dispatch(epoll[index], now_ns) }
            }
            // By now those who were gone before are known to be: nobody who is there has to go for their sake.
            if isCalled { acceptAll(now_ns) }
            housekeeping(now_ns)
            if let end { return end }
        }
    }

    /// Whoever is in control waits for one request of the others', however many they send.
    private func serveHolder(_ now_ns: UInt64) {
        if let slot = requests.lease.holder?.session, let session = sessions[slot] { serve(session, slot, now_ns) }
    }

    private func dispatch(_ event: Epoll.Event, _ now_ns: UInt64) {
        switch event.token {
        case Token.signals: if let name = signals.next() { end = .signal(name) }
        case Token.uevents: readUevents(now_ns)
        case Token.slow: requests.takeSlow(now_ns)
        default: if let session = session(of: event.token) { serve(session, Server.slot(of: event.token), now_ns) }
        }
    }

    private static func slot(of token: UInt64) -> Int { Int((token - Token.firstSession) >> 32) }

    /// Nil where the event isn't one of a connection that there is.
    private func session(of token: UInt64) -> Session? {
        guard token >= Token.firstSession, let session = sessions[Server.slot(of: token)] else { return nil }
        return session.serial == UInt32(truncatingIfNeeded: token) ? session : nil
    }

    // MARK: Time

    private func timeout(_ now_ns: UInt64) -> Int32 {
        var next = UInt64.max
        if let holder = requests.lease.holder { next = min(next, holder.expiry_ns) }
        if let watchdog = supervisor.nextWatchdog_ns { next = min(next, watchdog) }
        if let reopenAt_ns { next = min(next, reopenAt_ns) }
        if let retry = requests.retryRestoreAt_ns { next = min(next, retry) }
        if let overdue = requests.governor.slow?.overdueAt_ns { next = min(next, overdue) }
        if let acceptAgainAt_ns { next = min(next, acceptAgainAt_ns) }
        next = min(next, owedBy_ns)
        if next == .max { return -1 }
        return next <= now_ns ? 0 : Int32(min((next - now_ns + 999_999) / 1_000_000, 3_600_000))
    }

    private func housekeeping(_ now_ns: UInt64) {
        requests.retryRestore(now_ns)
        if requests.governor.slow != nil { requests.governor.tellSlow(now_ns) }
        supervisor.feedWatchdog(now_ns)
        owedBy_ns = .max
        for slot in 0..<sessions.count {
            guard let session = sessions[slot], session.isOwing else { continue }
            let due_ns = session.lastActivity_ns + Server.patience_ns
            if due_ns <= now_ns {
                close(session, slot, now_ns, "a frame that isn't finished in time")
            } else {
                owedBy_ns = min(owedBy_ns, due_ns)
            }
        }
        if let acceptAgainAt_ns, acceptAgainAt_ns <= now_ns { acceptAgain(now_ns) }
        if let reopenAt_ns, reopenAt_ns <= now_ns { end = .startAgain("a zone or a device appeared") }
        if requests.governor.allZonesAreGone { end = .startAgain("every zone is gone") }
        if requests.stateIsRemoved { end = .startAgain("the saved state was removed") }
    }

    // MARK: Connections

    private func acceptAll(_ now_ns: UInt64) {
        for number in 0..<Server.acceptedAtOnce {
            // Of those behind the first one it isn't known who has gone for them.
            if number > 0, !sessions.contains(where: { $0 == nil }) { return }
            do throws(Errno) {
                let socket = try listening.descriptor.accept()
                try admit(socket, now_ns)
            } catch {
                if error != .again { stopAccepting(error, now_ns) }
                return
            }
        }
    }

    /// Descriptors or memory are used up, here or in the whole system: asked at once again, the kernel would say the same.
    private func stopAccepting(_ error: Errno, _ now_ns: UInt64) {
        violations.warning("connections wait: one can't be accepted", "errno=\(error)")
        epoll.remove(listening.descriptor.number)
        acceptAgainAt_ns = now_ns + Server.acceptPause_ns
    }

    private func acceptAgain(_ now_ns: UInt64) {
        do throws(Errno) {
            try epoll.add(listening.descriptor.number, token: Token.listener)
            acceptAgainAt_ns = nil
        } catch { acceptAgainAt_ns = now_ns + Server.acceptPause_ns }
    }

    /// P2: only peers on the list are served; everybody else is closed without an answer.
    private func admit(_ socket: consuming Descriptor, _ now_ns: UInt64) throws(Errno) {
        let peer = try socket.peer()
        guard
            allowedUIDs.contains(peer.uid) || allowedGIDs.contains(peer.gid) || socket.peerIsMember(ofAny: allowedGIDs)
        else {
            return strangers.warning("refused a peer that isn't on the list", "uid=\(peer.uid) gid=\(peer.gid)")
        }
        guard let slot = freeSlot(now_ns) else { return }
        serial &+= 1
        let token = Token.firstSession + UInt64(slot) << 32 + UInt64(serial)
        try epoll.add(socket.number, token: token)
        sessions[slot] = Session(socket, peer: peer, serial: serial, now_ns: now_ns)
    }

    /// A place for one more connection. Where there is none, one whose client has gone makes room, or else one that still owes its Hello, or
    /// else the one that was quiet longest; never the one in control.
    private func freeSlot(_ now_ns: UInt64) -> Int? {
        var choice: Int?
        for slot in 0..<sessions.count {
            guard let session = sessions[slot] else { return slot }
            if requests.lease.holder?.session == slot { continue }
            guard let chosen = choice.flatMap({ sessions[$0] }) else {
                choice = slot
                continue
            }
            let (worth, least) = (session.worth, chosen.worth)
            if worth == least ? session.lastActivity_ns < chosen.lastActivity_ns : worth < least { choice = slot }
        }
        if let choice, let session = sessions[choice] { close(session, choice, now_ns, "a quiet connection, to make room") }
        return choice
    }

    /// A connection's turn: one request, so that nobody waits for more than one of each other connection.
    private func serve(_ session: Session, _ slot: Int, _ now_ns: UInt64) {
        do throws(Errno) {
            guard try session.receive(now_ns) else { return close(session, slot, now_ns, nil) }
        } catch {
            if error == .again { return }
            return close(session, slot, now_ns, "a connection that failed")
        }
        let context = Requests.Context(session: session, slot: slot, now_ns: now_ns)
        var goesOn = true
        writer.removeAll()
        do throws(ProtocolError) {
            try session.take(now_ns) { header, payload throws(ProtocolError) in
                guard header.opcode.row.phase == session.phase else { throw .outOfPhase }
                goesOn = try requests.answer(header, payload, context, into: &writer)
            }
        } catch { return close(session, slot, now_ns, error.explanation) }
        if !send(writer, to: session) {
            close(session, slot, now_ns, "a peer that doesn't read its replies")
        } else if !goesOn {
            close(session, slot, now_ns, nil)
        }
        requests.noteReplied()
    }

    /// - Returns: false where the kernel's buffer is full: replies that aren't read would need memory without bound, so the
    ///   connection has to end. A client that has gone ends its connection by itself, after the requests that it sent before.
    private func send(_ reply: borrowing Writer, to session: Session) -> Bool {
        if reply.count == 0 { return true }
        do throws(Errno) { return try session.socket.write(reply.bytes) == reply.count } catch { return error == .brokenPipe }
    }

    private static func largestReply(_ zones: [Zone]) -> Int {
        let described = min(ZonesHeader.maximumBytes + zones.reduce(0) { $0 + $1.describedBytes }, Frame.maximumPayload)
        return Frame.headerBytes + max(described, Opcode.failure.row.payload.upperBound)
    }

    private func close(_ session: Session, _ slot: Int, _ now_ns: UInt64, _ violation: StaticString?) {
        if let violation { violations.warning("closed a connection", "why=\"\(violation)\" uid=\(session.peer.uid)") }
        sessions[slot] = nil
        requests.sessionClosed(slot)
    }

    // MARK: Zones that come

    /// A zone that appears, or comes back, can't be opened by this process: its supervisor has to start it again. For what would only be
    /// measured no limit is given up.
    private func readUevents(_ now_ns: UInt64) {
        var storage = InlineArray<2048, UInt8>(repeating: 0)
        while true {
            var buffer = storage.mutableSpan
            guard let count = try? uevents?.receive(into: &buffer) else { return }
            let message = storage.span.extracting(0..<count)
            let driver = Server.boundDriver(message)
            if Server.announcesZone(message) || governed.contains(driver?.kind) { reopenAt_ns = now_ns + Server.settling_ns }
            if let driver, reopenAt_ns == nil, !hasToldOfDevice {
                hasToldOfDevice = true
                Log.warning(
                    "a device appeared that could be measured", "driver=\(driver.name) do=\"restart raplhelper to measure it\"")
            }
        }
    }

    /// `add@/devices/virtual/powercap/<control type>/<zone>…` (lib/kobject_uevent.c).
    static func announcesZone(_ message: Span<UInt8>) -> Bool {
        var scanner = Scanner(message)
        return scanner.literal("add@/devices/virtual/powercap/")
    }

    /// The driver of a device that has just been bound to one of the table: `bind@<device>`, and NAME=value each behind a zero byte
    /// (drivers/base/dd.c, driver_bound).
    static func boundDriver(_ message: Span<UInt8>) -> Driver? {
        var head = Scanner(message)
        guard head.literal("bind@") else { return nil }
        for start in 0..<message.count where message[start] == 0 {
            var field = Scanner(message.extracting((start + 1)...))
            guard field.literal("DRIVER=") else { continue }
            let rest = message.extracting((start + 8)...)
            var length = 0
            while length < rest.count && rest[length] != 0 { length += 1 }
            guard let name = Name(rest.extracting(..<length)) else { return nil }
            return Driver.bound(as: name)
        }
        return nil
    }
}
