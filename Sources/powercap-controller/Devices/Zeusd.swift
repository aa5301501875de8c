internal import HTTP
internal import JSON
internal import PowercapProtocol

/// The Zeus daemon's interface, as its releases from 0.5 on have it (ml-energy/zeus: zeusd/README.md, "HTTP API reference"; docs/devices.md).
/// Powers are milliwatts. What it reads as a limit is NVML's requested one (nvmlDeviceGetPowerManagementLimit).
enum Zeusd {
    static let step = Microwatts(1_000)
    /// More GPUs than any machine has.
    private static let mostDevices = 64

    /// A member of an object of milliwatts; nil where it is no number, or one that no GPU has.
    static func power(_ value: JSON?) -> Microwatts? {
        guard let milliwatts = value?.integer, milliwatts <= 100_000_000 else { return nil }
        return Microwatts(milliwatts * 1_000)
    }

    /// A limit of 0 mW is none that a GPU can have.
    static func limit(_ value: JSON?) -> ServedLimit {
        power(value).flatMap { $0 > .zero ? .set($0) : nil } ?? .unknown
    }

    /// Which GPUs there are, and what is so of each.
    struct Look: DeviceTalk {
        private(set) var turn = DeviceTurn<DeviceFindings>.ask(DeviceRequest(path: "/discover"))
        private var devices: [FoundDevice] = []
        private var step = Step.discover

        private enum Step { case discover, ranges, limits, powers }

        mutating func take(_ answer: DeviceAnswer?) {
            guard let answer else { return }
            do throws(DeviceProblem) { try go(on: answer) } catch { turn = .failed(error) }
        }

        private mutating func go(on answer: DeviceAnswer) throws(DeviceProblem) {
            switch step {
            case .discover:
                if answer.status != 200 { throw DeviceProblem(answer) }
                try discover(try answer.document())
                next(.ranges, "/gpu/get_power_limit_constraints")
                if devices.isEmpty { turn = .done(DeviceFindings()) }
            case .ranges:
                let ranges = try document(answer)
                each { device in
                    let own = ranges?[device.handle]
                    (device.least, device.most) = (power(own?["min_power_limit_mw"]), power(own?["max_power_limit_mw"]))
                }
                next(.limits, "/gpu/get_power_limit")
            case .limits:
                // A release that doesn't say what is in force is none that limits can be given to.
                let limits = try document(answer)
                each { device in
                    device.limit = Zeusd.limit(limits?[device.handle]?["power_limit_mw"])
                    if limits == nil { device.isSettable = false }
                }
                next(.powers, "/gpu/get_power")
            case .powers:
                let powers = try document(answer)?["power_mw"]
                each { $0.power = power(powers?[$0.handle]) }
                turn = .done(DeviceFindings(devices: devices))
            }
        }

        private mutating func next(_ step: Step, _ path: String) {
            self.step = step
            turn = .ask(DeviceRequest(path: path))
        }

        private mutating func each(_ change: (inout FoundDevice) -> Void) {
            for index in devices.indices { change(&devices[index]) }
        }

        /// nil where the release, or what was enabled of it, doesn't have it; a failure of the driver's is one of a reading.
        private func document(_ answer: DeviceAnswer) throws(DeviceProblem) -> JSON? {
            switch answer.status {
            case 200: return try answer.document()
            case 400, 404, 405: return nil
            default: throw DeviceProblem(answer)
            }
        }

        private mutating func discover(_ document: JSON) throws(DeviceProblem) {
            let listed: [(id: UInt64?, address: String?)]
            if let gpus = document["gpus"]?.elements {
                listed = gpus.map { ($0["id"]?.integer, $0["pci_address"]?.text) }
            } else if let ids = document["gpu_ids"]?.elements {
                listed = ids.map { ($0.integer, nil) }
            } else {
                throw .garbled("/discover has neither gpus nor gpu_ids")
            }
            let groups = document["enabled_api_groups"]?.elements?.compactMap(\.text)
            let isControlled = groups?.contains("gpu-control") ?? true
            for (id, address) in listed.prefix(Zeusd.mostDevices) {
                guard let id, !devices.contains(where: { $0.handle == "\(id)" }) else { continue }
                let name = address.flatMap { $0.isEmpty ? nil : $0 } ?? "gpu-\(id)"
                devices.append(
                    FoundDevice(
                        kind: .zeusd, handle: "\(id)", identity: name, name: name, step: Zeusd.step, isSettable: isControlled,
                        limit: .unknown))
            }
        }
    }

    /// Sets a GPU's limit, and reads what is in force then.
    struct Write: DeviceTalk {
        private let device: String
        private(set) var turn: DeviceTurn<ServedLimit>
        private var isWritten = false

        /// - Parameter limit: in force are whole milliwatts; what is left over is rounded down.
        init(_ limit: Microwatts, for device: String) {
            self.device = device
            // The answer waits for the driver (block=true): without it a limit that the driver refuses is answered with success.
            let path = "/gpu/set_power_limit?gpu_ids=\(device)&power_limit_mw=\(limit.rawValue / 1_000)&block=true"
            turn = .ask(DeviceRequest(method: .post, path: path))
        }

        mutating func take(_ answer: DeviceAnswer?) {
            guard let answer else { return }
            if answer.status != 200 {
                turn = .failed(
                    isWritten ? .garbled("the limit can't be read back: HTTP \(answer.status)") : DeviceProblem(answer))
            } else if isWritten {
                let limit = (try? answer.document()).map { Zeusd.limit($0[device]?["power_limit_mw"]) } ?? .unknown
                turn = limit == .unknown ? .failed(.garbled("the limit can't be read back")) : .done(limit)
            } else {
                isWritten = true
                turn = .ask(DeviceRequest(path: "/gpu/get_power_limit?gpu_ids=\(device)"))
            }
        }
    }
}
