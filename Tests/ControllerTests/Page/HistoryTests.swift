import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

struct HistoryTests {
    /// A node of constant power that has been governed for so many minutes.
    private func node(devices: Int = 2, minutes: Int) -> ExampleNode {
        var node = ExampleNode(
            devices: devices, environment: ["SOURCE": "static", "MAX_SOURCE": "150W", "SAMPLE_INTERVAL": "60s"])
        node.run(minutes: minutes)
        return node
    }

    private func slots(_ history: History, _ node: ExampleNode) -> [Int] {
        let last = history.slot(at: node.boot * 1_000_000_000)
        return (last - history.count + 1...last).filter(history.isKept)
    }

    @Test("24 hours take at most 64 kB, however many packages there are", arguments: [1, 2, 8, 11, 12, 16, 64])
    func size(_ devices: Int) {
        var history = History()
        var node = node(devices: devices, minutes: 1)
        history.note(node.state())
        node.boot += 86_400
        history.note(node.state())
        #expect(history.bytes <= 64 << 10)
        #expect(history.devices.count == devices)
        #expect(UInt64(history.count) * history.width_s == 86_400)
        #expect(history.width_s == (devices <= 11 ? 120 : devices <= 26 ? 240 : 960))
    }

    @Test("more packages than a history has columns for are left out, and nothing else of the node is")
    func tooMany() {
        let node = node(devices: 70, minutes: 2)
        #expect(node.history.devices.count == History.mostPackages)
        #expect(node.history.bytes <= 64 << 10)
        #expect(node.history[.inForce, slots(node.history, node).last!] == node.state().inForce)
    }

    @Test("a slot keeps the average of what was drawn, and what stood last of the rest")
    func slot() {
        var node = node(minutes: 2)
        var history = History()
        // Four samples within one slot.
        for (second, watts, limit) in [(0, 40, 100), (10, 60, 100), (20, 80, 90), (30, 20, 80)] {
            node.boot = 600_000 + UInt64(second)
            node.power = ["intel-rapl:0": .watts(UInt64(watts)), "intel-rapl:1": .watts(10)]
            node.wishes.node.limit = .watts(UInt64(limit))
            node.decided()
            history.note(node.state())
        }
        let slot = history.slot(at: 600_000_000_000_000)
        #expect(slots(history, node) == [slot])
        #expect(history[.drawn, slot] == .watts(60))
        #expect(history[.drawn, 0, slot] == .watts(50))
        #expect(history[.drawn, 1, slot] == .watts(10))
        #expect(history[.limit, slot] == .watts(80))
        #expect(history[.inForce, slot] == .watts(80))
        #expect(history[.asked, 1, slot] == .watts(40))
        #expect(history[.inForce, 1, slot] == .watts(40))
        #expect(history[.source, slot] == .watts(150))
        #expect(history[.drawn, slot - 1] == nil && history[.drawn, 1, slot + 1] == nil)
        node.boot += 120
        node.power["intel-rapl:0"] = nil
        history.note(node.state())
        #expect(history[.drawn, slot + 1] == nil, "what one package draws isn't known")
        #expect(history[.drawn, 0, slot + 1] == nil)
        #expect(history[.drawn, 1, slot + 1] == .watts(10))
    }

    @Test("what is over 24 hours old is gone, and nothing of it shows in the slots that take its place")
    func round() {
        var node = node(minutes: 1)
        var history = History()
        node.boot = 600_000
        history.note(node.state())
        let old = history.slot(at: 600_000_000_000_000)
        node.boot += 86_400
        node.power = [:]
        history.note(node.state())
        #expect(!history.isKept(old) && history.isKept(old + 720))
        #expect(history[.drawn, 0, old + 720] == nil)
        #expect(history[.drawn, old] == nil)
        var less = self.node(devices: 1, minutes: 1)
        less.boot = node.boot + 86_400
        history.note(less.state())
        #expect(history[.asked, 0, old + 1_440] != nil)
        #expect(history[.asked, 1, old + 1_440] == nil && history[.inForce, 1, old + 1_440] == nil, "package-1 is gone")
    }

