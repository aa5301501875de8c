internal import PowercapProtocol

/// What is to be put back at a device, and by what its limit is known to be this program's doing.
struct SavedDevice: Equatable, Sendable {
    /// The zone's id.
    let id: String
    /// The word of DEVICE_URL.
    let address: String
    /// In force before the first change: `.set` or `.off`.
    let original: ServedLimit
    /// The service's word for how it is enforced, put back with it.
    let mode: String?
    /// What was asked for, and what was read back then, the latest last. It is saved before anything is sent, so that a limit that is found
    /// is one of these or another party's.
    private(set) var own: [Microwatts]

    /// What was in force, what is asked for, and what becomes of both when the device makes others of them.
    private static let mostOwn = 4

    init(id: String, address: String, original: ServedLimit, mode: String?, own: [Microwatts] = []) {
        (self.id, self.address, self.original, self.mode) = (id, address, original, mode)
        self.own = Array(own.suffix(SavedDevice.mostOwn))
    }

    /// A limit that is this program's doing from now on.
    mutating func add(_ limit: Microwatts) {
        own.removeAll { $0 == limit }
        own = Array((own + [limit]).suffix(SavedDevice.mostOwn))
    }

    /// Whose a limit is.
    enum Owner: Equatable, Sendable {
        /// It is the original.
        case nobody
        case own
        case other
        case unknown
    }

    /// - Parameter step: a device may round a limit down by less than this.
    func owner(of limit: ServedLimit, step: Microwatts) -> Owner {
        if limit == .unknown { return .unknown }
        if limit == original { return .nobody }
        guard let power = limit.power else { return .other }
        return own.contains { $0 == power || $0 > power && $0 - power < step } ? .own : .other
    }
}

/// What becomes of a device's limit when control ends.
enum DeviceEnding: Equatable, Sendable {
    /// It is put back, or lowered to the fallback limit.
    case set(ServedLimit, mode: String?)
    /// It is as it is to be.
    case asIs
    /// Another party's limit stays.
    case foreign
    /// Nobody knows what is in force.
    case unknown

    /// - Parameters:
    ///   - limit: in force now.
    ///   - fallback: what it becomes where `disposal` says so; nil where the original comes back.
    init(_ saved: SavedDevice, limit: ServedLimit, step: Microwatts, fallback: Microwatts?, _ disposal: LimitDisposal) {
        switch saved.owner(of: limit, step: step) {
        case .unknown: self = .unknown
        case .other: self = .foreign
        case .nobody where disposal != .fallback || fallback == nil: self = .asIs
        case .nobody, .own:
            switch disposal {
            case .hold: self = .asIs
            case .fallback:
                if let fallback {
                    // Nothing rises by a fallback limit.
                    self = limit.power.map { $0 <= fallback } == true ? .asIs : .set(.set(fallback), mode: nil)
                } else {
                    self = .set(saved.original, mode: saved.mode)
                }
            case .restore: self = .set(saved.original, mode: saved.mode)
            }
        }
    }
}
