import PowercapProtocol
import Testing

@testable import Fleet

/// Shards as objects, and a parent that writes them.
private struct Board {
    var apportionment: Apportionment
    var parts: [Part]
    var wants: [ShardDemand]
    var writes = 0

    init(_ wants: [ShardDemand], acknowledged: UInt64? = 0) {
        self.wants = wants
        parts = wants.map { _ in Part(given: .zero, acknowledged: acknowledged.map { .watts($0) }) }
        apportionment = Apportionment(shards: wants.count)
        for shard in wants.indices { know(shard) }
    }

    mutating func know(_ shard: Int) { apportionment.know(shard, parts[shard], wants[shard]) }

    mutating func acknowledge(_ shard: Int, _ power: Microwatts? = nil) {
        parts[shard].know(given: parts[shard].given, acknowledged: power ?? parts[shard].given)
        know(shard)
    }

    /// Writes all that is to be written, as one does whose answers come at once.
    mutating func write(_ limit: UInt64, at seconds: UInt64) {
        while let change = apportionment.next(limit: .watts(limit), now_ns: seconds * second_ns) {
            parts[change.shard].know(given: change.limit, acknowledged: parts[change.shard].acknowledged)
            know(change.shard)
            writes += 1
        }
    }

    var given: [UInt64] { parts.map { $0.given.rawValue / 1_000_000 } }
    var sum: UInt64 { parts.reduce(0) { $0 + max($1.given, $1.acknowledged ?? .zero).rawValue } / 1_000_000 }
}

extension ShardDemand {
    fileprivate static func test(_ minimum: UInt64, wants: UInt64, ceiling: UInt64 = 1_000, priority: Int = 0, weight: UInt64 = 4)
        -> Self
    {
        ShardDemand(
            minimum: .watts(minimum), ceiling: .watts(ceiling),
            wishes: [Wish(priority: priority, weight: weight, power: .watts(wants))])
    }
}

struct ApportionmentTests {
    @Test("minimums come first, then what is wanted, then what is left")
    func division() {
        var board = Board([.test(100, wants: 500), .test(100, wants: 100)])
        board.write(1_000, at: 0)
        #expect(board.given == [700, 300])
    }

    @Test("a higher priority's wishes come before a lower one's, whatever the weights")
    func priority() {
        var board = Board([.test(100, wants: 600, priority: 0, weight: 1_000), .test(100, wants: 600, priority: 5, weight: 1)])
        board.write(1_000, at: 0)
        #expect(board.given == [300, 700])
    }

    @Test("P17: a part grows only when the others have acknowledged that they are smaller")
    func shrinkFirst() {
        var board = Board([.test(100, wants: 700), .test(100, wants: 0)])
        board.write(1_000, at: 0)
        for shard in 0..<2 { board.acknowledge(shard) }
        let before = board.given
        board.wants = board.wants.reversed()
        for shard in 0..<2 { board.know(shard) }
        board.write(1_000, at: 31)
        #expect(board.given[0] < before[0] && board.given[1] == before[1] && board.sum <= 1_000)
        board.acknowledge(0)
        board.write(1_000, at: 45)
        #expect(board.given == before.reversed() && board.sum <= 1_000)
    }

    @Test("P17: nothing grows before each shard has said what its nodes have")
    func unknown() {
        var board = Board([.test(100, wants: 700), .test(100, wants: 0)], acknowledged: nil)
        board.acknowledge(0, .watts(100))
        // However often the other one is read that says nothing.
        for second in 0..<100 as Range<UInt64> {
            board.know(1)
            board.write(1_000, at: second)
        }
        #expect(board.given == [0, 0] && board.apportionment.unknown == [1])
        board.acknowledge(1, .watts(900))
        board.write(1_000, at: 200)
        #expect(board.given == [100, 0].map { min($0, board.given[0]) } && board.sum <= 1_000)
    }

    @Test("P17: a part whose object is deleted counts as it was until its shard says what it has")
    func lost() {
        var board = Board([.test(100, wants: 400), .test(100, wants: 400)])
        board.write(1_000, at: 0)
        for shard in 0..<2 { board.acknowledge(shard) }
        board.apportionment.lose(1)
        board.wants[0] = .test(100, wants: 900)
        board.know(0)
        board.write(1_000, at: 100)
        #expect(board.given[0] == 500)
        board.parts[1] = Part(given: .zero, acknowledged: nil)
        board.know(1)
        board.write(1_000, at: 200)
        #expect(board.given == [500, 0])
    }

    @Test("a limit that falls is followed at once, and what falls all the time with few writes")
    func falling() {
        var board = Board([.test(10, wants: 500), .test(10, wants: 500)])
        board.write(1_000, at: 0)
        for shard in 0..<2 { board.acknowledge(shard) }
        board.write(900, at: 1)
        #expect(board.given.reduce(0, +) <= 900)
        let before = board.writes
        for second in 2..<30 as Range<UInt64> { board.write(900 - second, at: second) }
        #expect(board.given.reduce(0, +) <= 871 && board.writes - before <= 8)
    }

    @Test("where nothing changes nothing is written, and less than 1 % is nothing")
    func calm() {
        var board = Board([.test(100, wants: 500), .test(100, wants: 100)])
        board.write(1_000, at: 0)
        for shard in 0..<2 { board.acknowledge(shard) }
        let before = board.writes
        for second in stride(from: 1, to: 600, by: 1) as StrideTo<UInt64> {
            board.wants[0] = .test(100, wants: 500 + second % 3)
            board.know(0)
            board.write(1_000, at: second)
        }
        #expect(board.writes == before)
    }

    @Test("a part changes once in 30 s at most, however demands move")
    func pace() {
        var board = Board([.test(100, wants: 500), .test(100, wants: 100)])
        for second in 0..<300 as Range<UInt64> {
            board.wants[0] = .test(100, wants: second % 2 == 0 ? 700 : 100)
            board.wants[1] = .test(100, wants: second % 2 == 0 ? 100 : 700)
            for shard in 0..<2 { board.acknowledge(shard) }
            board.write(1_000, at: second)
            #expect(board.sum <= 1_000)
        }
        #expect(board.writes <= 22)
    }

    @Test("a shard that never acknowledges keeps what it has, and the others get what is left")
    func deaf() {
        var board = Board([.test(100, wants: 300), .test(100, wants: 300)])
        board.write(1_000, at: 0)
        for shard in 0..<2 { board.acknowledge(shard) }
        board.write(600, at: 1)
        board.acknowledge(0)
        board.write(900, at: 40)
        // Before it is divided anew.
        board.write(900, at: 66)
        #expect(board.given[0] > 300 && board.sum <= 900)
    }
}
