import Testing

@testable import Text

struct PrintableTests {
    @Test(
        "what a terminal would obey is escaped, and everything else stays",
        arguments: [
            ("plain text", "plain text"), ("Köln 日本 😀 µW", "Köln 日本 😀 µW"), ("a\nb\r\t", #"a\nb\r\t"#),
            ("\u{1B}[31m", #"\u{1b}[31m"#),
            ("\u{9B}31m", #"\u{9b}31m"#), ("\u{7F}", #"\u{7f}"#), ("\u{202E}x\u{2066}", #"\u{202e}x\u{2066}"#),
            ("\u{200B}\u{FEFF}\u{AD}", #"\u{200b}\u{feff}\u{ad}"#), ("\u{2028}\u{2029}", #"\u{2028}\u{2029}"#),
            ("\u{E000}", #"\u{e000}"#),
            ("\u{E0041}", #"\u{e0041}"#), ("\u{FFFE}", #"\u{fffe}"#), ("\u{0}", #"\u{0}"#),
        ])
    func printable(_ text: String, _ printed: String) {
        #expect(text.printable == printed)
        #expect(printed.printable == printed)
    }

    @Test("no scalar of Unicode that has a terminal's attention gets through")
    func all() {
        for value in 0...0x10FFFF as ClosedRange<UInt32> {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let isControl = value < 0x20 || 0x7F...0x9F ~= value
            let isDirection = [0x61C, 0x200E, 0x200F].contains(value) || 0x202A...0x202E ~= value || 0x2066...0x2069 ~= value
            if isControl || isDirection || value == 0x2028 || value == 0x2029 { #expect(!scalar.isPrintable) }
        }
    }

    @Test(
        "a text is shortened at a character",
        arguments: [("abc", 3, "abc"), ("abcd", 3, "abc..."), ("éé", 3, "é..."), ("", 0, "")])
    func shortened(_ text: String, _ most: Int, _ short: String) { #expect(text.shortened(to: most) == short) }
}
