import Foundation
import JSON
import Testing

@testable import Kubernetes

struct TokenReviewTests {
    private static func status(
        authenticated: JSON? = .flag(true), audiences: JSON? = ["x"], name: JSON? = "system:serviceaccount:a:b",
        node: JSON? = ["n1"]
    ) -> JSON {
        var extra: [JSON.Member] = [.init("authentication.kubernetes.io/pod-name", ["p"])]
        if let node { extra.append(.init("authentication.kubernetes.io/node-name", node)) }
        var user: [JSON.Member] = [.init("uid", "u"), .init("groups", ["g", "h"]), .init("extra", .object(extra))]
        if let name { user.append(.init("username", name)) }
        var status: [JSON.Member] = [.init("user", .object(user))]
        if let authenticated { status.append(.init("authenticated", authenticated)) }
        if let audiences { status.append(.init("audiences", audiences)) }
        return ["kind": "TokenReview", "spec": ["token": "secret"], "status": .object(status)]
    }

    @Test("whose a token is is taken as the server says it")
    func identity() {
        let identity = TokenIdentity(user: "system:serviceaccount:a:b", uid: "u", groups: ["g", "h"], node: "n1", pod: "p")
        #expect(TokenReview.verdict(Self.status().bytes, for: "x") == .success(identity))
        #expect(TokenReview.verdict(Self.status(audiences: ["y", "x"]).bytes, for: "x") == .success(identity))
    }

    @Test(
        "what doesn't say that it is known, for whom it was made and where it runs is refused",
        arguments: [
            (status(authenticated: nil), .refused("it is nobody's")),
            (status(authenticated: .flag(false)), .refused("it is nobody's")),
            (status(authenticated: "true"), .refused("it is nobody's")),
            // A server that knows of no audiences takes those of others.
            (status(audiences: nil), .otherAudience("x")), (status(audiences: []), .otherAudience("x")),
            (status(audiences: "x"), .otherAudience("x")), (status(audiences: ["xy"]), .otherAudience("x")),
            (status(name: nil), .refused("it names nobody")), (status(name: ""), .refused("it names nobody")),
            (status(node: nil), .noNode), (status(node: []), .noNode), (status(node: ["n1", "n2"]), .noNode),
            (status(node: [""]), .noNode),
            (status(node: "n1"), .noNode),
            (["status": ["error": "[invalid bearer token, expired]"]], .refused("[invalid bearer token, expired]")),
            (
                ["status": ["authenticated": .flag(false), "error": .text(String(repeating: "x", count: 3_000))]],
                .refused(String(repeating: "x", count: 200))
            ),
        ] as [(JSON, TokenRefusal)])
    func refusals(_ answer: JSON, _ refusal: TokenRefusal) {
        #expect(TokenReview.verdict(answer.bytes, for: "x") == .failure(refusal))
    }

    @Test("what is no answer is none", arguments: ["", "{", "[]", "{}", "{\"status\":1}", "{\"status\":null}", "\u{0}"])
    func garbage(_ text: String) { #expect(TokenReview.verdict(Array(text.utf8), for: "x") == nil) }

    @Test("the token is sent with the audience, and in the body alone")
    func request() throws {
        let request = TokenReview.request("secret", for: "x")
        let body = try #require(Mirror(reflecting: request).descendant("body", "some", "bytes") as? [UInt8])
        #expect(try JSON(body)["spec"] == ["token": "secret", "audiences": ["x"]])
        let path = try #require(Mirror(reflecting: request).descendant("path") as? String)
        #expect(path.hasPrefix("/apis/authentication.k8s.io/v1/tokenreviews") && !path.contains("secret"))
    }

    @Test("each refusal says what to do, and none tells the token")
    func sentences() {
        let refusals: [TokenRefusal] = [
            .absent, .malformed, .expired, .otherAudience("x"), .otherAccount("a"), .noNode, .refused("because"),
        ]
        #expect(Set(refusals.map(\.sentence)).count == refusals.count)
        #expect(TokenRefusal.otherAudience("x").sentence.contains("\"x\""))
        #expect(TokenRefusal.refused("a\nb").sentence == #"the API server doesn't take the token: "a\nb""#)
    }
}
