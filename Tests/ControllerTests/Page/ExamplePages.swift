import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

/// Pages of nodes in every state that looks like something else.
enum ExamplePages {
    static let hostile = "<script>alert(1)</script>\"'&\u{1b}[31m\u{202e}</td>\n"

    static let all: [(name: String, page: @Sendable () -> [UInt8])] = [
        ("managed", { page { node in node.api = .example() } }),
        (
            "ordered",
            {
                page { node in
                    node.api = .example()
                    node.order(.limit(.watts(120)), minutes: 180, because: "אחזקה: החלפת ספק כוח 2", ago: 0)
                    node.run(minutes: 75)
                }
            }
        ),
        (
            "held-lower",
            {
                var node = ExampleNode(hasMMIO: true)
                node.runADay()
                node.held = 45
                node.run(minutes: 42)
                return powercap_controller.page(node.state(), node.history)
            }
        ),
        (
            "locked",
            {
                var node = ExampleNode()
                node.locked = [1]
                node.runADay()
                return powercap_controller.page(node.state(), node.history)
            }
        ),
        ("paused", { page { node in node.order(.pause, minutes: nil, because: "measuring") } }),
        (
            "uncontrolled",
            {
                var node = ExampleNode()
                node.runADay()
                node.run(minutes: 20, hasControl: false)
                node.helper.problem = "the helper is not running: there is no socket /run/powercap/raplhelper.sock"
                return powercap_controller.page(node.state(hasControl: false), node.history)
            }
        ),
        (
            "gaps",
            {
                var node = ExampleNode()
                (node.now, node.boot) = (node.now - 50_000, node.boot - 50_000)
                node.run(minutes: 300)
                node.run(minutes: 95, hasControl: false)
                node.run(minutes: 200)
                node.run(minutes: 30, hasControl: false)
                node.run(minutes: 200)
                node.api = .example(troubles: [
                    "the API server can't be reached: connection refused", "the Node's status can't be written: forbidden (403)",
                ])
                return powercap_controller.page(node.state(), node.history)
            }
        ),
        (
            "beginning",
            {
                var node = ExampleNode(devices: 1)
                node.run(minutes: 4)
                return powercap_controller.page(node.state(), node.history)
            }
        ),
        (
            "nothing",
            {
                var node = ExampleNode(devices: 1)
                node.helper = HelperState(socket: "/run/powercap/raplhelper.sock")
                return powercap_controller.page(node.state(hasControl: false), History())
            }
        ),
        ("eight", { page(devices: 8, environment: ["MAX_SOURCE": "1400W"]) { node in node.api = .example() } }),
        ("static", { page(environment: ["SOURCE": "static", "MAX_SOURCE": "250W"]) { _ in } }),
        ("floor", { page(environment: ["MAX_SOURCE": "30W", "PMAX_FUNC": "max", "RAPL_LIMIT": "20%"]) { _ in } }),
        (
            "unknown",
            {
                page { node in
                    node.power = [:]
                    node.disabled = [0]
                    node.run(minutes: 1)
                    node.power = [:]
                }
            }
        ),
        (
            "hostile",
            {
                page { node in
                    node.api = .example(node: hostile, troubles: [hostile, String(repeating: "w", count: 300)])
                    node.order(.limit(.watts(100)), minutes: 60, because: hostile)
                    node.helper.problem = hostile
                    node.wishes.rejected = [Wishes.Rejection(name: "powercap.dev/limit", value: hostile, sentence: hostile)]
                }
            }
        ),
    ]

    static func page(
        devices: Int = 2, environment: [String: String] = [:], _ change: (inout ExampleNode) -> Void
    ) -> [UInt8] {
        var node = ExampleNode(devices: devices, environment: ExampleNode.solar.merging(environment) { $1 })
        node.runADay()
        change(&node)
        return powercap_controller.page(node.state(), node.history)
    }
}

extension ProcessTimeZone {
    struct ExamplePagesTests {
        /// For browsers: `Tests/page/run` looks at them.
        @Test(
            "example pages are written where POWERCAP_PAGES says, with what a browser is told beside them",
            .enabled(if: ProcessInfo.processInfo.environment["POWERCAP_PAGES"] != nil, "only Tests/page/run asks for them"))
        func write() throws {
            Clock.setTimeZone("Europe/Berlin")
            let place = URL(filePath: try #require(ProcessInfo.processInfo.environment["POWERCAP_PAGES"]))
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            for (name, page) in ExamplePages.all { try Data(page()).write(to: place.appending(path: "\(name).html")) }
            try Data(contentSecurityPolicy().utf8).write(to: place.appending(path: "policy"))
        }
    }
}
