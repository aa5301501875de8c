internal import JSON
internal import Policy
internal import PowercapProtocol

/// As programs read it; docs/interface.md describes it. Numbers are µW; null is what isn't known, or isn't there.
extension ZoneState {
    var json: JSON {
        [
            "id": .text(id), "parent": .text(parent), "control_type": .text(controlType), "name": .text(name),
            "kind": .text(kind?.rawValue),
            "package": .text(package), "reading": .text(reading.word), "gone": .flag(isGone),
            "enabled": enabled.map { .flag($0) } ?? .null,
            "disabled": .flag(isDisabled), "power_uw": .power(power), "energy_error": .text(energyError),
            "constraints": .list(limits.map(\.json)),
        ]
    }

    /// nil of anything but what `json` gives.
    init?(_ json: JSON) {
        guard let id = json["id"]?.text, let controlType = json["control_type"]?.text, let name = json["name"]?.text,
            let gone = json["gone"]?.flag, let disabled = json["disabled"]?.flag, let constraints = json["constraints"]?.elements
        else { return nil }
        let limits = constraints.compactMap(Limit.init)
        guard limits.count == constraints.count else { return nil }
        self.init(
            id: id, parent: json["parent"]?.text, controlType: controlType, name: name,
            kind: json["kind"]?.text.flatMap { DeviceKind(rawValue: $0) }, reading: ReadingKind(word: json["reading"]?.text),
            package: json["package"]?.text,
            isGone: gone, enabled: json["enabled"]?.flag, isDisabled: disabled, power: json["power_uw"]?.power,
            energyError: json["energy_error"]?.text, limits: limits)
    }
}

extension ReadingKind {
    fileprivate var word: String {
        switch self {
        case .none: "none"
        case .energy: "energy"
        case .power: "power"
        }
    }

    /// A controller that doesn't say has counters of energy alone.
    fileprivate init(word: String?) { self = word == "power" ? .power : word == "none" ? .none : .energy }
}

extension ZoneState.Limit {
    fileprivate var json: JSON {
        [
            "name": .text(name), "original_uw": .power(original), "requested_uw": .power(asked), "register_uw": .power(register),
            "register_error": .text(registerError), "in_force_uw": .power(inForce), "held_by": .text(holder),
            "floor_uw": .power(floor), "ceiling_uw": .power(ceiling), "fallback_uw": .power(fallback),
            "changed": .flag(isChanged),
            "obstacle": .text("\(obstacle.name)"), "note": .text(note),
        ]
    }

    fileprivate init?(_ json: JSON) {
        guard let name = json["name"]?.text, let floor = json["floor_uw"]?.power, let ceiling = json["ceiling_uw"]?.power,
            let changed = json["changed"]?.flag, let word = json["obstacle"]?.text,
            let obstacle = Obstacle.allCases.first(where: { "\($0.name)" == word })
        else { return nil }
        self.init(
            name: name, original: json["original_uw"]?.power, asked: json["requested_uw"]?.power,
            register: json["register_uw"]?.power, registerError: json["register_error"]?.text,
            inForce: json["in_force_uw"]?.power, holder: json["held_by"]?.text, floor: floor, ceiling: ceiling,
            fallback: json["fallback_uw"]?.power, isChanged: changed, obstacle: obstacle, note: json["note"]?.text)
    }
}

extension JSON {
    static func text(_ text: String?) -> JSON { text.map { .text($0) } ?? .null }
    static func power(_ power: Microwatts?) -> JSON { power.map { .number("\($0.rawValue)") } ?? .null }
    static func whole(_ number: some BinaryInteger) -> JSON { .number("\(number)") }

    /// A power in µW; nil of everything else.
    var power: Microwatts? { integer.map { Microwatts($0) } }
}
