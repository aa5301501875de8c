internal import Policy
internal import PowercapProtocol

/// Why nothing can be planned for the running helper's machine.
enum NoPackages: Error {
    /// It can't be asked.
    case helper(HelperError)
    /// It has none.
    case none
    /// It has, and they have no limits.
    case onlyMeasured([String])

    /// - Parameter zones: those of the helper, no package with a limit among them.
    init(in zones: [Zone]) {
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
        }
    }
}

/// The packages of the helper at `configuration.helperSocket`, as they are now.
func packagesOfRunningHelper(_ configuration: Configuration) throws(NoPackages) -> [Device] {
    let zones: [Zone]
    do throws(HelperError) {
        let client = try HelperClient(connecting: configuration.helperSocket, isAskedAgain: true)
        zones = [Zone](try client.zones(), try client.sample())
        if client.welcome.writes != .accepted {
            complain("the helper takes no limits (\(client.welcome.writes.words)): this is what would be set if it did")
        }
    } catch { throw .helper(error) }
    let devices = Device.all(in: zones)
    guard devices.isEmpty else { return devices }
    throw NoPackages(in: zones)
}
