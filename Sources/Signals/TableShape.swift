internal import Text

/// Where values and their times stand in a table.
public struct TableShape: Equatable, Sendable {
    let columns: Table.Columns
    /// How long a value is; nil is as the table says it: by periods, or by the distances of its times.
    let step: SignalDuration?

    public init(_ columns: Table.Columns = Table.Columns(), step: SignalDuration? = nil) {
        (self.columns, self.step) = (columns, step)
    }

    /// Every row's time and text.
    struct Reading {
        var times: [TableTime] = []
        var values: [(line: Int, text: String)] = []
        /// The zone that the time's column names; nil where it names none.
        var zone: SignalZone?
        /// Numbers have commas in the place of points, as where semicolons stand between fields.
        var hasDecimalCommas = false
    }

    func reading(_ bytes: [UInt8]) throws(SignalProblem) -> Reading {
        var (table, reading) = (Table(bytes, columns), Reading())
        do throws(Table.Problem) {
            while let row = try table.next() {
                guard let time = TableTime(row.time) else { throw Table.Problem(line: row.line, problem: .notATime(row.time)) }
                reading.times.append(time)
                reading.values.append((row.line, row.value))
            }
        } catch { throw .line(error.line, error.problem) }
        if let name = table.timeName { reading.zone = SignalZone(column: name) }
        reading.hasDecimalCommas = table.separator == UInt8(ascii: ";")
        return reading
    }
}

extension SignalZone {
    /// ENTSO-E's files have the zone in the column's name: `MTU (UTC)`, `DateTime(UTC)`, `MTU (CET/CEST)`.
    fileprivate init?(column: String) {
        if column.hasSuffix("(UTC)") {
            self = .utc
        } else if column.hasSuffix("(CET/CEST)") {
            self = .centralEurope
        } else {
            return nil
        }
    }
}

/// A field that says when: a time as everywhere, or, as in ENTSO-E's files, a day with its year behind, and from when to when:
/// `15/06/2026 22:00:00 - 15/06/2026 22:15:00`, `25/10/2026 02:00:00 (CEST) - 25/10/2026 02:00:00 (CET)`, `15.06.2026 22:00 - 15.06.2026 23:00`.
struct TableTime: Equatable, Sendable {
    let from: SignalTime
    /// nil where the field says none.
    let to: SignalTime?

    /// nil where it is none.
    init?(_ text: String) {
        var scanner = ByteScanner(Array(text.utf8)[...])
        guard let from = TableTime.dayFirst(&scanner) else {
            guard let time = SignalTime(text) else { return nil }
            (from, to) = (time, nil)
            return
        }
        self.from = from
        if scanner.rest.isEmpty {
            to = nil
            return
        }
        guard scanner.skip(word: " - "), let to = TableTime.dayFirst(&scanner), scanner.rest.isEmpty else { return nil }
        self.to = to
    }

    private static func dayFirst(_ scanner: inout ByteScanner) -> SignalTime? {
        guard let day = scanner.number(digits: 2...2) else { return nil }
        let separator: Unicode.Scalar = scanner.rest.first == UInt8(ascii: ".") ? "." : "/"
        guard scanner.skip(separator), let month = scanner.number(digits: 2...2), scanner.skip(separator),
            let year = scanner.number(digits: 4...4), scanner.skip(" "), let clock = SignalTime.clock(&scanner),
            let wall = WallTime(
                year: year, month: month, day: day, hour: clock.hour, minute: clock.minute, second: clock.second
            ).valid
        else { return nil }
        let offset_s: Int64
        if scanner.skip(word: " (CEST)") {
            offset_s = 7_200
        } else if scanner.skip(word: " (CET)") {
            offset_s = 3_600
        } else {
            return .wall(wall)
        }
        return SignalTime(instant: wall.secondsAsUTC - offset_s)
    }
}
