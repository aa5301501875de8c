import Foundation
import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing

@testable import Policy
@testable import powercap_controller

extension ProcessTimeZone {
    struct PageTests {
        private static func text(_ name: String) -> String {
            Clock.setTimeZone("Europe/Berlin")
            return String(decoding: ExamplePages.all.first { $0.name == name }!.page(), as: UTF8.self)
        }

        private static func text(_ node: ExampleNode, hasControl: Bool = true) -> String {
            String(decoding: page(node.state(hasControl: hasControl), node.history), as: UTF8.self)
        }

        @Test("the hashes that a browser is told are those of the page's style and script")
        func hashes() throws {
            #expect(sha256(Array("abc".utf8)).prefix(4) == [0xba, 0x78, 0x16, 0xbf])
            let page = Self.text("nothing")
            for (tag, hash) in [("style", pageStyleHash), ("script", pageScriptHash)] {
                let begin = try #require(page.range(of: "<\(tag)>")).upperBound
                let end = try #require(page.range(of: "</\(tag)>")).lowerBound
                let found = Data(sha256(Array(page[begin..<end].utf8))).base64EncodedString()
                #expect(found == hash, "\(tag)")
                #expect(page.ranges(of: "<\(tag)").count == 1)
                #expect(contentSecurityPolicy().contains("\(tag)-src 'sha256-\(found)';"))
            }
        }

        @Test("a browser may load, send and run nothing but what is in the page")
        func policy() {
            let rules = contentSecurityPolicy().components(separatedBy: "; ").map { $0.prefix { $0 != " " } }
            #expect(
                rules == [
                    "default-src", "style-src", "script-src", "connect-src", "base-uri", "form-action", "frame-ancestors",
                ])
            #expect(!contentSecurityPolicy().contains("unsafe"))
            for name in ExamplePages.all.map(\.name) {
                let page = Self.text(name)
                #expect(!page.contains(#/\sstyle=|\son[a-z]+=|javascript:|<form|<button|<input|<a |<img|<link|src=/#), "\(name)")
            }
        }

