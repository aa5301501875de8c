internal import Fleet
internal import HTTPServer
internal import JSON

/// What a node is answered to its report.
enum GrantReply: Equatable, Sendable {
    case granted(Grant)
    /// With the sentence that the node tells, and when it is to ask again, s.
    case refused(Cause, String, retryAfter_s: UInt64? = nil)

    /// Why there is no grant: metrics count them by these names.
    enum Cause: String, CaseIterable, Sendable {
        case malformed, unauthorized, pending, forbidden, uncovered, misdirected, overtaken, version, flood, following, starting

        /// Of RFC 9110 and RFC 6585.
        var status: UInt32 {
            switch self {
            case .malformed: 400
            case .unauthorized: 401
            case .forbidden: 403
            case .uncovered: 404
            case .misdirected: 421
            case .version: 426
            case .flood: 429
            case .pending, .overtaken, .following, .starting: 503
            }
        }
    }

    /// How metrics count it.
    var result: String {
        switch self {
        case .granted(let grant): grant.limit == nil ? "unconfirmed" : "granted"
        case .refused(let cause, _, _): cause.rawValue
        }
    }

    var response: ServerResponse {
        switch self {
        case .granted(let grant): return ServerResponse(contentType: "application/json", body: grant.bytes)
        case .refused(let cause, let why, let retryAfter_s):
            let body: JSON = ["error": .text(why)]
            var headers: [ServerResponse.Header] = []
            if let retryAfter_s { headers.append(ServerResponse.Header("Retry-After", "\(retryAfter_s)")) }
            // Whoever is asked in vain isn't asked again soon, and the node turns to the other one.
            if cause == .following { headers.append(ServerResponse.Header("Connection", "close")) }
            if cause == .unauthorized { headers.append(ServerResponse.Header("WWW-Authenticate", "Bearer")) }
            return ServerResponse(
                status: cause.status, contentType: "application/json", headers: headers, body: body.bytes + [UInt8(ascii: "\n")])
        }
    }
}
