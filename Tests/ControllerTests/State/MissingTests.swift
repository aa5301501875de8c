import LinuxSystem
import PowercapProtocol
import TestSupport
import Testing
import Text

@testable import JSON
@testable import Metrics
@testable import Policy
@testable import powercap_controller

extension ProcessTimeZone {
    /// What GOVERN names and isn't here, and services that can't be asked, wherever somebody may look.
    struct MissingTests {
        init() { Clock.setTimeZone("UTC") }

        private func scene(_ govern: String = "intel-rapl,gpu", _ change: (inout Scene) -> Void = { _ in }) -> NodeState {
            var scene = Scene()
            scene.environment = ["GOVERN": govern]
            change(&scene)
            return scene.state
        }

        /// However long its lines are.
        private func table(_ state: NodeState) throws -> String {
            var output = Output()
            StatusTable(try JSON(state.json.bytes, within: .document)).write(to: &output)
            return String(decoding: output.bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }

        private func values(_ name: String, _ state: NodeState) -> [[String]: Value] {
            let metric = Metric.all.first { $0.family.name == "powercap_\(name)" }
            return Dictionary(uniqueKeysWithValues: metric?.samples(Scrape(state)).map { ($0.labels, $0.value) } ?? [])
        }

        @Test(
            "what GOVERN names and isn't here is told in condition, explain, status, /status and a metric, and nothing of it where all is here"
        )
        func missing() throws {
            let state = scene()
            #expect(state.condition.status == .yes && state.condition.reason == "GovernedMissing")
            #expect(state.condition.message == "Limits are in force; GOVERN names gpu, and no such device is here")
            #expect(state.explanation.because.contains("GOVERN names gpu, and no such device is here."))
            #expect(state.json["node"]?["missing"] == .list([.text("gpu")]))
            #expect(try table(state).contains("missing gpu: named in GOVERN, and no such device is here"))
            #expect(values("govern_missing", state) == [["intel-rapl"]: .flag(false), ["gpu"]: .flag(true)])

            let whole = scene { $0.gpu = 90 }
            #expect(whole.condition.reason == "LimitInForce" && whole.condition.message == "Limits are in force")
            #expect(whole.json["node"]?["missing"] == .list([]))
            #expect(try !table(whole).contains("named in GOVERN"))
            #expect(values("govern_missing", whole) == [["intel-rapl"]: .flag(false), ["gpu"]: .flag(false)])
            #expect(!whole.explanation.because.contains { $0.contains("GOVERN") })
        }

        @Test("several words are one clause; what is wrong with devices that are here comes first")
        func together() {
            let several = scene("intel-rapl,amd_hsmp,gpu").condition
            #expect(several.message == "Limits are in force; GOVERN names amd_hsmp, gpu, and no such device is here")
            let locked = scene { $0.locked = 1 }.condition
            #expect(locked.reason == "LimitInForce", "\(locked)")
            #expect(locked.message.hasSuffix("locked by firmware: package-1; GOVERN names gpu, and no such device is here"))
            let disabled = scene { $0.disabled = 1 }.condition
            #expect(disabled.reason == "ZoneDisabled" && !disabled.message.contains("GOVERN"))
            let nothing = scene("gpu").condition
            #expect(nothing.status == .no && nothing.reason == "NothingToLimit")
            #expect(
                nothing.message
                    == "Nothing that is governed on this node has a power limit; GOVERN names gpu, and no such device is here")
        }

        @Test("without control nobody knows what is here: null, and no sample")
        func uncontrolled() {
            let state = scene { $0.hasControl = false }
            #expect(state.json["node"]?["missing"] == .null)
            #expect(values("govern_missing", state).isEmpty)
            #expect(state.condition == .noControl)
        }

        private static let services = [
            DeviceServiceState(url: "unix:/z.sock", devices: 2, answered_ns: 999_940_000_000_000, problem: "it doesn't answer"),
            DeviceServiceState(url: "https://bmc/redfish/v1", devices: 1, answered_ns: 999_998_000_000_000, problem: nil),
            DeviceServiceState(url: "http://127.0.0.1:1", devices: 0, answered_ns: nil, problem: "it can't be reached: refused"),
        ]

        @Test("how it stands with each service is in explain, status, /status, metrics and on the page")
        func services() throws {
            let state = scene("intel-rapl") { $0.services = Self.services }
            #expect(
                state.deviceSentences == [
                    "unix:/z.sock can't be asked, and its devices' limits stay as they are: it doesn't answer.",
                    "http://127.0.0.1:1 hasn't shown its devices yet: it can't be reached: refused.",
                ])
            #expect(state.deviceSentences.allSatisfy(state.explanation.because.contains))
            let text = try table(state)
            #expect(text.contains("service unix:/z.sock: 2 devices, it doesn't answer"))
            #expect(text.contains("service https://bmc/redfish/v1: 1 device, answers"))
            let up: [[String]: Value] = [
                ["unix:/z.sock"]: .flag(false), ["https://bmc/redfish/v1"]: .flag(true), ["http://127.0.0.1:1"]: .flag(false),
            ]
            #expect(values("device_service_up", state) == up)
            #expect(values("device_service_devices", state)[["unix:/z.sock"]] == .whole(2))
            // A minute ago, and never.
            let answers: [[String]: Value] = [
                ["unix:/z.sock"]: .timestamp(1_781_697_540), ["https://bmc/redfish/v1"]: .timestamp(1_781_697_598),
            ]
            #expect(values("device_service_answer_timestamp_seconds", state) == answers)
            let first: JSON = [
                "url": .text("unix:/z.sock"), "up": .flag(false), "devices": .number("2"),
                "answered": .text("2026-06-17T11:59:00+00:00"), "problem": .text("it doesn't answer"),
            ]
            #expect(state.json["services"]?.elements?.first == first)
            #expect(state.condition.reason == "LimitInForce", "limits are in force: it isn't the condition's")
            var html = HTML()
            html.writeDetails(state)
            let page = String(decoding: html.bytes, as: UTF8.self)
            #expect(page.contains("Services with devices") && page.contains("be reached: refused"))
            #expect(scene().services.isEmpty && scene().json["services"] == .list([]))
        }
    }
}
