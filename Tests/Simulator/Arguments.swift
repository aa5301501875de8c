/// The command line.
struct Arguments {
    enum Action: Equatable { case run, help }

    var action = Action.run
    var directory = ""
    var machine = Machine()
    /// Make the tree and exit.
    var once = false
    var interval_ms: UInt64 = 100

    static let usage = """
        usage: Simulator DIR [flags]
        Makes a powercap tree of plain files in DIR, prints "ready DIR", and lets its energy counters run as the limits in it
        allow, until SIGINT, SIGTERM or the end of a piped standard input. Try it: raplhelper --powercap-root DIR …
        A line "demand POWER,…" there is as the flag from then on, and is answered by "done" and the line.

        flags:
          --packages N           sockets, 1 to 32 [2]
          --psys                 a platform zone, between the first two packages
          --mmio                 the second control type, intel-rapl-mmio, over the same counters; the lower limit counts
          --pp0                  a core zone in every package
          --no-dram              no dram zone
          --monitor-only         no constraints at all, as on AMD
          --max-power-zero       max_power_uw is 0, as where firmware gives none
          --demand POWER,…       what the packages draw without a limit, in turn; the last counts for the rest [120W]
          --energy-start UJ      where every energy counter starts, in microjoules [1000000000]
          --interval-ms N        how often the counters move, 1 to 60000 [100]
          --once                 make the tree and exit
          --help                 print this and exit

        POWER is in microwatts, or ends in W or mW. Limits of psys have no effect.

        """

    /// A command line that isn't understood.
    struct UsageError: Error, Equatable { let sentence: String }

    init(parsing arguments: [String]) throws(UsageError) {
        var rest = arguments[...]
        var directory: String?
        while let argument = rest.popFirst() {
            func value() throws(UsageError) -> String {
                guard let value = rest.popFirst() else { throw UsageError(sentence: "\(argument) needs a value") }
                return value
            }
            func number(_ range: ClosedRange<UInt64>) throws(UsageError) -> UInt64 {
                let text = try value()
                guard let number = UInt64(text), !text.hasPrefix("+"), range.contains(number) else {
                    throw UsageError(
                        sentence:
                            "\(argument) \(text) isn't valid: give a whole number from \(range.lowerBound) to \(range.upperBound)"
                    )
                }
                return number
            }
            switch argument {
            case "--packages": machine.packages = Int(try number(1...32))
            case "--psys": machine.hasPsys = true
            case "--mmio": machine.hasMMIO = true
            case "--pp0": machine.hasCore = true
            case "--no-dram": machine.hasDRAM = false
            case "--monitor-only": machine.isMonitorOnly = true
            case "--max-power-zero": machine.maxPowerIsZero = true
            case "--demand": machine.demand_uw = try Arguments.demands(try value(), of: "--demand")
            case "--energy-start": machine.energyStart_uj = try number(0...Layout.packageRange_uj)
            case "--interval-ms": interval_ms = try number(1...60_000)
            case "--once": once = true
            case "--help": action = .help
            default:
                guard !argument.hasPrefix("-"), !argument.isEmpty else {
                    throw UsageError(sentence: "unknown flag \(argument); Simulator --help lists them")
                }
                guard directory == nil else { throw UsageError(sentence: "one directory only: \(directory!) and \(argument)") }
                directory = argument
            }
        }
        if action == .help { return }
        guard let directory else { throw UsageError(sentence: "which directory? usage: Simulator DIR [flags]") }
        self.directory = directory
    }

    /// What the packages draw from a line of standard input on.
    static func order(_ line: String) throws(UsageError) -> [UInt64] {
        let words = line.split(separator: " ")
        guard words.count == 2, words[0] == "demand" else {
            throw UsageError(sentence: "\(line) is no order: demand POWER,… is")
        }
        return try demands(String(words[1]), of: "demand")
    }

    private static func demands(_ text: String, of name: String) throws(UsageError) -> [UInt64] {
        var demands: [UInt64] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let demand = power_uw(part), demand <= 4_000_000_000 else {
                throw UsageError(
                    sentence: "\(name) \(text) isn't valid: give powers up to 4000W with commas between, such as 120W,80W")
            }
            demands.append(demand)
        }
        return demands
    }

    private static func power_uw(_ text: Substring) -> UInt64? {
        var (digits, scale) = (text, 1 as UInt64)
        if text.hasSuffix("mW") {
            (digits, scale) = (text.dropLast(2), 1_000)
        } else if text.hasSuffix("W") {
            (digits, scale) = (text.dropLast(), 1_000_000)
        }
        guard let value = UInt64(digits), !digits.hasPrefix("+") else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: scale)
        return overflow ? nil : product
    }
}
