import Testing

@testable import Metrics

struct FormatTests {
    @Test(
        "OpenMetrics is given to who likes it better, and the text format to everybody else",
        arguments: [
            (nil, .text), ("", .text), ("*/*", .text), ("text/html", .text), ("text/plain", .text),
            // Prometheus 2.42, and 3.
            (
                "application/openmetrics-text; version=1.0.0; charset=utf-8,application/openmetrics-text; version=0.0.1; "
                    + "charset=utf-8;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;"
                    + "version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,"
                    + "*/*;q=0.1", .openMetrics
            ),
            // Prometheus before 2.5, curl, a browser.
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", .text),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", .text),
            // The weight decides, whatever the order; of equal ones the text format is safer.
            ("text/plain;q=0.4, application/openmetrics-text;q=0.5", .openMetrics),
            ("application/openmetrics-text;q=0.5, text/plain;q=0.501", .text),
            ("application/openmetrics-text, text/plain", .text), ("application/openmetrics-text;q=0.5,*/*;q=0.5", .text),
            ("application/*", .openMetrics), ("application/*;q=0.3, text/*;q=0.2", .openMetrics),
            // What means it most exactly counts, not what weighs most.
            ("*/*, application/openmetrics-text;q=0.1", .text), ("text/plain;q=0.1, */*;q=0.9", .openMetrics),
            ("application/openmetrics-text;version=1.0.0;q=0, application/openmetrics-text;q=1, text/plain;q=0.1", .text),
            // Another version is another thing.
            ("application/openmetrics-text;version=0.0.1", .text), ("application/openmetrics-text;version=2.0.0", .text),
            ("application/openmetrics-text;version=\"1.0.0\"", .openMetrics),
            // 0 is not at all, and then something that can be read is better than nothing.
            ("application/openmetrics-text;q=0", .text), ("text/plain;q=0", .text),
            ("text/plain;q=0,application/openmetrics-text", .openMetrics),
            // Names are the same in capitals; blanks don't count.
            ("Application/OpenMetrics-Text ; Version=1.0.0 ; Q=0.9 , text/plain ; q=0.8", .openMetrics),
            // What can't be read isn't there.
            ("application/openmetrics-text;q=2", .text), ("application/openmetrics-text;q=1.5", .text),
            ("application/openmetrics-text;q=", .text), ("application/openmetrics-text;q=0.1234", .text),
            ("application/openmetrics-text;q=-1", .text), ("application/openmetrics-text;q=x", .text),
            ("application/", .text), ("/openmetrics-text", .text), ("application/openmetrics-text/x", .text), (",;=,", .text),
            (";;;", .text), ("q=1", .text),
            // A comma in quotation marks ends nothing.
            ("application/openmetrics-text;x=\"a,text/plain;q=1,\\\"b\";q=0.9,text/plain;q=0.5", .openMetrics),
            ("text/plain;x=\",application/openmetrics-text", .text),
        ] as [(String?, Format)])
    func choice(_ accept: String?, _ format: Format) { #expect(Format(accept: accept) == format) }

    @Test("each format has the media type by which Prometheus knows it")
    func mediaTypes() {
        #expect(Format.text.mediaType == "text/plain; version=0.0.4; charset=utf-8")
        #expect(Format.openMetrics.mediaType == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    }
}
