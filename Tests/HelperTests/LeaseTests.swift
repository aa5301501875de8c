import PowercapProtocol
import Testing

@testable import raplhelper

@Suite("P7: the lease")
struct LeaseTests {
    private var lease = Lease(maximum_ms: 30_000)
    private let name = Name(constant: "controller")

    private func ms(_ milliseconds: UInt64) -> UInt64 { milliseconds * 1_000_000 }

    /// One event, and what must come of it. Tokens that the helper would draw at random are 100, 200, … here.
    enum Step {
        case acquire(session: Int, previous: UInt64, new: UInt64, Outcome)
        case renew(session: Int, token: UInt64, ErrorCode?)
        case close(session: Int)
        case end
        case time(ms: UInt64, isExpired: Bool)

        enum Outcome: Equatable { case granted(token: UInt64, resumed: Bool), refused(ErrorCode) }
    }

    struct Story: CustomTestStringConvertible {
        let testDescription: String
        let steps: [Step]
        init(_ what: String, _ steps: [Step]) { (testDescription, self.steps) = (what, steps) }
    }

    static let stories = [
        Story(
            "a free lease is granted, and its token renews it",
            [
                .acquire(session: 1, previous: 0, new: 100, .granted(token: 100, resumed: false)),
                .renew(session: 1, token: 100, nil),
            ]),
        Story(
            "nobody renews what nobody holds",
            [.renew(session: 1, token: 0, .notInControl), .renew(session: 1, token: 7, .notInControl)]),
        Story(
            "a held lease is refused to another connection",
            [
                .acquire(session: 1, previous: 0, new: 100, .granted(token: 100, resumed: false)),
                .acquire(session: 2, previous: 0, new: 200, .refused(.controlHeld)),
                .acquire(session: 2, previous: 101, new: 200, .refused(.controlHeld)),
                .renew(session: 1, token: 100, nil),
            ]),
        Story(
            "the holder may acquire again, with a new token that makes the old one void",
            [
                .acquire(session: 1, previous: 0, new: 100, .granted(token: 100, resumed: false)),
                .acquire(session: 1, previous: 0, new: 200, .granted(token: 200, resumed: false)),
                .renew(session: 1, token: 100, .notInControl), .renew(session: 1, token: 200, nil),
            ]),
        Story(
            "a token counts on the connection that holds it, nowhere else",
            [
                .acquire(session: 1, previous: 0, new: 100, .granted(token: 100, resumed: false)),
                .renew(session: 2, token: 100, .notInControl),
            ]),
        Story(
            "the token resumes control from another connection, even while the old one is open",
            [
                .acquire(session: 1, previous: 0, new: 100, .granted(token: 100, resumed: false)),
                .acquire(session: 2, previous: 100, new: 200, .granted(token: 100, resumed: true)),
                .renew(session: 2, token: 100, nil), .renew(session: 1, token: 100, .notInControl),
                .close(session: 1), .renew(session: 2, token: 100, nil),
            ]),
        Story(
            "a closed connection keeps the lease until its time is over",
            [
                .acquire(session: 1, previous: 0, new: 100, .granted(token: 100, resumed: false)),
                .close(session: 1), .time(ms: 29_999, isExpired: false), .time(ms: 1, isExpired: true),
            ]),
        Story(
            "its token resumes it after a reconnect",
            [
                .acquire(session: 1, previous: 0, new: 100, .granted(token: 100, resumed: false)),
                .close(session: 1), .acquire(session: 3, previous: 100, new: 200, .granted(token: 100, resumed: true)),
            ]),
        Story(
            "anybody may take it over once the holder's connection is closed",
            [
                .acquire(session: 1, previous: 0, new: 100, .granted(token: 100, resumed: false)),
                .close(session: 1), .acquire(session: 2, previous: 0, new: 200, .granted(token: 200, resumed: false)),
                .acquire(session: 3, previous: 100, new: 300, .refused(.controlHeld)),
            ]),
        Story(
            "a slot that is used again doesn't inherit control",
            [
                .acquire(session: 1, previous: 0, new: 100, .granted(token: 100, resumed: false)),
                .close(session: 1), .renew(session: 1, token: 100, .notInControl),
            ]),
        Story(
            "another connection that closes changes nothing",
            [
                .acquire(session: 1, previous: 0, new: 100, .granted(token: 100, resumed: false)),
                .close(session: 2), .acquire(session: 2, previous: 0, new: 200, .refused(.controlHeld)),
            ]),
        Story(
            "silence for the whole time lets it expire, every renewal starts it anew",
            [
                .acquire(session: 1, previous: 0, new: 100, .granted(token: 100, resumed: false)),
                .time(ms: 29_999, isExpired: false), .renew(session: 1, token: 100, nil),
                .time(ms: 29_999, isExpired: false), .time(ms: 1, isExpired: true),
            ]),
        Story(
            "after the end nobody holds it: the token neither renews nor resumes",
            [
                .acquire(session: 1, previous: 0, new: 100, .granted(token: 100, resumed: false)), .end,
                .renew(session: 1, token: 100, .notInControl), .time(ms: 1_000_000, isExpired: false),
                .acquire(session: 1, previous: 100, new: 200, .granted(token: 200, resumed: false)),
            ]),
        Story(
            "previous token 0 never means the holder's",
            [
                .acquire(session: 1, previous: 0, new: 100, .granted(token: 100, resumed: false)),
                .acquire(session: 2, previous: 0, new: 0, .refused(.controlHeld)),
            ]),
    ]

