internal import Policy
internal import PowercapProtocol
internal import Text

/// An HTML document on its way out. Markup is what is written in the code, letter by letter; everything else is text, and escaped.
struct HTML {
    private var output = Output()

    var bytes: [UInt8] { output.bytes }

    /// What no text from outside can become: a literal without anything put into it.
    struct Markup: ExpressibleByStringLiteral, Sendable {
        let text: String

        init(stringLiteral text: String) { self.text = text }
    }

    mutating func markup(_ markup: Markup) { output.append(markup.text) }

    mutating func text(_ text: String) { output.append(markup: text) }

    mutating func number(_ number: Int) {
        if number < 0 { output.append("-") }
        output.append(UInt64(number.magnitude))
    }

    /// An element with nothing but text in it.
    mutating func element(_ begin: Markup, _ text: String, _ end: Markup) {
        markup(begin)
        self.text(text)
        markup(end)
    }
}

// What several parts of the page write the same way.
extension HTML {
    /// A power in a cell of a table.
    mutating func cell(_ power: Microwatts?, orElse words: String = "unknown") {
        element("<td>", power?.words ?? words, "")
    }

    /// The same of a power that was measured.
    mutating func cell(measured power: Microwatts?) { element("<td>", power?.roughly ?? "unknown", "") }

    /// A row of a list of names and values.
    mutating func row(_ name: String, _ value: String) {
        element("<div><dt>", name, "</dt>")
        element("<dd>", value, "</dd></div>")
    }

    mutating func list(_ sentences: [String]) {
        markup("<ul>")
        for sentence in sentences { element("<li>", sentence, "") }
        markup("</ul>")
    }

    /// A table that is wider than a phone moves sideways by itself: whoever has only a keyboard can get to it.
    mutating func table(_ id: Markup, _ caption: String, head: [String], body: (inout HTML) -> Void) {
        markup("<div class=wide tabindex=0 role=region id=")
        markup(id)
        element(" aria-label=\"", caption, "\"><table>")
        element("<caption>", caption, "</caption><thead><tr>")
        for name in head { element("<th scope=col>", name, "") }
        markup("<tbody>")
        body(&self)
        markup("</table></div>")
    }
}
