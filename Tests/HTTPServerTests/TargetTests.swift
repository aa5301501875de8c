import Testing

@testable import HTTPServer

struct TargetTests {
    @Test(
        "a target is a path, decoded; its query only has to be one",
        arguments: [
            ("/", "/"), ("/a/b", "/a/b"), ("/%C3%A4%2f+", "/ä/+"), ("/?", "/"), ("/a?b", "/a"), ("/a?b=c&d=e=f&&g=", "/a"),
            ("/?a+b=%26+%3D", "/"), ("/?a=?/", "/"), ("http://any.host:80/a?b", "/a"),
        ])
    func read(_ text: String, _ path: String) { #expect(Target(text)?.path == path) }

    @Test(
        "what can't be decoded, or is no path, is no target",
        arguments: [
            "", "*", "a", "?a", "host:443", "http://host", "http://host?a", "/%", "/%4", "/%4g", "/%g4", "/%00", "/a%00b", "/%ff",
            "/%C3",
            "/?%00", "/?a=%00", "/?a=%", "/?%ff",
        ])
    func none(_ text: String) { #expect(Target(text) == nil) }
}
