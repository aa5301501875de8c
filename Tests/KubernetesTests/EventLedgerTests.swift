import LinuxSystem
import Testing

@testable import Kubernetes

struct EventLedgerTests {
    private func event(_ number: Int, _ note: String = "x") -> Event {
        Event(action: "Sample", reason: "PowerZoneGone", type: .warning, subject: "\(number)", note: note)
    }

    private func moment(_ seconds: Int64) -> Clock.Wall {
        Clock.Wall(seconds: 1_795_492_800 + seconds, nanoseconds: 0)
    }

    private func full() -> EventLedger {
        var ledger = EventLedger(about: .node("node-a", reporter: "example.org/reporter"))
        for number in 0..<EventLedger.mostSeries { ledger.record(event(number), at: moment(Int64(number)), UInt64(number)) }
        return ledger
    }

    private func subjects(_ ledger: EventLedger) -> [String] { ledger.series.map(\.event.subject) }

    @Test("an Event that nobody was told of is never dropped for a new one: the new one is")
    func untoldStay() {
        var ledger = full()
        let before = subjects(ledger)
        for number in 100..<200 { ledger.record(event(number), at: moment(100), 100) }
        #expect(subjects(ledger) == before)
        // Those that are there already count on.
        ledger.record(event(7), at: moment(101), 101)
        #expect(ledger.series[7].count == 2)
        #expect(subjects(ledger) == before)
    }

    @Test("a new one takes the place of the first that was told, and of no other")
    func toldGo() {
        var ledger = full()
        for index in [40, 20] { ledger.told(ledger.series[index], next_ns: 300) }
        ledger.record(event(100), at: moment(100), 100)
        #expect(ledger.series.count == EventLedger.mostSeries)
        #expect(subjects(ledger) == (0..<64).filter { $0 != 20 }.map { "\($0)" } + ["100"])
        // It came again, which nobody was told of.
        ledger.record(event(40), at: moment(101), 101)
        ledger.record(event(101), at: moment(101), 101)
        #expect(!subjects(ledger).contains("101"))
    }

    @Test("what was told is forgotten after the time for which the server keeps it, and what was not never is")
    func lifetime() {
        var ledger = EventLedger(about: .node("node-a", reporter: "example.org/reporter"))
        ledger.record(event(0), at: moment(0), 0)
        ledger.record(event(1), at: moment(0), 0)
        ledger.told(ledger.series[0], next_ns: 0)
        ledger.record(event(2), at: moment(3_600), 0)
        #expect(subjects(ledger) == ["0", "1", "2"])
        ledger.record(event(2), at: moment(3_601), 0)
        #expect(subjects(ledger) == ["1", "2"])
    }

    @Test("they are told in the order in which they are due")
    func order() throws {
        var ledger = EventLedger(about: .node("node-a", reporter: "example.org/reporter"))
        for (number, due_ns) in [(0, 30), (1, 10), (2, 20)] as [(Int, UInt64)] {
            ledger.record(event(number), at: moment(0), due_ns)
        }
        var told: [String] = []
        while let next = ledger.next {
            told.append(next.event.subject)
            ledger.told(next, next_ns: 100)
        }
        #expect(told == ["1", "2", "0"])
        #expect(ledger.isTold)
    }

    @Test("one that the server doesn't take is given up, and the others aren't")
    func givenUp() {
        var ledger = EventLedger(about: .node("node-a", reporter: "example.org/reporter"))
        for number in 0..<3 { ledger.record(event(number), at: moment(Int64(number)), 0) }
        ledger.giveUp(ledger.series[1])
        #expect(subjects(ledger) == ["0", "2"])
    }

    @Test("a thing that reads otherwise each time is one series, of which the last is told after the pause")
    func oneSeries() throws {
        var ledger = EventLedger(about: .node("node-a", reporter: "example.org/reporter"))
        ledger.record(event(0, "0"), at: moment(0), 0)
        ledger.told(ledger.series[0], next_ns: 300)
        for number in 1...400 { ledger.record(event(0, "\(number)"), at: moment(Int64(number)), 20) }
        #expect(ledger.series.count == 1)
        #expect(ledger.isTold)
        #expect(try #require(ledger.next).due_ns == 300)
        #expect(ledger.series[0].event.note == "400")
    }
}
