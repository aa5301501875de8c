import Kubernetes
import Testing

@testable import Kubernetes
@testable import powercap_controller

struct NodeEventReasonTests {
    @Test("each reason has an action and a type of the API")
    func reasons() {
        for reason in NodeEvent.Reason.allCases {
            #expect(!reason.action.isEmpty && reason.action.utf8.count <= 128 && reason.rawValue.utf8.count <= 128)
        }
        #expect(
            NodeEvent.Reason.allCases.filter { $0.type == .normal } == [
                .limitChanged, .overrideEnded, .operatorOrdered, .controlRegained,
            ])
    }
}
