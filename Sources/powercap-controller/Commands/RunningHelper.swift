internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// Why nothing can be planned for the running helper's machine.
enum NothingGoverned: Error {
    /// It can't be asked.
    case helper(HelperError)
    /// It has no packages.
    case none
    /// It has, and they have no limits.
    case onlyMeasured([String])
    /// It has nothing with a limit that GOVERN names.
    case nothingNamed(String)

    /// - Parameter zones: those of the helper, nothing with a limit among them that the policy governs.
    init(in zones: [Zone], _ policy: PowerPolicy) {
        if policy.govern != PowerPolicy().govern {
            self = .nothingNamed(policy.govern.words)
            return
        }
        let measured = zones.filter { $0.isPackage && $0.controlType == InForce.governed }
        self = measured.isEmpty ? .none : .onlyMeasured(measured.map(\.name))
    }

    /// Without a full stop.
    var sentence: String {
        switch self {
        case .helper(let error): error.sentence
        case .none:
            "the helper has no package zone of control type \(InForce.governed): there is nothing to limit on this machine"
        case .onlyMeasured(let names):
            "the helper only measures \(names.joined(separator: ", ")), without a long_term limit: there is nothing to limit on this machine"
        case .nothingNamed(let words):
            "nothing with a limit that GOVERN=\(words) names is on this machine: there is nothing to limit"
        }
    }
}

/// The machine's devices: those of the helper at `configuration.helperSocket` and, where DEVICE_URL names services, theirs. They are looked at,
/// and nothing is set.
struct Machine {
    let client: HelperClient
    /// Devices of services; nil where there are none.
    private let services: DeviceServices?

    init(_ settings: Settings, _ services: DeviceServices?) throws(HelperError) {
        client = try HelperClient(connecting: settings.configuration.helperSocket, isAskedAgain: true)
        self.services = services
    }

    func zones() throws(HelperError) -> HelperZones { try client.zones().joined(by: services) }
    func sample() throws(HelperError) -> HelperSample { try client.sample().joined(by: services) }

    /// The services of DEVICE_URL, as soon as each has shown its devices or why it can't; nil where it names none. What is wrong is said.
    static func services(_ settings: Settings) -> DeviceServices? {
        let services: DeviceServices?
        do throws(Errno) { services = try settings.devicesToLookAt() } catch {
            complain("the devices of DEVICE_URL are left out: \(error.explanation) (\(error.name))")
            return nil
        }
        guard let services else { return nil }
        // A connection that a service closes must be an error, not a signal.
        Process.ignoreBrokenPipes()
        services.find(patience_ms: DeviceServices.oncePatience_ms)
        for service in services.states where !service.isUp {
            complain("\(service.url): \(service.problem ?? "it doesn't answer"). Its devices are left out")
        }
        if let problem = services.fileProblem {
            complain("the saved limits of devices in \(services.file.path) \(problem.words): today's are taken for the originals")
        }
        return services
    }
}

/// What `run` would divide the limit over, as it is now.
func governedDevices(_ settings: Settings) throws(NothingGoverned) -> [Device] {
    let policy = settings.configuration.policy
    let zones: [Zone]
    do throws(HelperError) {
        // Without gpu in GOVERN theirs have no part.
        let machine = try Machine(settings, policy.govern.contains(.gpu) ? Machine.services(settings) : nil)
        zones = [Zone](try machine.zones(), try machine.sample())
        if machine.client.welcome.writes != .accepted {
            complain("the helper takes no limits (\(machine.client.welcome.writes.words)): this is what would be set if it did")
        }
    } catch { throw .helper(error) }
    let devices = Device.all(in: zones, policy)
    if devices.isEmpty { throw NothingGoverned(in: zones, policy) }
    for word in policy.missing(in: zones) { complain("\(word.rawValue) is in GOVERN, and isn't here") }
    return devices
}
