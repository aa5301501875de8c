internal import JSON
internal import LinuxSystem
internal import PowercapProtocol

/// Where the originals of devices outlive the controller: a file of its own on a disk, because a BMC keeps limits through a reboot. It is saved
/// before a limit is changed, and put in the place of the old one whole or not at all (docs/formats.md).
struct DeviceFile: Sendable {
    let path: String

    static let format: UInt64 = 1
    /// In bytes. A device has 300.
    private static let largest = 256 << 10

    /// Empty where there is no file. Where what was saved isn't known nothing may be written, because the originals might be lost.
    func read() throws(SavedFile.Problem) -> [SavedDevice] {
        guard let saved = try file.read(format: DeviceFile.format, within: .document) else { return [] }
        guard let elements = saved["devices"]?.elements else { throw .damaged }
        var devices: [SavedDevice] = []
        for element in elements {
            guard let device = SavedDevice(element), !devices.contains(where: { $0.id == device.id }) else { throw .damaged }
            devices.append(device)
        }
        return devices
    }

    /// Saves them in place of what was saved: it is on the disk when this returns.
    func write(_ devices: [SavedDevice]) throws(Errno) {
        try file.write(["format": .number("\(DeviceFile.format)"), "devices": .list(devices.map(\.json))])
    }

    private var file: SavedFile { SavedFile(path: path, largest: DeviceFile.largest, isOnDisk: true) }
}

extension SavedDevice {
    fileprivate init?(_ json: JSON) {
        guard let id = json["id"]?.text, let address = json["url"]?.text, let own = json["own_uw"]?.elements?.map(\.integer)
        else {
            return nil
        }
        guard let before = json["original_uw"], before == .null || before.integer != nil, !own.contains(nil) else { return nil }
        let mode = json["mode"] ?? .null
        if mode != .null, mode.text == nil { return nil }
        self.init(
            id: id, address: address, original: before.integer.map { .set(Microwatts($0)) } ?? .off, mode: mode.text,
            own: own.compactMap { $0.map { Microwatts($0) } })
    }

    fileprivate var json: JSON {
        [
            "id": .text(id), "url": .text(address), "original_uw": original.power.map { .number("\($0.rawValue)") } ?? .null,
            "mode": mode.map { .text($0) } ?? .null, "own_uw": .list(own.map { .number("\($0.rawValue)") }),
        ]
    }
}
