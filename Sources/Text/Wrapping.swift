/// The widest line of text that is meant for people.
public let textWidth = 80

/// A line broken at spaces before it is longer than `width`; the lines after the first are indented.
public func wrapped(_ text: String, indent: Int = 0, width: Int = textWidth) -> String {
    var (result, column) = ("", 0)
    for (index, word) in text.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
        if index > 0, column + 1 + word.utf8.count > width {
            result += "\n" + String(repeating: " ", count: indent) + word
            column = indent + word.utf8.count
        } else {
            result += (index == 0 ? "" : " ") + word
            column += (index == 0 ? 0 : 1) + word.utf8.count
        }
    }
    return result + "\n"
}
