import Testing

@testable import powercap_controller

struct ControlClientTests {
    @Test("an answer is its status and its content")
    func parse() {
        let answer = ControlClient.parse(Array("HTTP/1.1 403 Forbidden\r\nA: b\r\n\r\n{\r\n\r\n}".utf8))
        #expect(answer?.status == 403)
        #expect(answer?.body == Array("{\r\n\r\n}".utf8))
        for text in ["", "HTTP/1.1 200 OK\r\n", "SSH-2.0\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/2 200\r\n\r\n"] {
            #expect(ControlClient.parse(Array(text.utf8)) == nil)
        }
    }
}
