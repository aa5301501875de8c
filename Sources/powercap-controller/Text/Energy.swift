/// An amount of energy, in µW·ms, as one would say it.
enum Energy {
    /// `83.120 Wh`, `3.210 kWh`
    static func words(_ amount: UInt128) -> String {
        // 3.6e9 of them are a milliwatt hour.
        let milliwattHours = UInt64(clamping: (amount + 1_800_000_000) / 3_600_000_000)
        return milliwattHours < 1_000_000
            ? fixed(milliwattHours, places: 3) + " Wh" : fixed((milliwattHours + 500) / 1_000, places: 3) + " kWh"
    }
}

/// What a signal counts for each unit of energy: grams of carbon dioxide for a kWh, a price for a MWh.
struct EnergyUnit: Equatable, Sendable {
    /// `gCO2`, `EUR`, …
    let measure: String
    /// In kWh.
    private let energy_kWh: Double

    /// - Parameter text: such as `gCO2/kWh` or `EUR/MWh`; nil for what isn't so much for each of an energy.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let energy = ["Wh": 0.001, "kWh": 1, "MWh": 1_000][String(parts[1])] else {
            return nil
        }
        (measure, energy_kWh) = (String(parts[0]), energy)
    }

    /// - Parameter amount: a sum of signal × µW·ms.
    func words(_ amount: Double) -> String {
        // 3.6e15 µW·ms are a kWh.
        let total = amount / 3.6e15 / energy_kWh
        let places = abs(total) < 10 ? 3 : abs(total) < 1_000 ? 1 : 0
        let scale = (0..<places).reduce(1.0) { power, _ in power * 10 }
        guard abs(total * scale) < 1e15 else { return "\(total) \(measure)" }
        let rounded = (total * scale).rounded()
        return "\(rounded < 0 ? "-" : "")\(fixed(UInt64(abs(rounded)), places: places)) \(measure)"
    }
}

/// A whole number of `10^-places` with all of its decimals.
func fixed(_ value: UInt64, places: Int) -> String {
    let scale = (0..<places).reduce(UInt64(1)) { power, _ in power * 10 }
    let fraction = String(value % scale)
    return places == 0
        ? "\(value)" : "\(value / scale).\(String(repeating: "0", count: places - fraction.utf8.count))\(fraction)"
}
