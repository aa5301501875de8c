internal import PowercapProtocol

/// Services that have devices, and what is shown to them.
struct DeviceSettings: Equatable, Sendable {
    var addresses: [DeviceAddress] = []
    /// `USER:PASSWORD`, for Redfish; nil shows none.
    var loginFile: String?
    /// For the Zeus daemon; nil shows none.
    var tokenFile: String?
    /// nil is the system's.
    var certificateFile: String?
    /// The floor of a device whose service names none. GPUs that are sold for servers take 100 W and more.
    var minPower = Microwatts(100_000_000)
    /// nil is `usualStateFile`.
    var stateFile: String?

    /// Of the unit's StateDirectory=.
    static let usualStateFile = "/var/lib/powercap/devices.json"
}

extension ValueKind where Value == [DeviceAddress] {
    /// With blanks between them.
    static let deviceAddresses = ValueKind(
        words: ValueWords(
            noun: "a list of services", placeholder: "URL",
            valid:
                "unix:PATH of a Zeus daemon's socket, http://127.0.0.1:PORT of one that listens there, or https://HOST[:PORT]/redfish/v1/…; "
                + "a login goes into DEVICE_LOGIN_FILE", highest: "\(DeviceAddress.most) addresses"),
        parse: { text throws(ValueProblem) in
            do throws(DeviceAddress.Problem) {
                let addresses = try DeviceAddress.all(in: text)
                if addresses.count <= DeviceAddress.most { return addresses }
            } catch { throw .malformed }
            throw .tooHigh
        },
        show: { $0.map(\.text).joined(separator: " ") })
}

extension Settings {
    /// Refuses what is for services that aren't named.
    func checkDevices() throws(UsageError) {
        let devices = configuration.devices
        func has(_ service: DeviceAddress.Service) -> Bool { devices.addresses.contains { $0.service == service } }
        if devices.loginFile != nil, !has(.redfish) {
            throw .missingBeside(given("DEVICE_LOGIN_FILE"), "DEVICE_URL=https://…/redfish/v1/…")
        }
        if devices.certificateFile != nil, !has(.redfish) {
            throw .missingBeside(given("DEVICE_CA_FILE"), "DEVICE_URL=https://…/redfish/v1/…")
        }
        if devices.tokenFile != nil, !has(.zeusd) { throw .missingBeside(given("DEVICE_TOKEN_FILE"), "DEVICE_URL=unix:…") }
    }
}
