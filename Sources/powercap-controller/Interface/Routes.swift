internal import HTTPServer
internal import JSON
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// What is answered, and to whom: docs/interface.md describes it. Everybody who can connect may read. Who is at a Unix socket is known, and
/// root, the controller's own user and the operators' group may give orders there.
struct Routes {
    let desk: any ControlDesk
    /// CONTROL_GROUP.
    let operators: UInt32?

    init(_ desk: any ControlDesk, operators: UInt32?) { (self.desk, self.operators) = (desk, operators) }

    func answer(_ request: ServerRequest) -> ServerResponse {
        let kind = Routes.kinds.first { "/override/\($0.rawValue)" == request.path }
        switch (request.method, kind) {
        case (.get, _): return read(request)
        case (.put, .some(let kind)): return changing(request) { give(kind, request, $0) }
        case (.delete, .some(let kind)): return changing(request) { takeBack(kind, $0) }
        default:
            return refusal(
                404, "there is nothing to change at \(request.path): overrides are /override/limit and /override/pause")
        }
    }

    private static let kinds = Order.Kind.allCases

    // MARK: Reading

    private func read(_ request: ServerRequest) -> ServerResponse {
        switch request.path {
        case "/":
            return ServerResponse(
                contentType: "text/html; charset=utf-8",
                headers: [
                    ServerResponse.Header("Content-Security-Policy", contentSecurityPolicy()),
                    ServerResponse.Header("Referrer-Policy", "no-referrer"),
                ], body: page(desk.state, desk.history))
        case "/metrics":
            let page = exposition(of: desk.state, accept: request.header("Accept"))
            return ServerResponse(contentType: page.mediaType, body: page.bytes)
        case "/status": return document(desk.state.json)
        case "/explain": return text(desk.state.explanation.text)
        case "/override": return document(desk.state.json["overrides"] ?? .null)
        case "/healthz": return text("ok")
        case "/readyz":
            let condition = desk.state.condition
            return text("\(condition.reason): \(condition.message)", status: condition.status == .yes ? 200 : 503)
        default:
            return refusal(404, "there is nothing at \(request.path): \(Routes.places.joined(separator: ", ")) are there")
        }
    }

    static let places = ["/", "/status", "/explain", "/override", "/metrics", "/healthz", "/readyz"]

    // MARK: Changing

    private func changing(_ request: ServerRequest, _ change: (UInt32) -> ServerResponse) -> ServerResponse {
        guard let peer = request.peer else { return refusal(405, "nothing can be changed over TCP") }
        guard peer.uid == 0 || peer.uid == Process.uid || operators.map({ peer.isMember(of: [$0]) }) == true else {
            let group = operators.map { "members of group \($0)" } ?? "no group (CONTROL_GROUP is not set)"
            return refusal(
                403, "uid \(peer.uid) may read, but not change limits: root, uid \(Process.uid) and \(group) may")
        }
        return change(peer.uid)
    }

    private func give(_ kind: Order.Kind, _ request: ServerRequest, _ uid: UInt32) -> ServerResponse {
        let state = desk.state
        do throws(OrderRequest.Refusal) {
            let asked = try OrderRequest(kind, request.body)
            let order = try asked.order(by: uid, state)
            let receipt = desk.give(order)
            return document(outcome(desk.state, order, receipt))
        } catch { return refusal(error.status, error.sentence) }
    }

    private func takeBack(_ kind: Order.Kind, _ uid: UInt32) -> ServerResponse {
        guard let receipt = desk.takeBack(kind, uid: uid) else {
            return refusal(404, "no operator's \(kind.rawValue) stands: nothing was changed")
        }
        return document(outcome(desk.state, nil, receipt))
    }

    private func outcome(_ state: NodeState, _ order: Order?, _ receipt: OrderBook.Receipt) -> JSON {
        let document = state.json
        return [
            "format": .whole(NodeState.format), "order": order.map { state.json(of: $0) } ?? .null,
            "unsaved": .text(receipt.unsaved),
            "overrides": document["overrides"] ?? .null, "node": document["node"] ?? .null,
            "condition": document["condition"] ?? .null,
            "explanation": document["explanation"] ?? .null,
        ]
    }

    // MARK: Answers

    private func document(_ json: JSON) -> ServerResponse {
        ServerResponse(contentType: "application/json", body: json.bytes + [UInt8(ascii: "\n")])
    }

    private func text(_ text: String, status: UInt32 = 200) -> ServerResponse { ServerResponse(status: status, text: text) }

    private func refusal(_ status: UInt32, _ why: String) -> ServerResponse {
        let body: JSON = ["error": .text(why)]
        return ServerResponse(status: status, contentType: "application/json", body: body.bytes + [UInt8(ascii: "\n")])
    }
}
