internal import CLinux

extension StandardStream {
    /// How many columns the terminal has that this stream goes to; nil where it goes to a file or a pipe. A terminal that doesn't know
    /// its size, as a serial line doesn't, counts as one of 80 (TIOCGWINSZ, ioctl_tty(2)).
    public var columns: Int? {
        let columns = cl_terminal_columns(number)
        return columns < 0 ? nil : columns == 0 ? 80 : Int(columns)
    }
}
