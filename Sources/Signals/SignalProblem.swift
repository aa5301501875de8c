/// Why bytes can't be read as a signal.
public enum SignalProblem: Error, Equatable, Sendable {
    /// There is nothing at all.
    case empty
    /// It begins like a page of HTML, or like a document of XML, with this.
    case markup(String)
    case notJSON(offset: Int)
    /// Nested deeper, or more, than what is read.
    case tooLarge
    /// The service says why it has no data.
    case says(String)
    /// So many values, of which none has a time: one is what a value of now is.
    case manyValues(Int)
    /// An object or a list in the place of a number.
    case notANumber(place: String)
    /// A value, by what its wildcards stand for, that no time belongs to.
    case timeMissing(place: String)
    /// What stands where a time should.
    case notATime(String, place: String)
    /// Two values of one time, in seconds since 1970.
    case twoValues(at: Int64, Double?, Double?)
    /// What wildcards stood for last is no member's name, which could be a time, but an element of a list.
    case keyIsNoName
    /// What stands where a duration should.
    case notADuration(String)
    /// Values are counted from a start, and nothing says how long each is.
    case stepMissing
    /// Values are counted from a start, which isn't there.
    case startMissing
    /// Several values that begin as soon as they are read.
    case severalFromNow
    /// A lone value that is stamped with its end, and nothing says when it began.
    case noLength
    /// A line of a table, counted from 1.
    case line(Int, TableProblem)
    /// A table has no line with a value.
    case noLines
}

/// What is wrong with a line of a table.
public enum TableProblem: Equatable, Sendable {
    case notText
    /// A quotation mark that isn't closed, or closed before the field's end.
    case quotes
    /// More than two fields and no column is named, or too few.
    case columns(Int)
    /// A column is asked for, and no line of names comes first.
    case noNames(String)
    case noColumn(String, among: [String])
    case notATime(String)
    case notANumber(String)
}

extension SignalProblem {
    /// `2026-06-15T22:00:00Z`, of seconds since 1970.
    public static func time(_ seconds: Int64) -> String { SignalTime.text(seconds) }
}
