internal import HTTPServer
internal import JSON
internal import LinuxSystem

/// Where everybody who can connect may read how a coordinator is: docs/fleet.md describes it.
struct CoordinatorRoutes {
    let coordination: Coordination

    init(_ coordination: Coordination) { self.coordination = coordination }

    static let places = ["/", "/status", "/metrics", "/healthz", "/readyz"]

    func answer(_ request: ServerRequest) -> ServerResponse {
        guard request.method == .get else { return CoordinatorRoutes.refusal(405, "nothing can be changed here") }
        switch request.path {
        case "/":
            return ServerResponse(
                contentType: "text/html; charset=utf-8",
                headers: [
                    ServerResponse.Header("Content-Security-Policy", contentSecurityPolicy()),
                    ServerResponse.Header("Referrer-Policy", "no-referrer"),
                ], body: page(coordination.state))
        case "/metrics":
            let page = exposition(of: coordination.state, accept: request.header("Accept"))
            return ServerResponse(contentType: page.mediaType, body: page.bytes)
        case "/status":
            return ServerResponse(contentType: "application/json", body: coordination.state.json.bytes + [UInt8(ascii: "\n")])
        case "/healthz": return ServerResponse(text: "ok")
        case "/readyz":
            let closed = coordination.closed(Clock.boottime_ns)
            guard case .refused(_, let why, _)? = closed else { return ServerResponse(text: "leads") }
            return ServerResponse(status: 503, text: why)
        default:
            return CoordinatorRoutes.refusal(
                404, "there is nothing at \(request.path): \(CoordinatorRoutes.places.joined(separator: ", ")) are there")
        }
    }

    static func refusal(_ status: UInt32, _ why: String, _ headers: [ServerResponse.Header] = []) -> ServerResponse {
        let body: JSON = ["error": .text(why)]
        return ServerResponse(
            status: status, contentType: "application/json", headers: headers, body: body.bytes + [UInt8(ascii: "\n")])
    }
}

extension ServerResponse {
    init(text: String) { self.init(status: 200, text: text) }
}
