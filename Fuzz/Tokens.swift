// Tokens: whatever is shown as a token, and whatever an API server says of one, is refused or names an account and a node.
// At most 4096 bytes
@testable import Kubernetes

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input is valid for the call, and `count` is its size.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let text = String(decoding: input, as: UTF8.self)
    for token in [text, "header.\(coded(input)).signature"] {
        guard let claims = TokenClaims(of: token) else { continue }
        precondition(claims.expiry_s == TokenClaims.expiry(of: token) && claims.expiry_s ?? 0 >= 0)
    }
    switch TokenReview.verdict(input, for: "powercap-coordinator") {
    case .success(let identity): precondition(!identity.node.isEmpty && !identity.user.isEmpty)
    case .failure(let refusal): precondition(!refusal.sentence.isEmpty)
    case nil: break
    }
    return 0
}

/// As a token has its claims (RFC 4648, section 5, without padding).
private func coded(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var coded: [UInt8] = []
    for first in stride(from: 0, to: bytes.count, by: 3) {
        let three = bytes[first..<min(first + 3, bytes.count)]
        let bits = three.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - three.count))
        for digit in 0...three.count { coded.append(alphabet[Int(bits >> (18 - 6 * UInt32(digit)) & 63)]) }
    }
    return String(decoding: coded, as: UTF8.self)
}
