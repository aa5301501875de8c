import Testing

@testable import HTTPServer

struct TargetTests {
    private typealias Item = ServerRequest.QueryItem

    @Test(
        "a target is a path and a query, decoded",
        arguments: [
            ("/", "/", []), ("/a/b", "/a/b", []), ("/%C3%A4%2f+", "/ä/+", []), ("/?", "/", []), ("/a?b", "/a", ["b="]),
            ("/a?b=c&d=e=f&&g=", "/a", ["b=c", "d=e=f", "g="]), ("/?a+b=%26+%3D", "/", ["a b=& ="]),
            ("/?a=?/", "/", ["a=?/"]), ("http://any.host:80/a?b", "/a", ["b="]),
        ])
    func read(_ text: String, _ path: String, _ query: [String]) throws {
        let target = try #require(Target(text))
        #expect(target.path == path)
        #expect(target.query.map { "\($0.name)=\($0.value)" } == query)
    }

    @Test(
        "what can't be decoded, or is no path, is no target",
        arguments: [
            "", "*", "a", "?a", "host:443", "http://host", "http://host?a", "/%", "/%4", "/%4g", "/%g4", "/%00", "/a%00b", "/%ff",
            "/%C3",
            "/?%00", "/?a=%00", "/?a=%", "/?%ff",
        ])
    func none(_ text: String) { #expect(Target(text) == nil) }
}
