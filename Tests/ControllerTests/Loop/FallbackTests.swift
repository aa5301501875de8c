import Foundation
import JSON
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy

@Suite("P18: the fallback limit", .waiting)
struct FallbackTests {
    private static let first =
        "Apply token=1 intel-rapl:0/long_term=100000000 fallback=60000000 intel-rapl:0/short_term=100000000 fallback=60000000"

    @Test("goes to the helper with the limits, and what it holds is read back")
    func sent() throws {
        let mock = try Mock(devices: 1)
        try mock.tell("expiry fallback")
        try mock.tell("kept yes")
        let controller = try RunningController(mock.socket, ["FALLBACK_LIMIT": "60W"])
        #expect(try mock.next("Apply") == Self.first)
        let held = try controller.next("fallback limit held by the helper")
        #expect(held["fallback_uw"] == "60000000" && held["kept_for_next_boot"] == "true")
        #expect(controller.count("FALLBACK_LIMIT isn't what the limits become when control is lost") == 0)
        controller.child.kill(SIGKILL)
        try mock.tell("expire")
        #expect(try mock.limits() == ["intel-rapl:0/long_term": .watts(60), "intel-rapl:0/short_term": .watts(60)])
    }

    @Test("is never above the limit, and goes up with it again")
    func below() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["FALLBACK_LIMIT": "60W", "MAX_SOURCE": "40W"])
        #expect(try mock.next("Apply").contains("long_term=40000000 fallback=40000000"))
        #expect(try controller.stop() == 0)
        let next = try RunningController(mock.socket, ["FALLBACK_LIMIT": "60W"])
        #expect(try mock.next("Apply").contains("long_term=100000000 fallback=60000000"))
        #expect(try next.stop() == 0)
    }

    @Test("is taken away by a controller that has none")
    func taken() throws {
        let mock = try Mock(devices: 1)
        try mock.tell("expiry fallback")
        let first = try RunningController(mock.socket, ["FALLBACK_LIMIT": "60W", "ON_EXIT": "hold"])
        try first.next("fallback limit held by the helper")
        #expect(try first.stop() == 0)
        let second = try RunningController(mock.socket)
        let held = try second.next("fallback limit held by the helper")
        #expect(UInt64(held["fallback_uw"] ?? "") == nil)
        second.child.kill(SIGKILL)
        try mock.tell("expire")
        #expect(try mock.limits()["intel-rapl:0/long_term"] == .watts(200))
    }

    @Test("ON_EXIT=fallback leaves the limits at it, and is told as what it is")
    func exit() throws {
        let mock = try Mock(devices: 1)
        let controller = try RunningController(mock.socket, ["FALLBACK_LIMIT": "60W", "ON_EXIT": "fallback"])
        try controller.next("fallback limit held by the helper")
        #expect(try controller.stop() == 0)
        #expect(try mock.next("Release") == "Release token=1 disposal=fallback")
        #expect(try controller.next("stopped, limits at the fallback limit")["fallback"] == "2")
        #expect(try mock.limits()["intel-rapl:0/long_term"] == .watts(60))
    }

    @Test("ON_EXIT=fallback without FALLBACK_LIMIT is refused at start")
    func refused() throws {
        let controller = try RunningController("/nowhere", ["ON_EXIT": "fallback"])
        #expect(try controller.child.exitStatus() == 2)
        #expect(controller.child.lines.contains { $0.contains("goes to a limit that isn't there: give FALLBACK_LIMIT") })
    }

    @Test("a helper that was started to do otherwise is told of once, and so is one that doesn't know it, whose limits are held")
    func otherwise() throws {
        let mock = try Mock(devices: 1)
        let message = "FALLBACK_LIMIT isn't what the limits become when control is lost"
        let first = try RunningController(mock.socket, ["FALLBACK_LIMIT": "60W"])
        #expect(try first.next(message)["why"]?.contains("--on-lease-expiry restore") == true)
        #expect(try first.stop() == 0)
        try mock.tell("speaks 2")
        let second = try RunningController(mock.socket, ["FALLBACK_LIMIT": "60W", "ON_EXIT": "fallback"])
        #expect(try second.next(message)["why"]?.contains("without fallback limits") == true)
        try second.next("limit changed", of: "package-0", "short_term")
        #expect(try second.stop() == 0)
        #expect(try mock.next("Release").hasSuffix("disposal=hold"))
        #expect(try mock.limits()["intel-rapl:0/long_term"] == .watts(100))
    }
}
