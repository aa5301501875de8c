internal import LinuxSystem

/// How long each processor has done what since the machine was started, in ticks of 1/100 s, as /proc/stat has it (proc_stat(5)).
struct ProcessorTimes: Sendable {
    /// Of one processor.
    struct Times: Equatable, Sendable {
        /// By which it is called, as in `cpu3`.
        let number: Int
        /// It ran something: user, nice, system, and interrupts. What a hypervisor took for others is not among it.
        let busy: UInt64
        /// It had nothing to run.
        let idle: UInt64
    }

    /// Those that are online, in the order of their numbers.
    private(set) var processors: [Times] = []
    /// The bytes end before the processors do.
    private(set) var isCutOff = false

    /// Reads the lines of processors, which come first; nothing is looked at of the rest.
    init(_ bytes: Span<UInt8>) {
        var start = 0
        for index in 0..<bytes.count where bytes[index] == UInt8(ascii: "\n") {
            guard let fields = Fields(bytes.extracting(start..<index)) else { return }
            start = index + 1
            if let times = Times(fields) { processors.append(times) }
        }
        isCutOff = true
    }

    /// `cpu3 user nice system idle iowait irq softirq steal …`
    fileprivate struct Fields {
        /// nil for the sum of all processors, which has none.
        var number: Int?
        var ticks: [UInt64] = []

        /// nil for a line of something else.
        init?(_ line: Span<UInt8>) {
            guard line.count > 3, line[0] == UInt8(ascii: "c"), line[1] == UInt8(ascii: "p"), line[2] == UInt8(ascii: "u") else {
                return nil
            }
            var start = 3
            for index in 3...line.count where index == line.count || line[index] == UInt8(ascii: " ") {
                let field = line.extracting(start..<index)
                if start == 3 {
                    number = wholeNumber(field).flatMap { Int(exactly: $0) }
                } else if let value = wholeNumber(field) {
                    ticks.append(value)
                }
                start = index + 1
            }
        }
    }
}

extension ProcessorTimes.Times {
    /// nil for the sum of all, and for a line that is shorter than that of any kernel since 2.6.11.
    fileprivate init?(_ fields: ProcessorTimes.Fields) {
        guard let number = fields.number, fields.ticks.count >= 8 else { return nil }
        let ticks = fields.ticks
        self.init(
            number: number, busy: ticks[0] &+ ticks[1] &+ ticks[2] &+ ticks[5] &+ ticks[6], idle: ticks[3] &+ ticks[4])
    }

    /// The part of the time in which it was busy, from 0 to 1; 0 where no time has passed.
    func busyShare(since earlier: ProcessorTimes.Times) -> Double {
        // iowait can go back (proc_stat(5)).
        let (busy, idle) = (Double(busy &- min(earlier.busy, busy)), Double(idle &- min(earlier.idle, idle)))
        return busy + idle > 0 ? busy / (busy + idle) : 0
    }
}
