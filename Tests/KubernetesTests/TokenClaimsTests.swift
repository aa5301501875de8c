import Foundation
import Testing

@testable import Kubernetes

struct TokenClaimsTests {
    /// A token with these claims.
    private static func token(_ claims: String) -> String {
        let body = Data(claims.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
            "=", with: "")
        return "header.\(body).signature"
    }

    @Test(
        "a token says until when it lives, or doesn't",
        arguments: [
            (token(#"{"exp":1795492800,"sub":"x"}"#), 1_795_492_800), (token(#"{"exp":0}"#), 0), (token(#"{"sub":"ü?>~"}"#), nil),
            (token(#"{"exp":"1795492800"}"#), nil), (token(#"{"exp":-1}"#), nil), (token(#"{"exp":18446744073709551615}"#), nil),
            (token("nonsense"), nil), (token("[]"), nil), ("opaque", nil), ("a.b", nil), ("a.b.c.d", nil), ("a.!!.c", nil),
            ("..", nil),
            ("", nil),
        ] as [(String, Int64?)])
    func expiry(_ token: String, _ expiry: Int64?) {
        #expect(TokenClaims.expiry(of: token) == expiry)
    }

    @Test("claims of every length are decoded")
    func padding() {
        for length in 0..<8 {
            let claims = #"{"x":"\#(String(repeating: "~", count: length))","exp":7}"#
            #expect(TokenClaims.expiry(of: Self.token(claims)) == 7)
        }
    }
}
