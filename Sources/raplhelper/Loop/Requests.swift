import LinuxSystem
import PowercapProtocol

/// Answers requests: one switch over the protocol's table. Nothing in it allocates.
final class Requests {
    let governor: Governor
    let welcome: Welcome
    private(set) var lease: Lease
    private let tokens: TokenSource
    private var batch: [ApplyItem] = []
    private var refusals = LogBudget()
    private var (ends, silences) = (LogBudget(), LogBudget())
    /// Limits can't be kept safe by this process any more: it has to be started again.
    private(set) var stateIsRemoved = false
    /// When to try again what could not be set at the end of control, while nobody is in control.
    private(set) var retryRestoreAt_ns: UInt64?
    /// What is tried again.
    private var retried = LimitDisposal.fallback
    /// A Sample was asked for: the threads of slow zones are to read what the next one says.
    private var isLookDue = false

    init(governor: Governor, welcome: Welcome, tokens: consuming TokenSource) {
        (self.governor, self.welcome) = (governor, welcome)
        self.tokens = tokens
        lease = Lease(maximum_ms: welcome.leaseMaximum_ms)
        batch.reserveCapacity(Limits.itemsPerBatch)
        // The start has dealt with what an earlier helper left; what it couldn't is tried again.
        if governor.changeCount > 0 && governor.policy != .readOnly {
            // What an earlier helper has left of slow limits is dealt with at once, beside the loop.
            retryRestoreAt_ns = Clock.monotonic_ns + (governor.slow == nil ? Requests.retryInterval_ns : 0)
        }
    }

    /// Who asks, and when.
    struct Context {
        let session: Session
        let slot: Int
        let now_ns: UInt64
    }

    /// Appends the reply to one request.
    /// - Returns: false when the connection ends after the reply.
    /// - Throws: what is wrong with the payload; the connection must then be closed.
    func answer(
        _ header: Frame.Header, _ payload: Span<UInt8>, _ context: Context, into writer: inout Writer
    ) throws(ProtocolError) -> Bool {
        var reader = Reader(payload)
        let id = header.requestID
        switch header.opcode {
        case .hello:
            let hello = try Hello(from: &reader)
            try reader.finish()
            return greet(id, hello, context, into: &writer)
        case .listZones:
            let first = context.session.version >= Greeting.kindsVersion ? try reader.u16() : 0
            try reader.finish()
            listZones(id, from: Int(first), context, into: &writer)
        case .readSample: readSample(id, context, into: &writer)
        case .acquireControl:
            let request = try AcquireControl(from: &reader)
            try reader.finish()
            reply(id, context, into: &writer) { writer throws(Failure) in try acquire(id, request, context, into: &writer) }
        case .renew:
            let token = try reader.u64()
            try reader.finish()
            reply(id, context, into: &writer) { writer throws(Failure) in
                let lease_ms = try lease.renew(token, session: context.slot, now_ns: context.now_ns)
                // Also while nothing is asked for: what is in force would be lost with this process.
                stateIsRemoved = governor.stateIsRemoved
                writer.begin(.renewed, requestID: id)
                writer.u32(lease_ms)
                writer.end()
            }
        case .apply:
            let token = try reader.u64()
            let count = try reader.u8()
            guard 1...Limits.itemsPerBatch ~= Int(count) else { throw .badValue }
            batch.removeAll(keepingCapacity: true)
            for _ in 0..<count { batch.append(try ApplyItem(from: &reader, version: context.session.version)) }
            try reader.finish()
            reply(id, context, into: &writer) { writer throws(Failure) in try apply(id, token, context, into: &writer) }
        case .release:
            let token = try reader.u64()
            let disposal = try LimitDisposal.decoded(try reader.u8(), version: context.session.version)
            try reader.finish()
            reply(id, context, into: &writer) { writer throws(Failure) in try release(id, token, disposal, context, into: &writer)
            }
        case .ping:
            writer.begin(.pong, requestID: id)
            writer.end()
        case .welcome, .zones, .sample, .control, .renewed, .applied, .released, .pong, .refused, .failure: throw .outOfPhase
        }
        return true
    }

