internal import LinuxSystem
internal import Logging
internal import PowercapProtocol

/// The devices behind DEVICE_URL's services: described, measured and limited as the helper does it with those of the kernel. What they had before
/// is saved before it is changed, and put back when control ends (docs/devices.md).
final class DeviceServices: DeviceBank {
    let services: [DeviceService]
    let file: DeviceFile
    /// Limits may be set.
    let isGoverned: Bool
    /// Nothing is asked for, and nothing is written: neither a limit nor the file.
    let isOnlyLookedAt: Bool
    /// The floor of a device whose service names none.
    let minPower: Microwatts
    let log: Log
    let epoll: Epoll
    /// In the order in which they were found: the zones' numbers.
    private(set) var ids: [(service: Int, id: String)] = []
    private(set) var saved: [SavedDevice] = []
    /// What was saved can't be read: then nothing may be set.
    let fileProblem: SavedFile.Problem?
    /// What there was before the first change, and what is put back, by the device's id.
    private(set) var originals: [String: (limit: ServedLimit, mode: String?)] = [:]
    /// What was last asked for, by the device's id.
    private(set) var requested: [String: Microwatts] = [:]
    /// What a service was last told to have wrong, by its number.
    private var told: [Int: String] = [:]
    private var toldWrites: [String: String] = [:]
    private static let userAgent = "powercap-controller/\(Release.version)"

    /// nil before control ends.
    var ending: Ending?
    private(set) var generation: UInt64 = 0

    /// - Parameters:
    ///   - isGoverned: whether limits may be set; without it everything is measured.
    ///   - isOnlyLookedAt: nothing is set and nothing saved, whatever is governed. What is wrong is in `states`, and not in the log.
    ///   - minPower: the floor of a device whose service names none.
    init(
        _ addresses: [DeviceAddress], _ access: DeviceAccess, file: DeviceFile, isGoverned: Bool, isOnlyLookedAt: Bool = false,
        minPower: Microwatts, log: Log
    ) throws(Errno) {
        (self.file, self.isGoverned, self.minPower, self.log) = (file, isGoverned, minPower, log)
        self.isOnlyLookedAt = isOnlyLookedAt
        var services: [DeviceService] = []
        let epoll = try Epoll()
        for address in addresses {
            let service = try DeviceService(address, access, userAgent: DeviceServices.userAgent)
            try epoll.add(service.descriptorNumber, token: 0)
            services.append(service)
        }
        (self.services, self.epoll) = (services, epoll)
        var problem: SavedFile.Problem?
        do throws(SavedFile.Problem) { saved = try file.read() } catch { problem = error }
        fileProblem = problem
        if isOnlyLookedAt { return }
        if let problem, isGoverned {
            log.error(
                "no limit of a device is set: the saved limits of devices \(problem.words)", ("file", .text(file.path)),
                ("to_do", .text("look at it, put the devices' limits back by hand and remove it")))
        }
        for device in saved where !addresses.contains(where: { $0.text == device.address }) {
            log.warning(
                "a device still has a limit of before, and its service isn't in DEVICE_URL: `powercap-controller cleanup` puts it back",
                ("device", .text(device.id)), ("service", .text(device.address)))
        }
    }

    func device(_ index: Int) -> ServedDevice? {
        guard ids.indices.contains(index) else { return nil }
        return services[ids[index].service].devices.first { $0.id == ids[index].id }
    }

    // MARK: Asking

    func apply(_ items: [ApplyItem]) throws(Failure) -> [AppliedItem] {
        if isOnlyLookedAt { throw Failure(.notWritable) }
        var wanted: [(device: ServedDevice, item: ApplyItem)] = []
        for (number, item) in items.enumerated() {
            func failure(_ code: ErrorCode) -> Failure { Failure(code, item: UInt16(number)) }
            guard let device = device(Int(item.zone)) else { throw failure(.unknownZone) }
            if item.constraint != 0 || device.found.kind == .redfishServer { throw failure(.unknownConstraint) }
            if device.isGone { throw failure(.zoneGone) }
            if wanted.contains(where: { $0.device.id == device.id }) { throw failure(.duplicateItem) }
            if item.window_us != nil { throw failure(.noTimeWindow) }
            if obstacle(device) != .none { throw failure(fileProblem == nil ? .notWritable : .stateUnreadable) }
            let range = range(device)
            if item.limit < range.floor { throw failure(.belowFloor) }
            if item.limit > range.ceiling { throw failure(.aboveCeiling) }
            wanted.append((device, item))
        }
        try save(wanted.map { ($0.device, $0.item.limit) })
        return wanted.map { device, item in
            let id = device.id
            requested[id] = item.limit
            let service = services[ids[Int(item.zone)].service]
            if let fallback = item.fallback { service.setFallback(fallback == .zero ? nil : fallback, of: id) }
            // It is so already, and nothing is on its way that would change it.
            if device.isAt(item.limit) { return AppliedItem(effective: item.limit, effectiveWindow_us: 0) }
            service.ask(ServedDevice.Wanted(limit: .set(item.limit)), of: id)
            let before = device.mayHold ?? range(device).ceiling
            return AppliedItem(effective: max(before, item.limit), effectiveWindow_us: 0, isPending: true)
        }
    }

