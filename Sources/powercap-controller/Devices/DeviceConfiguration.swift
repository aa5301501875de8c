internal import LinuxSystem
internal import Logging
internal import Policy

extension Settings {
    var deviceFile: DeviceFile { DeviceFile(path: configuration.devices.stateFile ?? DeviceSettings.usualStateFile) }

    /// The devices of DEVICE_URL; nil where it names no service, and nothing is to be put back at one.
    func deviceServices(_ log: Log) throws(Errno) -> DeviceServices? {
        let devices = configuration.devices
        if devices.addresses.isEmpty {
            guard let saved = try? deviceFile.read(), !saved.isEmpty else { return nil }
        }
        return try DeviceServices(
            devices.addresses, deviceAccess, file: deviceFile, isGoverned: configuration.policy.govern.contains(.gpu),
            minPower: devices.minPower, log: log)
    }

    /// The same, to be looked at and nothing else; nil where DEVICE_URL names no service.
    func devicesToLookAt() throws(Errno) -> DeviceServices? {
        let devices = configuration.devices
        if devices.addresses.isEmpty { return nil }
        return try DeviceServices(
            devices.addresses, deviceAccess, file: deviceFile, isGoverned: configuration.policy.govern.contains(.gpu),
            isOnlyLookedAt: true, minPower: devices.minPower, log: Log(format: configuration.logFormat, level: .error))
    }

    var deviceAccess: DeviceAccess {
        let devices = configuration.devices
        return DeviceAccess(loginFile: devices.loginFile, tokenFile: devices.tokenFile, certificateFile: devices.certificateFile)
    }
}

extension [SavedDevice] {
    /// Where they are, each once. What is no address any more is passed over, and its device told as one that isn't back.
    var addresses: [DeviceAddress] {
        var addresses: [DeviceAddress] = []
        for device in self {
            guard let address = try? DeviceAddress(device.address), !addresses.contains(address) else { continue }
            addresses.append(address)
        }
        return addresses
    }
}

extension DeviceServices.Outcome {
    /// Behind a device's name.
    var words: String {
        switch self {
        case .restored: "its original limit is back"
        case .original: "it had its original limit"
        case .held: "its limit stays as it is"
        case .fallback: "its limit is the fallback limit"
        case .foreign: "another party has set its limit, which stays"
        case .failed: "its original limit isn't back, and stays saved"
        }
    }
}
