import LinuxSystem
import PowercapProtocol
import Testing

@testable import powercap_controller

struct HelperErrorTests {
    private static let all: [HelperError] =
        [.noEntry, .connectionRefused, .denied, .again, .inputOutput].map { .unreachable(path: "/run/h.sock", $0) }
        + [
            .ended(path: "/run/h.sock"), .closed(greeting: true), .closed(greeting: false), .silent(patience_ms: 2_000),
            .unfinished, .broken(.inputOutput),
        ]
        + ProtocolError.allCases.map { .garbled($0) } + [.otherRequest, .noCommonVersion]
        + ErrorCode.allCases.map { .failed(Failure($0)) } + [.failed(Failure(.writeFailed, errno: 5))]

    @Test("every error has a sentence of its own, on one line, without a full stop")
    func sentences() {
        let sentences = Self.all.map(\.sentence)
        #expect(Set(sentences).count == sentences.count)
        for sentence in sentences {
            #expect(!sentence.contains("\n"))
            #expect(!sentence.hasSuffix("."))
            #expect(sentence.first?.isLowercase == true)
        }
    }

    @Test("an errno is named where there is one")
    func errno() {
        #expect(HelperError.failed(Failure(.writeFailed, errno: 5)).sentence.hasSuffix("(EIO)"))
        #expect(HelperError.broken(.inputOutput).sentence == "the connection failed: Input/output error (EIO)")
        #expect(
            HelperError.unreachable(path: "/run/h.sock", .denied).sentence
                == "permission denied on /run/h.sock: this user may not connect (see raplhelper --socket-mode, --socket-group)")
        #expect(
            HelperError.unreachable(path: "/run/h.sock", .connectionRefused).sentence
                == "the helper is not running: nobody listens on /run/h.sock (start raplhelper)")
    }
}