    /// P6: before anything is sent it is on the disk what there was, and what is to be known as this program's doing.
    func save(_ wanted: [(device: ServedDevice, limit: Microwatts)]) throws(Failure) {
        var changed = saved
        for (device, limit) in wanted where !device.isAt(limit) {
            if !changed.contains(where: { $0.id == device.id }) {
                guard let original = originals[device.id] else { throw Failure(.readFailed) }
                changed.append(SavedDevice(id: device.id, address: device.address, original: original.limit, mode: original.mode))
            }
            for index in changed.indices where changed[index].id == device.id { changed[index].add(limit) }
        }
        if changed == saved { return }
        do throws(Errno) { try file.write(changed) } catch {
            log.error(
                "the limits of devices can't be saved: nothing is changed", ("file", .text(file.path)),
                ("why", .text("\(error.explanation) (\(error.name))")))
            throw Failure(.stateUnwritable, errno: UInt16(clamping: error.number))
        }
        saved = changed
    }

    // MARK: The loop

    var descriptorNumber: Int32? { epoll.number }

    var due_ns: UInt64 { services.map(\.due_ns).min() ?? .max }

    func step(_ now_ns: UInt64) -> Bool {
        var isChanged = false
        for (number, service) in services.enumerated() where service.step(now_ns) {
            isChanged = true
            take(service, number)
        }
        goOnEnding()
        return isChanged
    }

    /// Before the loop runs a start waits so long for services, and `--once` longer.
    static let startPatience_ms: Int32 = 3_000
    /// See `startPatience_ms`.
    static let oncePatience_ms: Int32 = 15_000

    /// Waits until each service has shown its devices, or why it can't.
    func find(patience_ms: Int32) {
        let end_ns = Clock.monotonic_ns + UInt64(patience_ms) * 1_000_000
        while services.contains(where: { $0.seen_ns == 0 && $0.problem == nil }), Clock.monotonic_ns < end_ns {
            _ = step(Clock.monotonic_ns)
            wait(until: end_ns)
        }
    }

    /// Until something has happened or is due.
    func wait(until end_ns: UInt64) {
        let now_ns = Clock.monotonic_ns
        let next_ns = max(now_ns, min(due_ns, end_ns))
        _ = try? epoll.wait(milliseconds: Int32((next_ns - now_ns + 999_999) / 1_000_000))
    }

    private func take(_ service: DeviceService, _ number: Int) {
        tell(service, number)
        let before = zones
        for device in service.devices {
            if !ids.contains(where: { $0.id == device.id }) { ids.append((number, device.id)) }
            learnOriginal(of: device)
        }
        for outcome in service.takeOutcomes() { note(outcome) }
        if before != zones { generation += 1 }
    }

    /// With the first look that shows a limit. What a predecessor left is its doing, and its original is what he found.
    private func learnOriginal(of device: ServedDevice) {
        guard originals[device.id] == nil, device.limit != .unknown else { return }
        guard let former = saved.first(where: { $0.id == device.id }) else {
            originals[device.id] = (device.limit, device.found.mode)
            return
        }
        switch former.owner(of: device.limit, step: device.found.step) {
        case .own:
            originals[device.id] = (former.original, former.mode)
            if isOnlyLookedAt { return }
            log.info("the limit of a former controller is taken over", ("device", .text(device.id)))
        // It stays saved: what a killed controller had sent may be done by the service after this.
        case .nobody: originals[device.id] = (former.original, former.mode)
        case .other, .unknown:
            // Another party has set one since: that is what is found.
            originals[device.id] = (device.limit, device.found.mode)
            // At the end of control that is told there, as what became of it.
            if ending != nil || isOnlyLookedAt { return }
            log.warning("another party has set a device's limit since a former controller did", ("device", .text(device.id)))
            forget(device.id)
        }
    }

    func forget(_ id: String) {
        guard saved.contains(where: { $0.id == id }) else { return }
        saved.removeAll { $0.id == id }
        do throws(Errno) { try file.write(saved) } catch {
            log.warning(
                "the file of devices' limits can't be renewed", ("file", .text(file.path)), ("why", .text(error.explanation)))
        }
    }

    private func note(_ outcome: DeviceService.Outcome) {
        switch outcome.result {
        case .success(let limit):
            toldWrites[outcome.device] = nil
            // What a device made of it is this program's doing, too.
            if let power = limit.power, let index = saved.firstIndex(where: { $0.id == outcome.device }),
                !saved[index].own.contains(power)
            {
                saved[index].add(power)
                try? file.write(saved)
            }
        case .failure(let problem):
            if toldWrites.updateValue(problem.kind, forKey: outcome.device) == problem.kind { return }
            log.error(
                "a device's limit could not be set", ("device", .text(outcome.device)),
                ("asked_uw", .power(outcome.wanted.limit.power)),
                ("why", .text(problem.words)))
        }
    }

    /// Once for each problem, and once when it is over.
    private func tell(_ service: DeviceService, _ number: Int) {
        if isOnlyLookedAt { return }
        if let problem = service.problem {
            if told.updateValue(problem.kind, forKey: number) == problem.kind { return }
            log.warning(
                "a service with devices can't be asked: their limits stay as they are", ("service", .text(service.address.text)),
                ("why", .text(problem.words)))
        } else if service.seen_ns > 0, told.updateValue("", forKey: number) != "" {
            log.info(
                "a service with devices answers", ("service", .text(service.address.text)),
                ("devices", .number(UInt64(service.devices.count { !$0.isGone }))))
        }
    }

    var states: [DeviceServiceState] {
        services.map { service in
            DeviceServiceState(
                url: service.address.text, devices: service.devices.count { !$0.isGone },
                answered_ns: service.seen_ns == 0 ? nil : service.seen_ns, problem: service.problem?.words)
        }
    }
}
