import HTTP
import Signals
import Testing

@testable import powercap_controller

struct AddressTemplateTests {
    /// 2026-06-20T22:30:00Z.
    private static let now: Int64 = 1_781_994_600

    private func url(_ text: String, at seconds: Int64 = now, in zone: SignalZone = .utc) throws -> String {
        let url = try AddressTemplate(text).url(at: seconds, in: zone)
        return url.origin + url.path + url.query
    }

    @Test(
        "times that are left open are filled in",
        arguments: [
            ("https://h/x", "https://h/x"), ("https://h/{date}", "https://h/2026-06-20"),
            ("https://h/{date+1}/{date-1}", "https://h/2026-06-21/2026-06-19"), ("https://h/{date+11}", "https://h/2026-07-01"),
            ("https://h/?from={now}&to={now+PT24H}", "https://h/?from=2026-06-20T22:30Z&to=2026-06-21T22:30Z"),
            ("https://h/{now-P1D}", "https://h/2026-06-19T22:30Z"), ("https://h/{now+PT1H30M}", "https://h/2026-06-21T00:00Z"),
            ("https://h/{unix}-{unix+PT1H}-{unix-PT1S}", "https://h/1781994600-1781998200-1781994599"),
        ])
    func filled(_ text: String, _ url: String) throws { #expect(try self.url(text) == url) }

    @Test(
        "what stands in braces and is no time is named, and a brace alone is refused",
        arguments: [
            ("https://h/{}", .placeholder("")), ("https://h/{zone}", .placeholder("zone")),
            ("https://h/{date+}", .placeholder("date+")),
            ("https://h/{date+1d}", .placeholder("date+1d")), ("https://h/{date+1000}", .placeholder("date+1000")),
            ("https://h/{now+1}", .placeholder("now+1")), ("https://h/{now+P1Y}", .placeholder("now+P1Y")),
            ("https://h/{now+P9999Y}", .placeholder("now+P9999Y")), ("https://h/{Date}", .placeholder("Date")),
            ("https://h/{date", .brace), ("https://h/date}", .brace), ("https://h/{{date}}", .brace), ("h/{date}", .url(.scheme)),
            ("https://u:p@h/{date}", .url(.login)), ("https://{date}/", .none),
        ] as [(String, AddressTemplate.Problem?)])
    func refused(_ text: String, _ problem: AddressTemplate.Problem?) {
        guard let problem else {
            #expect(throws: Never.self) { try AddressTemplate(text) }
            return
        }
        #expect(throws: problem) { try AddressTemplate(text) }
        #expect(!problem.words.isEmpty && !problem.words.contains("\n"))
    }

    @Test("several have blanks between them, and each is one")
    func several() throws {
        #expect(
            try AddressTemplate.all(in: " https://h/{date}  https://h/{date+1}\t").map(\.text) == [
                "https://h/{date}", "https://h/{date+1}",
            ])
        #expect(throws: AddressTemplate.Problem.url(.scheme)) { try AddressTemplate.all(in: "https://h/ x") }
        #expect(try AddressTemplate.all(in: " ").isEmpty)
    }
}