    /// Runs one request that can fail. A body starts its frame only when everything has succeeded.
    private func reply(
        _ id: UInt16, _ context: Context, into writer: inout Writer, _ body: (inout Writer) throws(Failure) -> Void
    ) {
        do throws(Failure) { try body(&writer) } catch {
            // A second controller, one that came too late, or somebody who guesses tokens.
            if error.code == .controlHeld || error.code == .notInControl {
                let (client, uid) = (context.session.clientName ?? ZonesHeader.nobody, context.session.peer.uid)
                refusals.warning("refused control", "why=\"\(error.code.explanation)\" client=\(client) uid=\(uid)")
            }
            writer.begin(.failure, requestID: id)
            error.encode(into: &writer)
            writer.end()
        }
    }

    private func greet(_ id: UInt16, _ hello: Hello, _ context: Context, into writer: inout Writer) -> Bool {
        guard let version = hello.commonVersion else {
            refusals.warning(
                "refused a client that speaks other versions of the protocol",
                "client=\(hello.clientName) lowest=\(hello.lowestVersion) highest=\(hello.highestVersion)")
            writer.begin(.refused, requestID: id)
            writer.u8(RefusalReason.noCommonVersion.rawValue)
            writer.text(Greeting.refusal)
            writer.end()
            return false
        }
        context.session.greeted(by: hello.clientName, version: version)
        var welcome = welcome
        welcome.version = version
        writer.begin(.welcome, requestID: id)
        welcome.encode(into: &writer)
        writer.end()
        return true
    }

    private func listZones(_ id: UInt16, from first: Int, _ context: Context, into writer: inout Writer) {
        let (zones, version) = (governor.zones, context.session.version)
        let described = zones.described(from: first)
        writer.begin(.zones, requestID: id)
        ZonesHeader(
            leaseRemaining_ms: lease.remaining_ms(context.now_ns), leaseHolder: lease.holder?.name ?? ZonesHeader.nobody,
            total: UInt16(zones.count), zoneCount: UInt16(described.count)
        ).encode(into: &writer, version: version)
        for zone in zones[described] {
            zone.description.encode(into: &writer, version: version)
            for constraint in zone.constraints {
                governor.description(of: constraint, in: zone).encode(into: &writer, version: version)
            }
        }
        writer.end()
    }

    private func readSample(_ id: UInt16, _ context: Context, into writer: inout Writer) {
        let (zones, version) = (governor.zones, context.session.version)
        // Version 2 has as many as Zones, which has them in one frame.
        let count = version >= Greeting.kindsVersion ? zones.count : zones.described(from: 0).count
        writer.begin(.sample, requestID: id)
        isLookDue = true
        // Not the time of the loop: a batch ahead of it in the pipeline may have taken a while.
        SampleHeader(time_ns: Clock.monotonic_ns, zoneCount: UInt16(count)).encode(into: &writer)
        var sample = ZoneSample(index: 0, constraintCount: 0)
        for zone in zones[..<count] {
            zone.sample(into: &sample)
            sample.encode(into: &writer, version: version, of: zone.readingKind)
        }
        writer.end()
    }

    /// What a reply has set out is begun when it was sent: nobody waits for threads to be woken, nor for what they do on the same processor.
    func noteReplied() {
        if isLookDue { governor.slow?.look() }
        isLookDue = false
    }

    private func acquire(
        _ id: UInt16, _ request: AcquireControl, _ context: Context, into writer: inout Writer
    ) throws(Failure) {
        try refuseByPolicy()
        let control = try lease.acquire(
            request, by: context.session.clientName ?? ZonesHeader.nobody, session: context.slot, newToken: tokens.next(),
            now_ns: context.now_ns)
        retryRestoreAt_ns = nil
        writer.begin(.control, requestID: id)
        control.encode(into: &writer)
        writer.end()
    }

    private func apply(_ id: UInt16, _ token: UInt64, _ context: Context, into writer: inout Writer) throws(Failure) {
        try refuseByPolicy()
        _ = try lease.renew(token, session: context.slot, now_ns: context.now_ns)
        defer { stateIsRemoved = governor.stateIsRemoved }
        try governor.apply(batch)
        writer.begin(.applied, requestID: id)
        writer.u8(UInt8(batch.count))
        for index in 0..<batch.count { governor.applied(index).encode(into: &writer, version: context.session.version) }
        writer.end()
    }

