internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// The scale of power: from 0 to a round number, in round steps.
struct PowerAxis: Equatable {
    let unit: String
    /// Microwatts per unit, as a power of ten.
    let places: Int
    let top: Microwatts
    let step: Microwatts

    /// - Parameter most: steps.
    init(covering highest: Microwatts, most: UInt64 = 8) {
        (unit, places) = highest >= .watts(10_000) ? ("kW", 9) : ("W", 6)
        let needed = max(highest.rawValue, 1)
        var decade: UInt64 = 1
        while decade * most * 10 < needed { decade *= 10 }
        let step = [decade, decade * 2, decade * 5].first { $0 * most >= needed } ?? decade * 10
        self.step = Microwatts(step)
        top = Microwatts((needed + step - 1) / step * step)
    }

    func label(_ power: Microwatts) -> String { decimal(power.rawValue, places: places) }

    var ticks: [Microwatts] { stride(from: 0, through: top.rawValue, by: Int(step.rawValue)).map { Microwatts($0) } }
}

/// The scale of time, in real seconds, so that a day on which the clocks change is an hour shorter or longer; its ticks are at
/// full hours on the wall.
struct TimeAxis: Equatable {
    struct Tick: Equatable {
        let seconds: Int64
        let local: LocalTime
        var isMidnight: Bool { local.hour == 0 && local.minute == 0 }

        /// `04:00`
        var clock: String {
            var output = Output()
            output.append(clock: local)
            return String(decoding: output.bytes, as: UTF8.self)
        }

        /// `21 Jun`
        var date: String {
            let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
            return "\(local.day) \(months[Int(local.month) - 1])"
        }
    }

    let startSeconds: Int64
    let endSeconds: Int64
    let ticks: [Tick]
    /// The first second of each day, and of the day after the last; none where it isn't about whole days.
    let days: [Tick]

    init(startSeconds: Int64, endSeconds: Int64, first: LocalDay, days count: Int) {
        (self.startSeconds, self.endSeconds) = (startSeconds, endSeconds)
        days = (0...count).map { index in
            let seconds = first.adding(days: index).start
            return Tick(seconds: seconds, local: .at(seconds))
        }
        let hours: Int32 =
            switch count {
            case 1: 2
            case 2: 4
            case 3: 6
            case 4...6: 12
            default: 24
            }
        ticks = TimeAxis.ticks(startSeconds, endSeconds, every: hours)
    }

    /// From any second to any other, with a tick every so many hours. It has no days.
    init(startSeconds: Int64, endSeconds: Int64, hours: Int32) {
        (self.startSeconds, self.endSeconds, days) = (startSeconds, endSeconds, [])
        ticks = TimeAxis.ticks(startSeconds, endSeconds, every: hours)
    }

    /// No zone's offset is finer than a quarter of an hour, and none is changed by less than half of one.
    private static func ticks(_ start: Int64, _ end: Int64, every hours: Int32) -> [Tick] {
        let local = LocalTime.at(start)
        let past = Int64(local.minute * 60 + local.second) % 1_800
        return stride(from: past == 0 ? start : start + 1_800 - past, through: end, by: 1_800)
            .map { Tick(seconds: $0, local: .at($0)) }.filter { $0.local.minute == 0 && $0.local.hour % hours == 0 }
    }

    /// The offsets from UTC that are in force on the way: `UTC+01:00, then UTC+02:00`.
    var offsets: String {
        var output = Output()
        var last: Int32?
        for seconds in stride(from: startSeconds, to: endSeconds, by: 1_800) {
            let local = LocalTime.at(seconds)
            if local.offset_s == last { continue }
            output.append(last == nil ? "UTC" : ", then UTC")
            output.append(offset_s: local.offset_s)
            last = local.offset_s
        }
        return String(decoding: output.bytes, as: UTF8.self)
    }
}
