import Testing

@testable import Text

struct WrappingTests {
    @Test(
        "a line is broken at the last space before its end, and a word that is longer stays whole",
        arguments: [
            ("", "\n"), ("a b", "a b\n"), ("aaaa bbbb cc", "aaaa bbbb\n  cc\n"), ("aaaa bbbbb c", "aaaa bbbbb\n  c\n"),
            ("aaaa bbbbbb", "aaaa\n  bbbbbb\n"), ("aaaaaaaaaaaa b", "aaaaaaaaaaaa\n  b\n"), ("  a  b", "  a  b\n"),
        ])
    func breaks(_ text: String, _ expected: String) { #expect(wrapped(text, indent: 2, width: 10) == expected) }
}
