import Testing

@testable import powercap_controller

/// Holds a conversation with a service that answers what a test says, in order.
func hold<Talk: DeviceTalk>(_ talk: Talk, _ answers: [DeviceAnswer]) -> (turn: DeviceTurn<Talk.Outcome>, asked: [DeviceRequest]) {
    var (talk, asked, left) = (talk, [DeviceRequest](), answers[...])
    while true {
        switch talk.turn {
        case .ask(let request):
            guard let answer = left.popFirst() else { return (talk.turn, asked) }
            asked.append(request)
            talk.take(answer)
        case .wait: talk.take(nil)
        case .done, .failed: return (talk.turn, asked)
        }
    }
}

extension DeviceAnswer {
    init(_ status: Int = 200, _ body: String = "", tag: String? = nil, location: String? = nil) {
        self.init(status: status, body: Array(body.utf8), tag: tag, location: location)
    }
}

extension DeviceTurn {
    var outcome: Outcome? { if case .done(let outcome) = self { outcome } else { nil } }
    var problem: DeviceProblem? { if case .failed(let problem) = self { problem } else { nil } }
}
