internal import HTTP
internal import JSON
internal import PowercapProtocol

/// What Redfish says of power limits: the resource EnvironmentMetrics, whose PowerLimitWatts is an excerpt of a Control (DMTF DSP2046;
/// EnvironmentMetrics from v1.1 on, in watts). docs/devices.md has the members that count here.
enum Redfish {
    static let step = Microwatts(1_000_000)
    /// How a control keeps to its set point (DSP2046, ControlMode).
    fileprivate static let modes = ["Automatic", "Override", "Manual", "Disabled"]

    /// A number of watts; nil where it is no number, a negative one, or more than any server draws.
    static func power(_ value: JSON?) -> Microwatts? {
        guard case .number(let text)? = value, let watts = Double(text), watts >= 0, watts <= 1_000_000 else { return nil }
        return Microwatts(UInt64((watts * 1_000_000).rounded()))
    }

    /// The same, but 0 is nobody's bound.
    static func bound(_ value: JSON?) -> Microwatts? { power(value).flatMap { $0 > .zero ? $0 : nil } }

    /// What a PowerLimitWatts says is in force.
    static func limit(_ excerpt: JSON) -> ServedLimit {
        if excerpt["ControlMode"]?.text == "Disabled" { return .off }
        return bound(excerpt["SetPoint"]).map { .set($0) } ?? .unknown
    }

    /// A resource's path, as a service links to it: within the service alone.
    static func path(_ link: JSON?) -> String? {
        guard let path = link?["@odata.id"]?.text, path.hasPrefix(DeviceAddress.redfishRoot), path.utf8.count <= 400,
            path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"?#%\\\"<>".utf8.contains($0) }), !path.contains("..")
        else { return nil }
        return path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// Which devices there are, from a resource on: EnvironmentMetrics itself, what links to one (a processor, a chassis), a collection of
    /// those, or a system, of which the processors count.
    struct Look: DeviceTalk {
        private(set) var turn: DeviceTurn<DeviceFindings>
        private var left: [String]
        private var seen: Set<String>
        private let known: Set<String>
        private var findings = DeviceFindings()

        /// A full rack of GPUs has 72. A service that links on and on is left at this.
        static let mostResources = 160

        /// - Parameter known: devices that were found before: only those are looked at again.
        init(from path: String, known: [String] = []) {
            (left, seen, self.known) = (known.isEmpty ? [path] : known, known.isEmpty ? [path] : Set(known), Set(known))
            turn = .ask(DeviceRequest(path: left[0]))
        }

        mutating func take(_ answer: DeviceAnswer?) {
            guard let answer else { return }
            let path = left.removeFirst()
            do throws(DeviceProblem) {
                if answer.status != 200 { throw DeviceProblem(answer) }
                try read(try answer.document(), at: path)
            } catch {
                // One device that can't be read is no reason not to look at the others; nor is one that is gone.
                guard known.contains(path) || seen.count > 1 else { return turn = .failed(error) }
                if case .denied = error { return turn = .failed(error) }
                if case .absent = error {} else if known.contains(path) { findings.unread[path] = error }
            }
            turn = left.isEmpty ? .done(findings) : .ask(DeviceRequest(path: left[0]))
        }

        private mutating func read(_ document: JSON, at path: String) throws(DeviceProblem) {
            if let device = FoundDevice(metrics: document, at: path) { return findings.devices.append(device) }
            let isOther = document["ProcessorType"]?.text.map { !["GPU", "Accelerator"].contains($0) } ?? false
            if isOther { return }
            let links: [JSON?]
            if let metrics = document["EnvironmentMetrics"] {
                links = [metrics]
            } else if let members = document["Members"]?.elements {
                links = members
            } else if let processors = document["Processors"] {
                links = [processors]
            } else if path == left.first || seen.count == 1 {
                throw .garbled("\(path) has no EnvironmentMetrics, no Members and no Processors")
            } else {
                return
            }
            for next in links.compactMap(Redfish.path) where seen.count < Look.mostResources && seen.insert(next).inserted {
                left.append(next)
            }
        }
    }

    /// Sets a device's limit, and reads what is in force then.
    struct Write: DeviceTalk {
        private let path: String
        private let wanted: ServedLimit
        private let mode: String?
        private(set) var turn: DeviceTurn<ServedLimit>
        private var step = Step.read
        private var conflicts = 0

        private enum Step: Equatable {
            /// The resource, for its tag and its mode.
            case read
            case change
            /// The place where the service says whether it is done.
            case task(String)
            case readBack
        }

        /// Somebody else may change the same resource now and then, not each time.
        private static let mostConflicts = 3
        /// Between two looks at a task, where the service doesn't say.
        private static let look_ms: UInt64 = 500

        /// - Parameters:
        ///   - wanted: a limit, of which in force are whole watts, or none.
        ///   - mode: the ControlMode that goes with it, where an original is put back; nil leaves it, but for one that enforces nothing.
        init(_ wanted: ServedLimit, mode: String? = nil, for path: String) {
            (self.path, self.wanted, self.mode) = (path, wanted, mode)
            turn = .ask(DeviceRequest(path: path))
        }

        mutating func take(_ answer: DeviceAnswer?) {
            guard let answer else {
                if case .task(let place) = step { turn = .ask(DeviceRequest(path: place)) }
                return
            }
            do throws(DeviceProblem) { try go(on: answer) } catch { turn = .failed(error) }
        }

        private mutating func go(on answer: DeviceAnswer) throws(DeviceProblem) {
            switch step {
            case .read:
                if answer.status != 200 { throw DeviceProblem(answer) }
                let document = try answer.document()
                guard let excerpt = document["PowerLimitWatts"], excerpt.members != nil else { throw .absent(status: 404) }
                step = .change
                turn = .ask(
                    DeviceRequest(
                        method: .patch, path: path, body: ["PowerLimitWatts": change(of: excerpt)],
                        tag: answer.tag ?? document["@odata.etag"]?.text))
            case .change:
                switch answer.status {
                case 200, 204: readBack()
                case 202: try follow(answer)
                case 412 where conflicts + 1 < Write.mostConflicts:
                    conflicts += 1
                    step = .read
                    turn = .ask(DeviceRequest(path: path))
                default: throw DeviceProblem(answer)
                }
            case .task: try look(answer)
            case .readBack:
                if answer.status != 200 { throw .garbled("the limit can't be read back: HTTP \(answer.status)") }
                let limit = (try answer.document())["PowerLimitWatts"].map(Redfish.limit) ?? .unknown
                if limit == .unknown { throw .garbled("the limit can't be read back") }
                turn = .done(limit)
            }
        }

        private func change(of excerpt: JSON) -> JSON {
            var members: [JSON.Member] = []
            if case .set(let limit) = wanted {
                members.append(JSON.Member("SetPoint", .number("\(limit.rawValue / Redfish.step.rawValue)")))
            }
            // "Automatic" is what makes a service keep to the set point (DSP2046, ControlMode).
            let isOff = excerpt["ControlMode"]?.text == "Disabled"
            if let mode = wanted == .off ? "Disabled" : mode ?? (isOff ? "Automatic" : nil), excerpt["ControlMode"]?.text != mode
            {
                members.append(JSON.Member("ControlMode", .text(mode)))
            }
            return .object(members)
        }

        private mutating func readBack() {
            step = .readBack
            turn = .ask(DeviceRequest(path: path))
        }

        /// DSP0266, section 12.2: the place of a task's monitor is in Location, the task itself in the body.
        private mutating func follow(_ answer: DeviceAnswer) throws(DeviceProblem) {
            let own = try? answer.document()
            guard
                let place = answer.location.flatMap(Write.path) ?? own?["TaskMonitor"]?.text.flatMap(Write.path)
                    ?? Redfish.path(own)
            else { throw .garbled("it accepted the limit (HTTP 202) without saying where its task is") }
            step = .task(place)
            turn = .wait(Write.pause(answer))
        }

        private static func path(_ location: String) -> String? {
            let place = location.hasPrefix("/") ? location : String(location.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" })
            return Redfish.path(["@odata.id": .text(place)])
        }

        /// In milliseconds.
        private static func pause(_ answer: DeviceAnswer) -> UInt64 {
            answer.retryAfter_s > 0 ? UInt64(min(answer.retryAfter_s, 10)) * 1_000 : look_ms
        }

        private mutating func look(_ answer: DeviceAnswer) throws(DeviceProblem) {
            switch answer.status {
            case 202: turn = .wait(Write.pause(answer))
            case 200, 201, 204:
                switch (try? answer.document())?["TaskState"]?.text {
                // The answer of the request itself, or none: it is done.
                case nil, "Completed": readBack()
                case "New", "Starting", "Running", "Pending", "Service", "Stopping", "Cancelling", "Suspended", "Interrupted":
                    turn = .wait(Write.pause(answer))
                case let state?:
                    let words = (try? answer.document())?["Messages"]?.elements?.first?["Message"]?.text
                    throw .refused(status: answer.status, words: words ?? "its task ended as \(state)")
                }
            // A task that is gone was done and forgotten: what is in force says how it ended.
            case 404, 410: readBack()
            default: throw DeviceProblem(answer)
            }
        }
    }
}