    @Test("without control there is a gap, and with control after it the history goes on")
    func gap() {
        var node = node(minutes: 20)
        node.history.note(node.state(hasControl: false))
        let before = slots(node.history, node).count
        node.run(minutes: 60, hasControl: false)
        node.history.note(node.state(hasControl: false))
        #expect(slots(node.history, node).count == before)
        node.run(minutes: 20)
        let kept = slots(node.history, node)
        #expect(kept.last! - kept.first! + 1 - kept.count >= 29)
        #expect(kept.count >= 20)
        let view = HistoryView(node.history, seenFrom: node.state(), of: 720)
        #expect(view.gapSentences.contains { $0.hasPrefix("No control from ") })
        #expect(view.last(.inForce).filter { $0 != nil }.count == kept.count)
    }

    @Test("a clock that is set leaves order and distance alone, and slots are called what the clock says now")
    func clock() {
        var node = node(minutes: 60)
        let before = slots(node.history, node)
        let view = HistoryView(node.history, seenFrom: node.state(), of: 720)
        node.now -= 40_000
        node.history.note(node.state())
        #expect(slots(node.history, node) == before)
        node.run(minutes: 10)
        let after = HistoryView(node.history, seenFrom: node.state(), of: 720)
        #expect(after.time.endSeconds - after.time.startSeconds == 86_400)
        #expect(after.time.endSeconds == view.time.endSeconds - 40_000 + 600)
        #expect(slots(node.history, node).count == before.count + 5)
    }

    @Test("samples that are further apart than slots speak for the slots between them")
    func sparse() {
        var node = ExampleNode(environment: ["SOURCE": "static", "MAX_SOURCE": "150W", "SAMPLE_INTERVAL": "1h"])
        node.run(minutes: 1)
        var history = History()
        for _ in 0..<3 {
            history.note(node.state())
            node.boot += 3_600
        }
        #expect(slots(history, node).count == 61)
        node.boot += 3_600
        history.note(node.state())
        #expect(slots(history, node).count == 62, "two hours without one are a gap")
    }

    @Test("a package that appears later has no past, and the others keep theirs, in longer slots where there is no more room")
    func appears() {
        var history = History()
        var few = node(devices: 11, minutes: 1)
        few.boot = 600_000
        for watts in [UInt64(20), 40, 60, 80] {
            for device in 0..<11 { few.power["intel-rapl:\(device)"] = .watts(watts) }
            history.note(few.state())
            few.boot += 120
        }
        let before = (0..<4).map { history[.drawn, 3, history.slot(at: 600_000_000_000_000) + $0] }
        #expect(before == [.watts(20), .watts(40), .watts(60), .watts(80)])
        var more = node(devices: 12, minutes: 1)
        more.boot = few.boot
        history.note(more.state())
        #expect(history.width_s == 240)
        let first = history.slot(at: 600_000_000_000_000)
        #expect([history[.drawn, 3, first], history[.drawn, 3, first + 1]] == [.watts(30), .watts(70)])
        #expect([history[.drawn, first], history[.drawn, first + 1]] == [.watts(330), .watts(770)])
        #expect(history[.drawn, 11, first] == nil)
        #expect(history[.asked, 11, first + 2] != nil)
    }

    @Test("powers beyond what a column holds are the most that it holds, never something else")
    func beyond() {
        var node = ExampleNode(environment: ["SOURCE": "static", "MAX_SOURCE": "1000000W", "SAMPLE_INTERVAL": "60s"])
        node.run(minutes: 1)
        node.power = ["intel-rapl:0": Microwatts(.max), "intel-rapl:1": .watts(9_000)]
        var history = History()
        history.note(node.state())
        let slot = history.slot(at: node.boot * 1_000_000_000)
        #expect(history[.source, slot] == .watts(1_000_000))
        #expect(history[.drawn, slot]! >= .watts(4_294_000))
        #expect(history[.drawn, 0, slot]! >= .watts(8_191))
        #expect(history[.drawn, 1, slot]! >= .watts(8_191))
    }
}
