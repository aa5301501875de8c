internal import LinuxSystem
internal import PowercapProtocol
internal import Text

extension Output {
    static var standard: Output { Output(to: .output) }

    mutating func append(_ power: Microwatts) { append(power.rawValue) }

    /// In watts with three decimals, enough for the hardware's step, right-aligned; what is finer is left out.
    mutating func append(watts power: Microwatts, width: Int) {
        let milliwatts = power.rawValue / 1_000
        var (digits, whole) = (1, milliwatts / 1_000)
        while whole >= 10 { (digits, whole) = (digits + 1, whole / 10) }
        appendSpaces(width - digits - 4)
        append(milliwatts / 1_000)
        append(".")
        append(Int32(milliwatts % 1_000), digits: 3)
    }
}

extension Output {
    /// A sentence of whoever, in lines of at most 80 columns; those after the first are as far in as what stands before it.
    mutating func append(sentence text: String, behind head: String = "") {
        append(wrapped(head + text.printable, indent: head.utf8.count))
    }

    /// `label    text`
    mutating func append(label: String, _ text: String) { append(sentence: text, behind: label.padded(to: 9)) }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - utf8.count)) }
}

/// One line on standard error, under the program's name.
func complain(_ sentence: String) {
    // Where standard error is closed there is nobody to tell.
    try? StandardStream.error.writeAll(Array("powercap-controller: \(sentence.printable)\n".utf8))
}

/// Writes to standard output, and gives the exit status.
func printing(_ body: (inout Output) throws(Errno) -> Void) -> Int32 {
    var output = Output.standard
    do throws(Errno) {
        try body(&output)
        try output.flush()
        return 0
    } catch {
        complain("can't write to standard output: \(error.explanation) (\(error.name))")
        return 1
    }
}
