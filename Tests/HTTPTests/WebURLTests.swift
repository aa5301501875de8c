import TestSupport
import Testing

@testable import HTTP

struct WebURLTests {
    @Test(
        "a URL has an origin, a path and a query",
        arguments: [
            ("https://api.example.org", "https://api.example.org", "/", ""),
            ("HTTPS://API.Example.org:443/x?a=1&b=/?", "https://api.example.org", "/x", "?a=1&b=/?"),
            ("http://10.0.0.1:80", "http://10.0.0.1", "/", ""), ("http://h:443/", "http://h:443", "/", ""),
            ("https://[FD00::1]:8443/a;b,c=%20@:!$&'()*+", "https://[fd00::1]:8443", "/a;b,c=%20@:!$&'()*+", ""),
            ("https://h?q", "https://h", "/", "?q"), ("https://my_host-1.x:1/", "https://my_host-1.x:1", "/", ""),
        ])
    func parts(_ text: String, _ origin: String, _ path: String, _ query: String) throws {
        let url = try WebURL(text)
        #expect((url.origin, url.path, url.query) == (origin, path, query))
        // What is written from its parts is the same URL.
        #expect(try WebURL(url.origin + url.path + url.query) == url)
    }

    @Test(
        "what is no URL of the web is refused with why",
        arguments: [
            ("", .scheme), ("example.org", .scheme), ("ftp://h/", .scheme), ("file:///etc/passwd", .scheme), ("//h/", .scheme),
            ("https://user:word@h/", .login), ("https://u@h", .login), ("https://", .host), ("https:///x", .host),
            ("https://:1/", .host), ("https://h:0/", .host), ("https://h:65536/", .host), ("https://a b/", .character(" ")),
            ("https://h/é", .character("é")), ("https://h/a\r\nb", .character("\r")), ("https://h/{date}", .character("{")),
            ("https://h/#x", .character("#")), ("https://h,i/", .host), ("https://h%00/", .host),
            ("https://h/" + String(repeating: "x", count: 8_000), .tooLong),
        ] as [(String, WebURL.Problem)])
    func refused(_ text: String, _ problem: WebURL.Problem) { #expect(throws: problem) { try WebURL(text) } }

    @Test(
        "a reference is resolved as RFC 3986 says, and only to the web",
        arguments: [
            ("/b", "https://h/b"), ("b?c", "https://h/x/b?c"), ("?c", "https://h/x/y?c"), ("//other/b", "https://other/b"),
            ("https://other:1/b#frag", "https://other:1/b"), ("http://h/", "http://h/"), ("#frag", "https://h/x/y"),
            ("javascript:x", nil), ("file:///etc", nil), ("ftp://h/", nil), ("https://u:p@h/", nil), ("/a b", nil), ("//", nil),
            ("/b:c", "https://h/b:c"),
        ] as [(String, String?)])
    func resolved(_ reference: String, _ url: String?) throws {
        let found = try WebURL("https://h/x/y?z").resolving(reference)
        #expect(found.map { $0.origin + $0.path + $0.query } == url)
    }

    @Test(
        "whose servers cost nobody else anything is told from the address, or from the name's end",
        arguments: [
            ("127.0.0.1", true), ("127.9.9.9", true), ("10.1.2.3", true), ("172.16.0.1", true), ("172.32.0.1", false),
            ("192.168.178.30", true), ("169.254.0.1", true), ("8.8.8.8", false), ("[::1]", true), ("[fd00::1]", true),
            ("[fe80::1]", true), ("[2001:db8::1]", false), ("localhost", true), ("inverter", true), ("shelly.local", true),
            ("prometheus.monitoring.svc", true), ("x.svc.cluster.local", true), ("api.awattar.at", false),
            ("local.example.org", false),
            ("10.0.0.1.example.org", false),
        ])
    func isPrivate(_ host: String, _ isPrivate: Bool) throws { #expect(try WebURL("http://\(host):81/").isPrivate == isPrivate) }

    @Test("whatever text comes, a URL has nothing in it that would end a request's line")
    func anything() {
        var generator = SeededGenerator(seed: 37)
        let parts = [
            "https://", "http://", "h", "[::1]", ":", "80", "/", "?", "#", "@", " ", "\r\n", "é", "\u{0}", "%", ".", "//",
        ]
        for _ in 0..<5_000 {
            let text = (0..<Int.random(in: 0...8, using: &generator)).map { _ in parts.randomElement(using: &generator)! }
                .joined()
            guard let url = try? WebURL(text) else { continue }
            #expect((url.origin + url.path + url.query).utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "\(text)")
            #expect(url.path.hasPrefix("/"), "\(text)")
        }
    }
}
