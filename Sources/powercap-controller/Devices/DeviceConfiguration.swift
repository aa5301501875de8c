internal import LinuxSystem
internal import Logging

extension Settings {
    var deviceFile: DeviceFile { DeviceFile(path: configuration.devices.stateFile ?? DeviceSettings.usualStateFile) }

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