    private func release(
        _ id: UInt16, _ token: UInt64, _ disposal: LimitDisposal, _ context: Context, into writer: inout Writer
    ) throws(Failure) {
        _ = try lease.renew(token, session: context.slot, now_ns: context.now_ns)
        let released = endControl(disposal, because: "release", context.now_ns)
        writer.begin(.released, requestID: id)
        released.encode(into: &writer, version: context.session.version)
        writer.end()
    }

    private func refuseByPolicy() throws(Failure) {
        switch governor.policy {
        case .accepted: return
        case .readOnly: throw Failure(.readOnly)
        case .stateUnreadable: throw Failure(.stateUnreadable)
        case .stateUnwritable: throw Failure(.stateUnwritable)
        }
    }

    // MARK: The end of control

    /// Ends control and deals with the limits.
    @discardableResult
    func endControl(
        _ disposal: LimitDisposal, because reason: StaticString, _ now_ns: UInt64, patience_ms: UInt64 = Requests.patience_ms
    ) -> Released {
        let holder = lease.holder?.name ?? ZonesHeader.nobody
        lease.end()
        let subject: Message = "reason=\"\(reason)\" holder=\(holder)"
        if disposal == .hold {
            let count = governor.changeCount
            if count == 0 {
                ends.info("control ended, no limit is held", subject)
            } else {
                ends.warning("control ended, limits are held until the helper stops", "\(subject) held=\(count)")
            }
            return Released()
        }
        let outcome = end(disposal, patience_ms)
        let counts: Message = "\(subject) \(outcome.counts)"
        ends.write(outcome.ending.level, outcome.ending.words, counts)
        retryRestoreAt_ns = outcome.failed > 0 ? now_ns + Requests.retryInterval_ns : nil
        retried = disposal
        return outcome
    }

    private func end(_ disposal: LimitDisposal, _ patience_ms: UInt64) -> Released {
        disposal == .fallback ? governor.fallBack(patience_ms: patience_ms) : governor.restore(patience_ms: patience_ms)
    }

    /// How long the end of control waits for limits that are written beside the loop, together. Whoever asks for a sign of life meanwhile
    /// (`--check`) waits for 2 s.
    static let patience_ms: UInt64 = 1_500
    /// The same when the helper stops, and what isn't done is left to the next one.
    private static let lastPatience_ms: UInt64 = 5_000

    /// Threads are done with something.
    func takeSlow(_ now_ns: UInt64) {
        let late = governor.takeSlow()
        if late == Released() { return }
        ends.write(late.ending.level, "slow limits were dealt with after the end of control", late.counts)
        if late.failed > 0 && lease.holder == nil { retryRestoreAt_ns = now_ns + Requests.retryInterval_ns }
    }

    /// The last end there is: it is told however many there were before it. Nobody has given control up on purpose by stopping the
    /// helper, so that fallback limits come into force where there are some.
    func finish(because reason: StaticString) -> Released {
        ends = LogBudget()
        return endControl(.fallback, because: reason, Clock.monotonic_ns, patience_ms: Requests.lastPatience_ms)
    }

    private static let retryInterval_ns: UInt64 = 30_000_000_000

    /// A register that refused its original or its fallback limit may take it later.
    func retryRestore(_ now_ns: UInt64) {
        guard let due = retryRestoreAt_ns, due <= now_ns else { return }
        let outcome = end(retried, 0)
        retryRestoreAt_ns = outcome.failed > 0 ? now_ns + Requests.retryInterval_ns : nil
        if outcome.restored > 0 { ends.info("original limits restored at another attempt", outcome.counts) }
    }

    /// P7: acts by itself when the controller has been silent for the lease's time.
    func expireLease(_ now_ns: UInt64) {
        guard lease.isExpired(now_ns) else { return }
        silences.warning("the controller has been silent for its whole lease", "holder=\(lease.holder!.name)")
        endControl(welcome.onLeaseExpiry, because: "lease expired", now_ns)
    }

    func sessionClosed(_ slot: Int) { lease.sessionClosed(slot) }
}
