internal import LinuxSystem
internal import Policy
internal import Text

/// A day of the calendar.
struct LocalDay: Comparable, Sendable {
    let year: Int32
    let month: Int32
    let day: Int32

    init(year: Int32, month: Int32, day: Int32) { (self.year, self.month, self.day) = (year, month, day) }

    init(_ local: LocalTime) { self.init(year: local.year, month: local.month, day: local.day) }

    /// Strictly `YYYY-MM-DD`, from 1970 on, and a day that exists.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2], parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let year = Int32(parts[0]), let month = Int32(parts[1]), let day = Int32(parts[2]), year >= 1970,
            (1...12).contains(month)
        else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int32] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day >= 1, day <= lengths[Int(month) - 1] else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// Another one for every other day.
    var number: Int { (Int(year) * 16 + Int(month)) * 32 + Int(day) }

    var text: String {
        var output = Output()
        output.append(year: year, month: month, day: day)
        return String(decoding: output.bytes, as: UTF8.self)
    }

    func adding(days: Int) -> LocalDay {
        // Noon exists once on every day in every zone.
        LocalDay(.at(Clock.seconds(of: Clock.Local(year: year, month: month, day: day + Int32(days), hour: 12))))
    }

    /// The day's first second: midnight, or where the clocks go forward at midnight the time they are set to. A day that the
    /// zone left out, at the date line, begins where the next one does.
    var start: Int64 {
        var seconds = Clock.seconds(of: Clock.Local(year: year, month: month, day: day))
        // For a midnight that is left out or comes twice mktime(3) may answer with a time on either side.
        while LocalDay(.at(seconds)) < self { seconds += 1_800 }
        while LocalDay(.at(seconds - 1_800)) >= self { seconds -= 1_800 }
        return seconds
    }

    static func < (left: LocalDay, right: LocalDay) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }
}
