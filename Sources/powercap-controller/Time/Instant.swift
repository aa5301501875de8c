internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// A point in time as this program's views write it.
struct Instant: Equatable, Sendable {
    /// Since 1970.
    let seconds: Int64

    init(_ seconds: Int64) { self.seconds = seconds }

    /// RFC 3339 with the zone's offset: `2026-06-21T12:00:00+02:00`.
    var text: String {
        var output = Output()
        output.append(Moment(seconds: seconds))
        return String(decoding: output.bytes, as: UTF8.self)
    }

    /// For a sentence: `12:00:00`, and with the day before it where that is another than that of `now`: `2026-06-22 12:00:00`.
    func words(seenFrom now: Moment) -> String {
        let local = LocalTime.at(seconds)
        var output = Output()
        if (local.year, local.month, local.day) != (now.local.year, now.local.month, now.local.day) {
            output.append(day: local)
            output.append(" ")
        }
        output.append(clock: local)
        output.append(":")
        output.append(local.second, digits: 2)
        return String(decoding: output.bytes, as: UTF8.self)
    }
}

extension Milliseconds {
    var nanoseconds: UInt64 { rawValue * 1_000_000 }

    /// About how long, in at most two units: `4 min 3 s`, `2 h 5 min`, `3 d`; `less than a second`.
    var roughly: String {
        let seconds = (rawValue + 500) / 1_000
        if seconds == 0 { return "less than a second" }
        let units: [(name: String, size: UInt64)] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)]
        let first = units.firstIndex { seconds >= $0.size }!
        let whole = "\(seconds / units[first].size) \(units[first].name)"
        guard first + 1 < units.count else { return whole }
        let rest = seconds % units[first].size / units[first + 1].size
        return rest == 0 ? whole : "\(whole) \(rest) \(units[first + 1].name)"
    }
}
