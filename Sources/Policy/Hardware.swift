/// What a device is: WEIGHTS go by it, and every view says it.
public enum DeviceKind: String, CaseIterable, Sendable {
    /// A processor package, or what a firmware has in its place: a socket, a top zone.
    case package
    case gpu
    /// The whole machine.
    case server
}

/// What may be governed, by the words of GOVERN and of the helper's `--govern`.
public enum Governable: String, CaseIterable, Sendable {
    case rapl = "intel-rapl"
    case raplMMIO = "intel-rapl-mmio"
    case hsmp = "amd_hsmp"
    case scmi = "arm-scmi"
    case dtpm
    case gpu
    case powerMeter = "power_meter"
    case opal

    /// What its devices are.
    public var kind: DeviceKind {
        switch self {
        case .rapl, .raplMMIO, .hsmp, .scmi, .dtpm: .package
        case .gpu: .gpu
        case .powerMeter, .opal: .server
        }
    }
}

/// What a zone's control type says of it: one row for each. Others are measured, and mean nothing here.
struct ControlType: Sendable {
    /// As the helper has it, or a device behind a service.
    let name: String
    /// By which word of GOVERN it is set; nil is by none.
    let word: Governable?
    let kind: DeviceKind
    /// A limit that reads as 0 W is none: PL1 of i915 and xe is disabled then (i915_hwmon.c, xe_hwmon.c).
    var isOffAtZero = false

    /// Whether its limits are in registers of RAPL: what they hold ends at 4095.875 W, and the main one is `long_term`.
    var isRAPL: Bool { word == .rapl || word == .raplMMIO }

    static let all = [
        ControlType(name: "intel-rapl", word: .rapl, kind: .package),
        ControlType(name: "intel-rapl-mmio", word: .raplMMIO, kind: .package),
        ControlType(name: "amd_hsmp_hwmon", word: .hsmp, kind: .package),
        ControlType(name: "arm-scmi", word: .scmi, kind: .package),
        ControlType(name: "dtpm", word: .dtpm, kind: .package),
        ControlType(name: "amdgpu", word: .gpu, kind: .gpu),
        ControlType(name: "i915", word: .gpu, kind: .gpu, isOffAtZero: true),
        ControlType(name: "xe", word: .gpu, kind: .gpu, isOffAtZero: true),
        ControlType(name: "zeusd", word: .gpu, kind: .gpu),
        ControlType(name: "redfish", word: .gpu, kind: .gpu),
        ControlType(name: "redfish-server", word: nil, kind: .server),
        ControlType(name: "power_meter", word: .powerMeter, kind: .server),
        ControlType(name: "opal", word: .opal, kind: .server),
    ]

    static func named(_ name: String) -> ControlType? { all.first { $0.name == name } }
}

extension PowerPolicy {
    /// What is to be governed, and isn't among these zones.
    public func missing(in zones: [Zone]) -> [Governable] {
        Governable.allCases.filter { word in govern.contains(word) && !zones.contains { $0.word == word } }
    }
}

extension Zone {
    /// What it is; nil of a control type that means nothing here.
    public var kind: DeviceKind? {
        controlType == "intel-rapl" && name == "psys" ? .server : ControlType.named(controlType)?.kind
    }

    /// The word by which GOVERN has it; nil where nothing does.
    public var word: Governable? { kind == .server && controlType == "intel-rapl" ? nil : ControlType.named(controlType)?.word }

    /// The constraint that is set: of RAPL the long-term limit, of others the first that can be set, or the first.
    var mainConstraint: Constraint? {
        if ControlType.named(controlType)?.isRAPL == true { return constraint("long_term") }
        return constraints.first(where: \.isGovernable) ?? constraints.first
    }
}
