internal import HTTP
internal import JSON
internal import Text

/// Whose a token is: a pod's, of a service account.
public struct TokenIdentity: Equatable, Sendable {
    /// `system:serviceaccount:NAMESPACE:NAME`.
    let user: String
    /// Of the service account.
    let uid: String
    let groups: [String]
    /// That the pod runs on.
    public let node: String
    let pod: String
}

/// Why whoever shows a token isn't known by it.
public enum TokenRefusal: Error, Equatable, Sendable {
    /// None was shown.
    case absent
    /// What was shown is none of a service account.
    case malformed
    case expired
    /// It was made for somebody else; for whom it should be.
    case otherAudience(String)
    /// It is another account's; whose it should be.
    case otherAccount(String)
    /// It says of no node that its pod runs there.
    case noNode
    /// The API server doesn't take it; in its words.
    case refused(String)

    /// What a person reads, and what there is to do.
    public var sentence: String {
        switch self {
        case .absent: "no token was shown: send `Authorization: Bearer TOKEN` with that of a pod's service account"
        case .malformed: "what was shown is no service account's token"
        case .expired:
            "the token has expired: the kubelet replaces a pod's in time, so read the file again, and look at both clocks"
        case .otherAudience(let audience):
            "the token isn't made for \(quoted(audience)): name that as the audience of the pod's projected token"
        case .otherAccount(let account): "the token isn't of the account \(quoted(account))"
        case .noNode:
            "the token names no node: it has to be a pod's projected one, of Kubernetes 1.30 or later (ServiceAccountTokenPodNodeInfo)"
        case .refused(let words): "the API server doesn't take the token: \(quoted(words))"
        }
    }
}

/// Asks the API server whose a token is (authentication.k8s.io/v1, TokenReview).
enum TokenReview {
    private static let reviews = Resource(group: "authentication.k8s.io", "v1", "tokenreviews")
    /// Why a pod's token says on which node it runs: KEP-4193.
    private static let nodeKey = "authentication.kubernetes.io/node-name"
    private static let podKey = "authentication.kubernetes.io/pod-name"
    private static let longestWords = 200

    static func request(_ token: String, for audience: String) -> Request {
        reviews.create([
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
            "spec": ["token": .text(token), "audiences": [.text(audience)]],
        ])
    }

    /// Of the answer; the token stands in it, too.
    private static let interest = JSONInterest.members([
        "status": .members([
            "authenticated": .all, "audiences": .all, "error": .all,
            "user": .members(["username": .all, "uid": .all, "groups": .all, "extra": .members([nodeKey: .all, podKey: .all])]),
        ])
    ])

    /// What came of it; nil for what is no answer to it.
    static func verdict(_ body: [UInt8], for audience: String) -> Result<TokenIdentity, TokenRefusal>? {
        guard let status = try? JSON(body, interest, within: .answer)["status"], status.members != nil else { return nil }
        guard status["authenticated"]?.flag == true else {
            let words = (status["error"]?.text ?? "").prefix(longestWords)
            return .failure(.refused(words.isEmpty ? "it is nobody's" : String(words)))
        }
        // A server that knows of no audiences names none, and takes tokens that were made for others.
        guard status["audiences"]?.elements?.contains(.text(audience)) == true else { return .failure(.otherAudience(audience)) }
        let user = status["user"]
        func extra(_ key: String) -> String? {
            let values = user?["extra"]?[key]?.elements ?? []
            return values.count == 1 ? values[0].text.flatMap { $0.isEmpty ? nil : $0 } : nil
        }
        guard let name = user?["username"]?.text, !name.isEmpty else { return .failure(.refused("it names nobody")) }
        guard let node = extra(nodeKey) else { return .failure(.noNode) }
        return .success(
            TokenIdentity(
                user: name, uid: user?["uid"]?.text ?? "", groups: user?["groups"]?.elements?.compactMap(\.text) ?? [],
                node: node,
                pod: extra(podKey) ?? ""))
    }
}
