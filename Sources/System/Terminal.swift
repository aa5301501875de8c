internal import CLinux

extension StandardStream {
    /// How many columns the terminal has that this stream goes to; nil where it goes to a file or a pipe. A terminal that doesn't know
    /// its size, as a serial line doesn't, counts as one of 80 (TIOCGWINSZ, ioctl_tty(2)).
    public var columns: Int? {
        let columns = cl_terminal_columns(number)
        return columns < 0 ? nil : columns == 0 ? 80 : Int(columns)
    }
}

/// The terminal that standard output goes to, if it is one.
public enum Terminal {
    /// Empties it, so that what is written next stands at its top (ECMA-48: CUP, ED). Nothing where it is no terminal.
    public static func clearOutput() {
        guard StandardStream.output.columns != nil else { return }
        try? StandardStream.output.writeAll(Array("\u{1B}[H\u{1B}[2J".utf8))
    }
}
