import LinuxSystem
import PowercapProtocol
import Testing

@testable import raplhelper

@Suite("A connection's patience")
struct SessionTests {
    /// A session, and the number of the other end, which stays open as long as the session is used.
    private func withSession(_ body: (Session, borrowing Descriptor) throws -> Void) throws {
        let pair = try SocketPair()
        let session = Session(
            Descriptor(owning: duplicate(pair.near.number)), peer: try pair.near.peer(), serial: 1, now_ns: 1_000)
        try body(session, pair.far)
    }

    private func send(_ bytes: [UInt8], on far: borrowing Descriptor) throws {
        #expect(try far.write(bytes.span) == bytes.count)
    }

    private let ping: [UInt8] = [4, 0, 0, 0, 8, 0, 1, 0]

    @Test("a connection owes a Hello from its first moment, and one that drips bytes gets no younger")
    func hello() throws {
        try withSession { session, far in
            #expect(session.phase == .greeting && session.isOwing)
            for now in [2_000, 3_000, 4_000] as [UInt64] {
                try send([0], on: far)
                #expect(try session.receive(now))
            }
            #expect(session.lastActivity_ns == 1_000)
        }
    }

    @Test("after its Hello it owes nothing while it is quiet")
    func quiet() throws {
        try withSession { session, _ in
            session.greeted(by: Name(constant: "test"), version: 3)
            #expect(session.phase == .established && !session.isOwing)
        }
    }

    @Test("it is as old as the first byte of the frame that it hasn't finished")
    func frame() throws {
        try withSession { session, far in
            session.greeted(by: Name(constant: "test"), version: 3)
            try send([ping[0]], on: far)
            #expect(try session.receive(5_000))
            #expect(session.isOwing)
            for (offset, byte) in ping.dropFirst().enumerated() {
                try send([byte], on: far)
                #expect(try session.receive(6_000 + UInt64(offset)))
                #expect(session.lastActivity_ns == 5_000)
            }
            var frames = 0
            try session.take(9_000) { _, _ throws(ProtocolError) in frames += 1 }
            #expect(frames == 1)
            #expect(session.lastActivity_ns == 9_000)
            #expect(!session.isOwing)
        }
    }
}
