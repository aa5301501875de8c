import Glibc
import LinuxSystem
import PowercapProtocol
import Testing

@Suite("Whoever is in control comes first")
struct PrecedenceTests {
    let tree: TemporaryTree

    init() throws { tree = try TemporaryTree() }

    /// When the helper took a sample, which every reply to ReadSample says.
    private func times(_ client: WireClient, _ count: Int) throws -> [UInt64] {
        try (0..<count).map { _ in
            let reply = try #require(try client.receive())
            var reader = Reader(reply.payload.span)
            return try SampleHeader(from: &reader).time_ns
        }
    }

    /// Everything is sent while the helper is stopped, the one in control last: the kernel then tells of the others first.
    @Test("its requests wait for one request of the others each, however many wait and whoever came first")
    func first() throws {
        let helper = try tree.startHelper()
        let holder = try WireClient(tree.socket)
        _ = try holder.acquire()
        let others = try (0..<12).map { _ in try WireClient(tree.socket) }
        helper.process.signal(SIGSTOP)
        try wait(for: "the helper to stop") { try helper.status()["State"] == "T (stopped)" }
        for other in others { try other.send(other.frame(.readSample) + other.frame(.readSample)) }
        for _ in 0..<5 { try holder.send(holder.frame(.readSample)) }
        helper.process.signal(SIGCONT)

        let own = try times(holder, 5)
        let theirs = try others.flatMap { try times($0, 2) }.sorted()
        #expect(theirs.filter { $0 < own[0] }.isEmpty, "somebody else was served first")
        for (last, next) in zip(own, own.dropFirst()) {
            #expect(theirs.filter { last < $0 && $0 < next }.count <= 1)
        }
        // And nobody else is forgotten.
        #expect(theirs.count == 24)
    }
}
