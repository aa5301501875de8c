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

    /// Why what was saved isn't known. Then nothing is written, because the originals might be lost.
    enum Problem: Error, Equatable, Sendable {
        case unreadable(Errno)
        /// Not this program's own plain file, or not what it writes.
        case damaged

        /// Behind "the saved limits of devices ".
        var words: String {
            switch self {
            case .unreadable(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
            case .damaged: "are damaged, or somebody else's"
            }
        }
    }

    /// Empty where there is no file.
    func read() throws(Problem) -> [SavedDevice] {
        let bytes: [UInt8]?
        do throws(Errno) { bytes = try contents() } catch {
            if error == .noEntry { return [] }
            throw .unreadable(error)
        }
        guard let bytes, bytes.count < DeviceFile.largest, let saved = try? JSON(bytes, .all, within: .document),
            saved["format"]?.integer == DeviceFile.format, let elements = saved["devices"]?.elements
        else { throw .damaged }
        var devices: [SavedDevice] = []
        for element in elements {
            guard let device = SavedDevice(element), !devices.contains(where: { $0.id == device.id }) else { throw .damaged }
            devices.append(device)
        }
        return devices
    }

    /// nil where somebody else may have written it.
    private func contents() throws(Errno) -> [UInt8]? {
        let file = try Descriptor(opening: path, .read)
        guard file.isTrustworthy else { return nil }
        var bytes = [UInt8](repeating: 0, count: DeviceFile.largest)
        var count = 0
        while count < bytes.count {
            let more = try file.read(into: &bytes, from: count, atMost: bytes.count - count)
            if more == 0 { break }
            count += more
        }
        return Array(bytes[..<count])
    }

    /// Saves them in place of what was saved: it is on the disk when this returns.
    func write(_ devices: [SavedDevice]) throws(Errno) {
        let document: JSON = ["format": .number("\(DeviceFile.format)"), "devices": .list(devices.map(\.json))]
        let temporary = path + ".new"
        try? unlink(temporary)
        do throws(Errno) {
            let bytes = document.bytes
            do {
                let file = try Descriptor(opening: temporary, .createNew, mode: 0o600)
                guard try file.write(bytes.span) == bytes.count else { throw .noSpace }
                try file.synchronize()
            }
            try rename(temporary, to: path)
            try Descriptor(opening: directory, .read).synchronize()
        } catch {
            try? unlink(temporary)
            throw error
        }
    }

    private var directory: String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
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
