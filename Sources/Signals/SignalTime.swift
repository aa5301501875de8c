internal import JSON
internal import Text

/// When a value begins or ends, as a service writes it.
enum SignalTime: Equatable, Sendable {
    /// Seconds since 1970.
    case instant(Int64)
    /// Without a zone.
    case wall(WallTime)
    /// OpenADR's 0001-01-01: as soon as it is read.
    case now

    /// Seconds since 1970 that any time may have: to the end of the year 9999.
    static let range: Range<Int64> = 0..<253_402_300_800

    /// A number, or a text; nil where it is no time.
    init?(_ value: JSON) {
        switch value {
        case .number(let number): self.init(number: number)
        case .text(let text): self.init(text)
        default: return nil
        }
    }

    /// ISO 8601 with `T` or a blank between day and time, minutes at least, and a zone or none; or a number as a text.
    init?(_ text: String) {
        if let time = SignalTime(iso: Array(text.utf8)) { self = time } else { self.init(number: text) }
    }

    /// Milliseconds since 1970 from 1e11 on, else seconds: both are from 3 March 1973 on, and what is less is a value in the wrong place.
    /// What is finer than a second is left out.
    private init?(number text: String) {
        guard let number = signalNumber(text) else { return nil }
        let seconds = (number >= 1e11 ? number / 1_000 : number).rounded(.down)
        guard seconds >= 1e8, seconds < Double(SignalTime.range.upperBound) else { return nil }
        self = .instant(Int64(seconds))
    }

    private init?(iso bytes: [UInt8]) {
        var scanner = ByteScanner(bytes[...])
        guard let year = scanner.number(digits: 4...4), scanner.skip("-"), let month = scanner.number(digits: 2...2),
            scanner.skip("-"),
            let day = scanner.number(digits: 2...2)
        else { return nil }
        let isNow = (year, month, day) == (1, 1, 1)
        if isNow, scanner.rest.isEmpty {
            self = .now
            return
        }
        guard scanner.skip("T") || scanner.skip("t") || scanner.skip(" "), let clock = SignalTime.clock(&scanner) else {
            return nil
        }
        guard
            let wall = WallTime(
                year: year, month: month, day: day, hour: clock.hour, minute: clock.minute, second: clock.second
            ).valid
        else { return nil }
        if scanner.rest.isEmpty {
            self = isNow ? .now : .wall(wall)
            return
        }
        guard let offset_s = SignalTime.offset_s(&scanner), scanner.rest.isEmpty else { return nil }
        if isNow {
            self = .now
            return
        }
        let seconds = wall.secondsAsUTC - offset_s
        self.init(instant: seconds)
    }

    /// nil where no time may be so.
    init?(instant seconds: Int64) {
        guard SignalTime.range ~= seconds else { return nil }
        self = .instant(seconds)
    }

    /// `HH:MM`, `HH:MM:SS`, `HH:MM:SS.fff`; nothing is finer than a second here, so the fraction is left out.
    static func clock(_ scanner: inout ByteScanner) -> (hour: Int64, minute: Int64, second: Int64)? {
        guard let hour = scanner.number(digits: 2...2), scanner.skip(":"), let minute = scanner.number(digits: 2...2) else {
            return nil
        }
        guard scanner.skip(":") else { return (hour, minute, 0) }
        guard let second = scanner.number(digits: 2...2) else { return nil }
        if scanner.skip(".") || scanner.skip(",") {
            guard scanner.skip(while: { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) > 0 else { return nil }
        }
        return (hour, minute, second)
    }

    /// `Z`, `+02:00`, `+0200`, `+02`: seconds east of Greenwich.
    private static func offset_s(_ scanner: inout ByteScanner) -> Int64? {
        if scanner.skip("Z") || scanner.skip("z") { return 0 }
        let isWest = scanner.skip("-")
        guard isWest || scanner.skip("+"), let hours = scanner.number(digits: 2...2), hours < 24 else { return nil }
        var minutes: Int64 = 0
        if scanner.skip(":") || !scanner.rest.isEmpty {
            guard let number = scanner.number(digits: 2...2), number < 60 else { return nil }
            minutes = number
        }
        return (isWest ? -1 : 1) * (hours * 3_600 + minutes * 60)
    }

    /// As a sentence has it: `2026-06-15T22:00:00Z`.
    static func text(_ seconds: Int64) -> String {
        let (days, second) = seconds.flooredQuotient(by: 86_400)
        let date = Gregorian.date(days)
        var output = Output()
        output.append(year: Int32(clamping: date.year), month: Int32(date.month), day: Int32(date.day))
        output.append("T")
        output.append(hour: Int32(second / 3_600), minute: Int32(second / 60 % 60))
        output.append(":")
        output.append(Int32(second % 60), digits: 2)
        output.append("Z")
        return String(decoding: output.bytes, as: UTF8.self)
    }
}

extension SignalZone {
    /// Seconds since 1970 of times in the order of their list. Where an hour comes twice, a time is the first one that is later than the
    /// time before it in the list, or, where the list goes backwards, the last one that is earlier.
    /// - Returns: nil for those that are now.
    func seconds(of times: [SignalTime]) -> [Int64?] {
        let walls = times.compactMap { time in if case .wall(let wall) = time { wall.secondsAsUTC } else { nil } }
        let isBackwards = (walls.first ?? 0) > (walls.last ?? 0)
        var seconds = [Int64?](repeating: nil, count: times.count)
        var last = Int64.min
        for index in isBackwards ? Array(times.indices.reversed()) : Array(times.indices) {
            switch times[index] {
            case .instant(let instant): seconds[index] = instant
            case .now: break
            case .wall(let wall):
                let instants = instants(of: wall)
                let chosen = instants.first { $0 > last } ?? instants[0]
                (seconds[index], last) = (chosen, chosen)
            }
        }
        return seconds
    }
}
