internal import Policy
internal import PowercapProtocol

/// What the rows of the table read: a state, and what is made of it once for all of them.
struct Scrape: Sendable {
    let state: NodeState
    /// Those that are there.
    let zones: [Zone]
    let condition: Condition

    init(_ state: NodeState) {
        self.state = state
        zones = state.zones.filter { !$0.isGone }.map { Zone(state: $0, counts: state.counts) }
        condition = state.condition
    }

    /// A power zone with the labels that name it.
    struct Zone: Sendable {
        let state: ZoneState
        let labels: [String]
        /// What it has used; nil where its counter can't be read now: a total that stands still would look like a zone without power.
        let energy: EnergyCounter?

        /// `zone` isn't among them: clouds give targets a label of this name. `path` is the one of Kepler and node_exporter, and of what isn't
        /// a zone of powercap its id.
        static let labelNames = ["control_type", "domain", "kind", "package", "path"]
        static let limitLabelNames = labelNames + ["constraint"]

        fileprivate init(state: ZoneState, counts: Counts) {
            self.state = state
            // hwmon's ids are the driver's name and the device: no zone of powercap is called so.
            let isPowercap = ["intel-rapl", "intel-rapl-mmio", "arm-scmi", "dtpm"].contains(state.controlType)
            labels = [
                state.controlType, state.name, state.kind?.rawValue ?? "", state.package ?? "",
                (isPowercap ? "/sys/class/powercap/" : "") + state.id,
            ]
            energy = state.energyError == nil && state.reading == .energy ? counts.energy[state.id] : nil
        }
    }
}