extension FoundDevice {
    /// nil for a document that is no EnvironmentMetrics.
    fileprivate init?(metrics document: JSON, at path: String) {
        let isMetrics = document["@odata.type"]?.text?.hasPrefix("#EnvironmentMetrics.") == true
        let excerpt = document["PowerLimitWatts"].flatMap { $0.members == nil ? nil : $0 }
        guard isMetrics || excerpt != nil else { return nil }
        var identity = path.dropFirst(DeviceAddress.redfishRoot.count)
        if identity.hasSuffix("/EnvironmentMetrics") { identity = identity.dropLast("/EnvironmentMetrics".count) }
        let name = identity.split(separator: "/").last.map(String.init) ?? String(identity)
        // Nothing in the resource says what it is of. Processors are of a system; of the chassis those of GPUs have it in their names.
        let isProcessor = identity.contains("/Processors/") || name.uppercased().contains("GPU")
        self.init(
            kind: isProcessor ? .redfish : .redfishServer, handle: path, identity: String(identity), name: name,
            step: Redfish.step,
            isSettable: isProcessor && excerpt != nil, least: Redfish.bound(excerpt?["AllowableMin"]),
            most: Redfish.bound(excerpt?["AllowableMax"]), standard: Redfish.bound(excerpt?["DefaultSetPoint"]),
            limit: excerpt.map(Redfish.limit) ?? .unknown, power: Redfish.power(document["PowerWatts"]?["Reading"]),
            mode: excerpt?["ControlMode"]?.text.flatMap { Redfish.modes.contains($0) ? $0 : nil })
    }
}
