internal import LinuxSystem
internal import Signals
internal import Text

/// What is wrong with a file that a source goes by.
enum DataProblem: FileProblem, Error, Equatable, Sendable {
    case absent
    case denied
    case notAFile
    case unreadable(Errno)
    case tooLarge
    /// Has no line with a value.
    case empty
    /// A document that says nothing of any time.
    case noValues
    /// A document or a table of a service that can't be read as it is said to be.
    case signal(SignalProblem)
    /// A directory without files of days.
    case noDays
    /// Two files of one day.
    case sameDay(String, String)
    /// A file of a directory.
    indirect case file(String, DataProblem)
    /// A line, counted from 1.
    case line(Int, LineProblem)

    enum LineProblem: Equatable, Sendable {
        case notText
        /// A quotation mark that isn't closed, or closed before the field's end.
        case quotes
        /// More than two fields and no column is named, or too few.
        case columns(Int)
        /// A column is asked for, and no line of names comes first.
        case noNames(String)
        case noColumn(String, among: [String])
        case noPeriod(String)
        case noTime(String)
        /// What a service's table has in the place of a time.
        case noSignalTime(String)
        /// What it has in the place of a number.
        case noNumber(String)
        /// The sentence about a value that is none.
        case value(String)
        /// Not later than the line with a value before it.
        case notLater(String)
        /// At the same time as a line before it.
        case overlap(line: Int)
    }

    init(_ problem: Table.Problem) { self = .line(problem.line, LineProblem(problem.problem)) }

    init(_ problem: SignalProblem) {
        switch problem {
        case .line(let line, let problem): self = .line(line, LineProblem(problem))
        case .noLines: self = .empty
        case .tooLarge: self = .tooLarge
        default: self = .signal(problem)
        }
    }

    /// What follows the variable's name and the path in the sentence.
    var words: String {
        switch self {
        case .absent: "does not exist: give a file that is there, or put it there"
        case .denied: "may not be read by this user: change its mode or its owner"
        case .notAFile: "is no file, but a FIFO, a device or a socket: give a file of lines `time,value`"
        case .unreadable(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
        case .tooLarge: "is larger than \(SourceFile.largest >> 20) MiB: give fewer lines"
        case .empty: "has no line with a value: write at least one"
        case .noValues: "has no value where one is looked for: give a file that has, or another SOURCE_VALUE"
        case .signal(let problem): problem.words
        case .noDays:
            "is a directory without a file of today or of a day before: give a file, or put files into it whose names end in their day, such as "
                + "epex_data_2026-06-16.csv"
        case .sameDay(let one, let other): "has two files of one day, \(quoted(one)) and \(quoted(other)): take one of them away"
        case .file(let name, let problem): "has a file \(quoted(name)), which \(problem.words)"
        case .line(let line, let problem): "has a mistake in line \(line): \(problem.words)"
        }
    }
}

extension DataProblem.LineProblem {
    fileprivate var words: String {
        switch self {
        case .quotes:
            "a quotation mark is not closed before the line ends, or something follows it: write it twice where it is a field's own"
        case .notText: "this is not text in UTF-8: write the line anew"
        case .columns(let count):
            "it has \(count == 1 ? "1 field" : "\(count) fields"): write a time and a value with a comma between them, or name the "
                + "value's column with SOURCE_COLUMN"
        case .noNames(let column):
            "the first line has no names, among which SOURCE_COLUMN, \(quoted(column)), could be: write `time,\(column)` before it"
        case .noColumn(let column, let names):
            "SOURCE_COLUMN, \(quoted(column)), is none of its names: there \(names.count == 1 ? "is" : "are") "
                + names.map { quoted($0) }.joined(separator: ", ")
        case .noPeriod(let text):
            "\(quoted(text)) is no period: write HH:MM-HH:MM, with days before it where it isn't for every day (Mon-Fri 08:00-18:00)"
        case .noTime(let text):
            "\(quoted(text)) is no time: write RFC 3339 with seconds and zone, such as 2026-06-21T12:00:00Z or "
                + "2026-06-21T14:00:00+02:00"
        case .noSignalTime(let text):
            "\(quoted(text)) is no time: give the column that has times such as 2026-06-21T12:00Z, 1781956800 or "
                + "21/06/2026 12:00:00 - 21/06/2026 12:15:00 with SOURCE_TIME"
        case .noNumber(let text):
            "\(quoted(text)) is no number: give the column that has numbers with SOURCE_COLUMN, or mend the line"
        case .value(let sentence): sentence
        case .notLater(let text): "\(quoted(text)) is not later than the line before it: sort the lines by time, one for each"
        case .overlap(let line): "it is at the same time as line \(line): write periods that don't overlap"
        }
    }
}

extension DataProblem.LineProblem {
    fileprivate init(_ problem: TableProblem) {
        self =
            switch problem {
            case .notText: .notText
            case .quotes: .quotes
            case .columns(let count): .columns(count)
            case .noNames(let column): .noNames(column)
            case .noColumn(let column, let names): .noColumn(column, among: names)
            case .notATime(let text): .noSignalTime(text)
            case .notANumber(let text): .noNumber(text)
            }
    }
}
