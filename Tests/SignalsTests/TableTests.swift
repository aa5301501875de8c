import TestSupport
import Testing

@testable import Signals

private let start: Int64 = 1_781_560_800

private func rows(_ text: String, _ columns: Table.Columns = Table.Columns()) throws -> [Table.Row] {
    var (table, rows) = (Table(Array(text.utf8), columns), [Table.Row]())
    while let row = try table.next() { rows.append(row) }
    return rows
}

private func read(
    _ text: String, time: [String] = [], value: [String] = [], only: [Table.Filter] = [], nulls: SignalReader.Nulls = .none,
    zone: SignalZone = .utc
) throws -> Signal {
    try SignalReader(.table(TableShape(Table.Columns(time: time, value: value, only: only))), nulls: nulls, zone: zone)
        .read(Array(text.utf8))
}

private func signal(_ points: [(Int64, Double?)], end: Int64) -> Signal {
    .points(points.map { Signal.Point(seconds: start + $0.0 * 60, value: $0.1) }, end: start + end * 60)
}

struct TableTests {
    @Test(
        "fields stand between commas, tabs or semicolons, in quotation marks or not",
        arguments: [
            "time,v,note\n2026-06-15T22:00Z,1,x\n", "time\tv\tnote\r\n2026-06-15T22:00Z\t1\t\r\n",
            "time;v;note\n2026-06-15T22:00Z;1;x",
            "\u{FEFF}\"time\", \"v\" ,\"no,te\"\n\"2026-06-15T22:00Z\",\" 1 \",\"a \"\"b\"\", c\"\n",
            "# x, y\n\n  time , v , note\n  2026-06-15T22:00Z , 1 ,\n", "note,v,time\nx,1,2026-06-15T22:00Z\n",
        ])
    func forms(_ text: String) throws {
        let found = try rows(text, Table.Columns(time: ["time"], value: ["v"]))
        #expect(found.map(\.time) == ["2026-06-15T22:00Z"])
        #expect(found.map { $0.value.replacing(" ", with: "") } == ["1"])
    }

    @Test("a mark of quotation within a field is a character, and two in one that is quoted are one")
    func marks() throws {
        #expect(try rows("1,5\" x\n")[0].value == "5\" x")
        #expect(try rows("1,\"5\"\" x\"\"\"\n")[0].value == "5\" x\"")
        #expect(try rows("1,\"\"\n")[0].value == "")
    }

    @Test("rows are taken of which a column has one of some texts, where there is such a column")
    func filters() throws {
        let filters = [Table.Filter("Contract", ["Day-ahead"]), Table.Filter("Sequence", ["", "1"])]
        let columns = Table.Columns(time: ["t"], value: ["v"], only: filters)
        let text = "t,v,Contract,Sequence\n1,a,Day-ahead,\n2,b,Intraday,\n3,c,Day-ahead,1\n4,d,Day-ahead,2\n"
        #expect(try rows(text, columns).map(\.value) == ["a", "c"])
        #expect(try rows("t,v\n1,a\n", columns).map(\.value) == ["a"])
    }

    @Test("the first of a column's names that is there counts")
    func names() throws {
        let columns = Table.Columns(time: ["a", "t"], value: ["w", "v"])
        #expect(try rows("v,t,w\n1,2,3\n", columns) == [Table.Row(line: 2, time: "2", value: "3")])
    }

    @Test(
        "P11: what is wrong with a line is said with its number",
        arguments: [
            ("t,v\n1,\"2\n", 2, TableProblem.quotes), ("t,v\n1,\"2\"x\n", 2, .quotes), ("t,v\n1\n", 2, .columns(1)),
            ("t,w,v\n\n# x\n1,2\n", 4, .columns(2)), ("x,v\n1,2\n", 1, .noColumn("t", among: ["x", "v"])),
            ("t,x\n1,2\n", 1, .noColumn("v", among: ["x"])), ("t,v\n2026-06-15T22:00Z,1\nsoon,1\n", 3, .notATime("soon")),
            ("t,v\n2026-06-15T22:00Z,1\n2026-06-15T23:00Z,1 W\n", 3, .notANumber("1 W")),
        ] as [(String, Int, TableProblem)])
    func problems(_ text: String, _ line: Int, _ problem: TableProblem) throws {
        #expect(throws: SignalProblem.line(line, problem)) { try read(text, time: ["t"], value: ["v"]) }
    }

    @Test("a table without a line, and bytes that are no text, are refused")
    func nothing() throws {
        #expect(throws: SignalProblem.noLines) { try read("") }
        #expect(throws: SignalProblem.noLines) { try read("t,v\n# x\n", time: ["t"], value: ["v"]) }
        #expect(throws: SignalProblem.line(1, .notText)) {
            try SignalReader(.table(TableShape())).read([0xFF, 0x2C, 0x31, 0x0A])
        }
        #expect(throws: SignalProblem.line(1, .noNames("v"))) { try read("2026-06-15T22:00Z,1\n", value: ["v"]) }
    }

    @Test("times may be in any order; where there is no number there are no data, or zero where that is asked")
    func values() throws {
        let text = "t,v\n2026-06-15T23:00Z,2.5\n2026-06-15T22:00Z,-1\n2026-06-15T22:30Z,n/e\n2026-06-15T23:30Z,\n"
        #expect(
            try read(text, time: ["t"], value: ["v"]) == signal([(0, -1), (30, nil), (60, 2.5), (90, nil)], end: 120))
        #expect(
            try read(text, time: ["t"], value: ["v"], nulls: .zero)
                == signal([(0, -1), (30, 0), (60, 2.5), (90, 0)], end: 120))
    }

    @Test("between semicolons numbers may have commas")
    func decimalCommas() throws {
        #expect(try read("t;v\n2026-06-15T22:00Z;60,25\n", time: ["t"], value: ["v"]) == signal([(0, 60.25)], end: 0))
    }

    @Test(
        "ENTSO-E's periods are times with their lengths, the zone being in the column's name or behind the time",
        arguments: [
            ("MTU (UTC)", "15/06/2026 22:00:00 - 15/06/2026 22:15:00"), ("MTU (UTC)", "15.06.2026 22:00 - 15.06.2026 22:15"),
            ("MTU (CET/CEST)", "16/06/2026 00:00:00 - 16/06/2026 00:15:00"),
            ("MTU (CET/CEST)", "16.06.2026 00:00 - 16.06.2026 00:15"),
            ("MTU", "16/06/2026 00:00 (CEST) - 16/06/2026 00:15 (CEST)"),
            ("MTU", "15/06/2026 23:00 (CET) - 16/06/2026 00:15 (CEST)"),
        ])
    func periods(_ column: String, _ time: String) throws {
        // The zone that the column names wins over the reader's.
        for zone in [SignalZone.utc, .centralEurope] where column != "MTU" || zone == .utc {
            #expect(try read("\(column),v\n\(time),7\n", time: [column], value: ["v"], zone: zone) == signal([(0, 7)], end: 15))
        }
    }

    @Test(
        "what is nearly such a period is no time",
        arguments: [
            "32/06/2026 22:00", "15/13/2026 22:00", "15/06/26 22:00", "15/06.2026 22:00", "15/06/2026", "15/06/2026 22",
            "15/06/2026 22:00 -", "15/06/2026 22:00 - x", "15/06/2026 22:00 (PST)", "15/06/2026 22:00 (CET)x",
            "15/06/2026 22:00 - 15/06/2026 23:00 - 16/06/2026 00:00",
        ])
    func noPeriods(_ text: String) { #expect(TableTime(text) == nil) }
}
