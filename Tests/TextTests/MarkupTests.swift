import Testing

@testable import Text

struct MarkupTests {
    @Test(
        "nothing of a text is taken for markup, neither between tags nor in an attribute",
        arguments: [
            ("120 W", "120 W"), ("<b>&amp;", "&lt;b&gt;&amp;amp;"), ("\" onload='x'", "&quot; onload=&#39;x&#39;"),
            ("a\n\u{1B}[0m\u{202E}", #"a\n\u{1b}[0m\u{202e}"#), ("Köln שלום", "Köln שלום"),
        ])
    func escaped(_ text: String, _ expected: String) {
        var output = Output()
        output.append(markup: text)
        #expect(String(decoding: output.bytes, as: UTF8.self) == expected)
    }
}
