import LinuxSystem
import Testing

@testable import HTTP

struct ProxyTests {
    @Test(
        "a URL's server is found",
        arguments: [
            ("https://10.96.0.1:443", "10.96.0.1", 443), ("https://api.example", "api.example", 7),
            ("https://[fd00::1]:6443/x", "fd00::1", 6443),
            ("http://user:word@proxy:3128/", "proxy", 3128), ("proxy", "proxy", 7), ("proxy:1", "proxy", 1), ("[::1]", "::1", 7),
        ])
    func endpoints(_ url: String, _ host: String, _ port: UInt16) {
        #expect(Endpoint(url, defaultPort: 7) == Endpoint(host: host, port: port))
    }

    @Test(
        "what is no server's URL isn't one", arguments: ["", "https://", "https://:1", "x:0", "x:65536", "x:a", "[::1", "[::1]1"])
    func noEndpoints(_ url: String) { #expect(Endpoint(url, defaultPort: 7) == nil) }

    @Test(
        "the environment's proxy is that which libcurl would take",
        arguments: [
            ([:], nil), (["https_proxy": "http://p:1"], "http://p:1"), (["HTTPS_PROXY": "http://p:1"], "http://p:1"),
            (["https_proxy": "a", "HTTPS_PROXY": "b"], "a"), (["https_proxy": "", "HTTPS_PROXY": "b"], "b"),
            (["all_proxy": "a"], "a"),
            (["ALL_PROXY": "a"], "a"), (["https_proxy": "a", "all_proxy": "b"], "a"),
            (["http_proxy": "a", "HTTP_PROXY": "a"], nil),
            (["https_proxy": "a", "no_proxy": "*"], nil), (["https_proxy": "a", "NO_PROXY": "*"], nil),
            (["https_proxy": "a", "no_proxy": "x", "NO_PROXY": "*"], "a"),
        ] as [([String: String], String?)])
    func chosen(_ environment: [String: String], _ text: String?) {
        #expect(Proxy(for: Endpoint(host: "api.example.org", port: 443)) { environment[$0] }?.text == text)
    }

    @Test(
        "exceptions are names with what is below them, addresses and networks",
        arguments: [
            ("api.example.org", "example.org", true), ("api.example.org", ".example.org", true),
            ("api.example.org", "example.org.", true),
            ("API.Example.org", "example.ORG", true), ("api.example.org.", "example.org", true),
            ("example.org", ".example.org", true),
            ("badexample.org", "example.org", false), ("api.example.org", "a,b example.org", true),
            ("api.example.org", "org.example", false),
            ("10.96.0.1", "10.96.0.0/12", true), ("10.96.0.1", "10.96.0.1", true), ("10.96.0.1", "10.96.0.10", false),
            ("10.112.0.1", "10.96.0.0/12", false), ("10.96.0.1", "localhost,10.0.0.0/8", true), ("10.96.0.1", "0.0.0.0/0", true),
            ("10.96.0.1", "10.96.0.0/33", false), ("10.96.0.1", "96.0.1", false), ("fd00::1", "fd00::/8", true),
            ("fd00::1", "[fd00::1]", true),
            ("fd00::1", "10.0.0.0/8", false), ("10.96.0.1", "", false), ("10.96.0.1", ",", false),
        ])
    func exceptions(_ host: String, _ exceptions: String, _ isExcepted: Bool) {
        let environment = ["https_proxy": "http://proxy:3128", "no_proxy": exceptions]
        #expect((Proxy(for: Endpoint(host: host, port: 443)) { environment[$0] } == nil) == isExcepted)
    }

    @Test(
        "a proxy has a port of its scheme, and takes names or doesn't",
        arguments: [
            ("p", 1080, true), ("http://p", 1080, true), ("https://p", 443, true), ("socks5h://p", 1080, true),
            ("socks4a://p", 1080, true),
            ("socks5://p", 1080, false), ("SOCKS4://p", 1080, false), ("http://p:3128", 3128, true),
        ])
    func schemes(_ text: String, _ port: UInt16, _ takesNames: Bool) throws {
        let proxy = try #require(Proxy(for: Endpoint(host: "api", port: 443)) { ["https_proxy": text][$0] })
        #expect(proxy.endpoint == Endpoint(host: "p", port: port))
        #expect(proxy.takesNames == takesNames)
    }
}
