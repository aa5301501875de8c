import Foundation
import TestSupport
import Testing

@testable import HTTPServer
@testable import powercap_controller

struct LastAnswerTests {
    private final class Asked {
        private let last = LastAnswer()
        /// How many answers were put together.
        private(set) var made = 0

        func ask(_ path: String, accept: String? = nil, _ method: ServerRequest.Method = .get, at ms: UInt64 = 0) -> Int {
            let headers = accept.map { [ServerRequest.Header(name: "accept", value: $0)] } ?? []
            let request = ServerRequest(method: method, path: path, headers: headers, body: [], peer: nil, origin: 0)
            let answer = last.answer(request, ms * 1_000_000) {
                made += 1
                return ServerResponse(text: "\(made)")
            }
            return Int(String(decoding: answer.body, as: UTF8.self).filter(\.isNumber))!
        }

        func forget() { last.forget() }
    }

    @Test("who asks the same within a second has the same answer, which isn't put together again")
    func same() {
        let asked = Asked()
        #expect([0, 1, 999].map { asked.ask("/", at: $0) } == [1, 1, 1])
        #expect(asked.ask("/", at: 1_000) == 2)
        #expect([1_999, 2_000].map { asked.ask("/", at: $0) } == [2, 3])
    }

    @Test("who asks for something else, or in another form, has an answer of his own")
    func other() {
        let asked = Asked()
        #expect(asked.ask("/metrics", accept: "text/plain") == 1)
        #expect(asked.ask("/metrics", accept: "application/openmetrics-text") == 2)
        #expect(asked.ask("/metrics") == 3)
        #expect(asked.ask("/status") == 4)
        #expect(asked.ask("/status") == 4)
    }

    @Test(
        "after something has happened, or an order, it is put together again",
        arguments: [.put, .delete] as [ServerRequest.Method])
    func forgotten(_ method: ServerRequest.Method) {
        let asked = Asked()
        #expect(asked.ask("/status") == 1)
        #expect(asked.ask("/override/limit", method) == 2)
        #expect(asked.ask("/override/limit", method) == 3)
        #expect(asked.ask("/status") == 4)
        asked.forget()
        #expect(asked.ask("/status") == 5)
    }

    @Test("what isn't there isn't kept")
    func missing() {
        let asked = Asked()
        #expect([1, 2].map { _ in asked.ask("/nothing") } == [1, 2])
    }
}

/// By one curl over one connection.
@Suite(.waiting)
struct RunningLastAnswerTests {
    private func ask(_ desk: Desk, _ requests: [[String]]) throws -> [String] {
        let next = requests.map { $0.dropLast() + ["--write-out", "\n--\n", "http://localhost\($0.last!)"] }
        let arguments = next.map { ["--silent", "--unix-socket", desk.socket] + $0 }.joined(separator: ["--next"])
        let curl = try Child("/usr/bin/env", ["curl"] + arguments, reading: .output)
        #expect(try curl.exitStatus() == 0)
        return curl.lines.split(separator: "--", omittingEmptySubsequences: false).dropLast().map { $0.joined(separator: "\n") }
    }

    @Test("between an order and its end who asks right before and right after reads what is so then")
    func orders() throws {
        let (mock, desk) = (try Mock(devices: 2), try Desk())
        let controller = try desk.controller(mock)
        let order = ["--request", "PUT", "--data", "{\"limit\":\"80W\",\"for\":\"1h\"}", "/override/limit"]
        let answers = try ask(
            desk,
            [
                ["/override"], ["/override"], order, ["/override"], ["/override"], ["--request", "DELETE", "/override/limit"],
                ["/override"],
            ])
        #expect(answers.count == 7)
        let orders = answers.map { $0.contains("80000000") }
        #expect([0, 1, 3, 4, 6].map { orders[$0] } == [false, false, true, true, false], "\(answers)")
        #expect(try controller.stop() == 0)
    }

    @Test("what happens is told at once, also to who has asked before it")
    func news() throws {
        let (mock, desk) = (try Mock(devices: 1), try Desk())
        let controller = try desk.controller(mock)
        #expect(try ask(desk, [["/readyz"]])[0].hasPrefix("LimitInForce"))
        try mock.tell("stop")
        try controller.next("lost the helper")
        #expect(try !ask(desk, [["/readyz"]])[0].hasPrefix("LimitInForce"))
    }

    @Test("P14: many who ask at once have one answer among them")
    func shared() throws {
        let (mock, desk) = (try Mock(devices: 2), try Desk())
        let controller = try desk.controller(mock)
        let pages = try ask(desk, Array(repeating: ["/metrics"], count: 50))
        // Each that is put together tells of more turns of the loop than the one before.
        #expect(pages.count == 50 && pages.allSatisfy { $0.contains("powercap_cycle_duration_seconds_count") })
        #expect(Set(pages).count < 50)
        #expect(try controller.stop() == 0)
    }
}