    @Test("one controller at a time, and only while it gives signs of life", arguments: stories)
    func story(_ story: Story) throws {
        var lease = lease
        var now = ms(5)
        for step in story.steps {
            switch step {
            case .acquire(let session, let previous, let new, let expected):
                var outcome: Step.Outcome
                do throws(Failure) {
                    let control = try lease.acquire(
                        AcquireControl(lease_ms: 30_000, previousToken: previous), by: name, session: session, newToken: new,
                        now_ns: now)
                    outcome = .granted(token: control.token, resumed: control.resumed)
                } catch { outcome = .refused(error.code) }
                #expect(outcome == expected, "\(step)")
            case .renew(let session, let token, let code):
                var refused: ErrorCode?
                do throws(Failure) { _ = try lease.renew(token, session: session, now_ns: now) } catch { refused = error.code }
                #expect(refused == code, "\(step)")
            case .close(let session): lease.sessionClosed(session)
            case .end: lease.end()
            case .time(let milliseconds, let isExpired):
                now += ms(milliseconds)
                #expect(lease.isExpired(now) == isExpired, "\(step)")
            }
        }
    }

    @Test(
        "the time asked for is clamped to what the helper grants",
        arguments: [
            (1, 1_000), (999, 1_000), (1_000, 1_000), (12_345, 12_345), (30_000, 30_000), (30_001, 30_000), (.max, 30_000),
        ]
            as [(UInt32, UInt32)])
    func clamped(_ asked_ms: UInt32, _ granted_ms: UInt32) throws {
        var lease = lease
        let request = AcquireControl(lease_ms: asked_ms, previousToken: 0)
        #expect(try lease.acquire(request, by: name, session: 1, newToken: 1, now_ns: 0).lease_ms == granted_ms)
        #expect(lease.remaining_ms(0) == granted_ms)
        #expect(try lease.renew(1, session: 1, now_ns: ms(500)) == granted_ms)
        #expect(lease.remaining_ms(ms(500)) == granted_ms)
    }

    @Test("a lease of 0 ms is refused and leaves the holder alone")
    func zero() throws {
        var lease = lease
        _ = try lease.acquire(AcquireControl(lease_ms: 5_000, previousToken: 0), by: name, session: 1, newToken: 9, now_ns: 0)
        #expect(throws: Failure(.leaseOutOfRange)) {
            try lease.acquire(AcquireControl(lease_ms: 0, previousToken: 9), by: name, session: 1, newToken: 10, now_ns: 0)
        }
        #expect(lease.holder?.token == 9)
    }

    @Test("the remaining time is rounded up, so that it is 0 only when the lease is over")
    func remaining() throws {
        var lease = lease
        #expect(lease.remaining_ms(0) == 0)
        _ = try lease.acquire(AcquireControl(lease_ms: 1_000, previousToken: 0), by: name, session: 1, newToken: 9, now_ns: 0)
        #expect(lease.remaining_ms(ms(1_000) - 1) == 1)
        #expect(!lease.isExpired(ms(1_000) - 1))
        #expect(lease.remaining_ms(ms(1_000)) == 0)
        #expect(lease.isExpired(ms(1_000)))
        #expect(lease.remaining_ms(.max) == 0)
    }
}