        @Test("a page of two packages has at most 40 kB, and one of eight has no more")
        func size() {
            for (name, page) in ExamplePages.all { #expect(page().count <= 40_000, "\(name)") }
        }

        @Test("the page of a node that is limited is the golden one, but for style, script and paths")
        func golden() throws {
            try Fixture.expect(
                Self.text("ordered").replacing(#/(?s)<(style|script)>.*?<\/(style|script)>/#) { "<\($0.output.1)>" }
                    .replacing(#/ d="[^"]*"/#, with: " d=").replacing("<", with: "\n<") + "\n",
                isGolden: "page/ordered.html")
        }

        @Test("the title and the first heading are the node's answer, and so is what comes of it in words")
        func answer() {
            var node = ExampleNode()
            node.run(minutes: 30)
            let explanation = node.state().explanation
            let page = Self.text(node)
            #expect(page.contains("<title>\(explanation.answer) this node, powercap</title>"))
            #expect(page.contains("<h1>\(explanation.answer)</h1>"))
            for sentence in explanation.because + explanation.next { #expect(page.contains("<li>\(sentence)"), "\(sentence)") }
        }

        /// What has to be said of a state, wherever it stands.
        private static let sayings: [(String, [String])] = [
            (
                "managed",
                [
                    "managed, PowerCapped is True: LimitInForce", "None: the limit follows the source.", "<td class=ok>as asked",
                    "node-a",
                ]
            ),
            (
                "ordered",
                [
                    "operator, uid 1000", "at most 120 W", "<bdi>אחזקה: החלפת ספק כוח 2</bdi>", "limit without overrides",
                    "limit as it stands", "18:20:00",
                ]
            ),
            ("held-lower", ["HeldLower", "<td class=bad>intel-rapl-mmio holds it at 45 W", "<small>by intel-rapl-mmio</small>"]),
            ("locked", ["<td class=bad>locked: its driver refuses every limit"]),
            (
                "paused",
                [
                    "<p class=\"state ok\">paused",
                    "<th scope=row>paused<td>taken back<td>operator, uid 1000<td><bdi>measuring</bdi>",
                ]
            ),
            (
                "uncontrolled",
                [
                    "uncontrolled, PowerCapped is Unknown: NoControl", "the helper is not running", "none: there is no control",
                    "Without control nothing is known of the packages", "No control since 15:20.", "<h3>package-0</h3>",
                ]
            ),
            (
                "gaps",
                [
                    "No control from 06:28 to 08:02, and from 11:22 to 11:52.", "Nothing is kept of before 01:26",
                    "forbidden (403)",
                ]
            ),
            ("nothing", ["Nothing is kept yet", "Not known without control.", "<dd>nothing yet</dd>"]),
            ("floor", ["FloorsExceedSource", "source, for each package"]),
            (
                "unknown",
                [
                    "<dt>drawn</dt><dd>unknown</dd>", "<td>unknown", "ZoneDisabled",
                    "disabled: its limits are not enforced",
                ]
            ),
            (
                "hostile",
                [
                    "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\\u{1b}[31m\\u{202e}&lt;/td&gt;\\n",
                    "<td class=bad><bdi>&lt;script&gt;", "OverrideRejected",
                ]
            ),
        ]

        @Test("each state is said in words", arguments: sayings.indices)
        func said(_ index: Int) {
            let (name, sayings) = Self.sayings[index]
            let page = Self.text(name)
            for words in sayings { #expect(page.contains(words), "\(name): \(words)") }
        }

        @Test("nothing from outside becomes markup, an attribute or a control character")
        func escaped() {
            let page = Self.text("hostile")
            #expect(page.ranges(of: "<script").count == 1)
            #expect(!page.contains("alert(1)</"))
            #expect(
                page.unicodeScalars.allSatisfy {
                    $0 == "\n" || $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) && $0.value != 0x202E
                })
        }

        @Test("every text that a program can give is said somewhere: options with their origin, the lease, the sandbox, requests")
        func details() {
            let page = Self.text("managed")
            // What nobody set is named, each once.
            let unset = page.firstMatch(of: /<p>Not set: ([A-Z_, ]+)\.<\/p>/)?.1.split(separator: ", ") ?? []
            for option in Option.all {
                let isSet = page.contains("<code>\(option.variable)</code>")
                #expect(isSet != unset.contains { $0 == option.variable }, "\(option.variable)")
            }
            #expect(unset.contains("SOURCE_URL") && !unset.contains("MAX_SOURCE"))
            #expect(page.contains("<code>360W</code><td>environment"))
            for words in [
                "30 s, 21 s left", "<dd>complete</dd>", "<th scope=row>PATCH<td>200<td>288", "accepted",
                "<dd>somebody else listens there</dd>",
            ] {
                #expect(page.contains(words), "\(words)")
            }
        }

        @Test("a source that gives far more than is ever taken leaves the rest to be seen")
        func farAbove() {
            var node = ExampleNode(environment: ["SOURCE": "static", "MAX_SOURCE": "90000W", "SAMPLE_INTERVAL": "60s"])
            node.run(minutes: 30)
            let page = Self.text(node)
            #expect(page.contains(">600 W</text>"))
            #expect(page.contains("source 90 kW"))
        }

        @Test("the Node's overrides are shown with their annotation, and with their end where one is known")
        func annotations() {
            Clock.setTimeZone("Europe/Berlin")
            var node = ExampleNode()
            node.run(minutes: 5)
            node.wishes.node = Overrides(paused: true, limit: .watts(90), maxSource: .watts(300), minPower: .watts(20))
            node.wishes.later = [
                Wishes.Later(at: node.now + 600, node: Overrides(paused: true, maxSource: .watts(300), minPower: .watts(20)))
            ]
            let page = Self.text(node)
            for words in [
                "<th scope=row>at most 90 W<td>15:35:00<td>the Node<td><code>powercap.dev/limit</code>",
                "<th scope=row>paused<td>taken back<td>the Node<td><code>powercap.dev/paused</code>",
                "<th scope=row>a source&#39;s peak of 300 W<td>taken back",
                "<th scope=row>at least 20 W for each package<td>taken back",
            ] { #expect(page.contains(words), "\(words)") }
        }

        @Test("a demonstration has no plan of a day")
        func demonstration() {
            var node = ExampleNode(environment: ["SOURCE": "demo", "MAX_SOURCE": "300W", "SAMPLE_INTERVAL": "60s"])
            node.run(minutes: 3)
            #expect(Self.text(node).contains("there is no plan of a real one"))
        }

        @Test(
            "hours are those on the wall, also on the day on which the clocks change",
            arguments: ["Europe/Berlin", "Asia/Kathmandu"])
        func hours(_ zone: String) throws {
            Clock.setTimeZone(zone)
            // 14:40 in Berlin on the day on which its clocks went forward.
            var node = ExampleNode(
                environment: ["SOURCE": "static", "SAMPLE_INTERVAL": "60s", "TIMEZONE": zone], ending: 1_774_788_000)
            node.runADay()
            let view = HistoryView(node.history, seenFrom: node.state(), of: 240)
            #expect(view.time.ticks.allSatisfy { $0.local.minute == 0 && $0.local.hour % 3 == 0 })
            #expect(view.time.ticks.count >= 7)
            #expect(view.hours.count == 24)
            #expect(view.hours.allSatisfy { $0.from.local.minute == 0 && $0.inForce != nil && $0.drawn != nil })
            let hours = view.hours.map(\.from.local.hour)
            #expect(hours.contains(2) == (zone != "Europe/Berlin"))
        }

        @Test("the plan from now on is what the next change says, and ends where orders end")
        func planned() throws {
            Clock.setTimeZone("Europe/Berlin")
            var node = ExampleNode(environment: [
                "SOURCE": "static", "MAX_SOURCE": "250W", "SAMPLE_INTERVAL": "60s", "TIMEZONE": "Europe/Berlin",
            ])
            node.run(minutes: 10)
            node.order(.limit(.watts(100)), minutes: 100, because: "")
            let state = node.state()
            let day = PlannedDay(state, node.limits.devices)
            let change = try #require(state.nextChange)
            #expect(change.nodeLimit == .watts(250))
            let standing = day.lines[2].values
            let first = try #require(standing.firstIndex { $0 == .watts(250) })
            #expect(standing[..<first].compactMap { $0 }.allSatisfy { $0 == .watts(100) })
            #expect(standing[first...].allSatisfy { $0 == .watts(250) })
            #expect(abs(Int64(first) * 600 - (change.at - day.plan.startSeconds)) < 600)
            #expect(day.lines[1].values.allSatisfy { $0 == .watts(250) })
            node.wishes = Wishes()
            #expect(PlannedDay(node.state(), node.limits.devices).lines.map(\.name) == ["source", "limit"])
        }
    }
}

struct PlotTests {
    private func steps(_ heights: [Int?], isStepped: Bool, bottom: Int? = nil) -> [PlotPath.Step] {
        PlotPath(
            heights, edges: Array(stride(from: 0, through: heights.count * 10, by: 10)), isStepped: isStepped, bottom: bottom
        ).steps
    }

    @Test("a path is as short as it can be, and has a gap where nothing is known")
    func paths() {
        #expect(steps([5, 5, 5], isStepped: true) == [.move(0, 5), .horizontal(30)])
        #expect(steps([5, 7, 7], isStepped: true) == [.move(0, 5), .horizontal(10), .vertical(2), .horizontal(20)])
        #expect(steps([5, 7, 7], isStepped: false) == [.move(0, 5), .line(10, 2), .horizontal(20)])
        #expect(steps([nil, 5, nil, nil, 6], isStepped: true) == [.move(10, 5), .horizontal(10), .move(40, 6), .horizontal(10)])
        #expect(steps([nil, nil], isStepped: true).isEmpty)
        #expect(
            steps([5, nil, 7], isStepped: false, bottom: 90) == [
                .move(0, 90), .vertical(-85), .horizontal(10), .vertical(85), .move(20, 90), .vertical(-83), .horizontal(10),
                .vertical(83),
            ])
    }

    @Test(
        "labels are moved apart, and stay in the plot where there is room",
        arguments: [
            ([10, 50], [10, 50]), ([10, 12], [10, 26]), ([100, 100, 100], [68, 84, 100]), ([0, 0], [2, 18]),
            ([50, 40], [56, 40]),
        ])
    func labels(_ wanted: [Int], _ expected: [Int]) {
        #expect(spread(wanted, apart: 16, within: 2...100) == expected)
    }

    @Test(
        "a power is said about as exactly as it is measured",
        arguments: [
            (0, "0 W"), (49_999, "0 W"), (83_123_456, "83.1 W"), (99_950_000, "100 W"), (9_999_949_999, "9999.9 W"),
            (12_345_678_901, "12.35 kW"),
        ])
    func roughly(_ power: UInt64, _ words: String) {
        #expect(Microwatts(power).roughly == words)
    }
}
