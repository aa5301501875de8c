internal import HTTPServer

/// What was answered last, for whoever asks the same before anything else has happened: of a crowd that wants the page it is put together
/// for one, and all have it.
final class LastAnswer {
    private var last: (question: Question, answer: ServerResponse, until_ns: UInt64)?

    private struct Question: Equatable {
        let path: String
        let accept: String?
    }

    /// How long it is given at most, from when it was begun: what is answered is at most a second old. Less would be nothing on a processor
    /// that has so much else to do that one answer takes as long.
    static let longest_ns: UInt64 = 1_000_000_000

    /// Something has happened that it may not tell of.
    func forget() { last = nil }

    /// - Parameters:
    ///   - now_ns: CLOCK_MONOTONIC.
    ///   - answer: puts it together. Its answers to requests that change something aren't kept, and end what is.
    func answer(_ request: ServerRequest, _ now_ns: UInt64, by answer: () -> ServerResponse) -> ServerResponse {
        guard request.method == .get, Routes.places.contains(request.path) else {
            forget()
            return answer()
        }
        let question = Question(path: request.path, accept: request.header("Accept"))
        if let last, last.question == question, now_ns < last.until_ns { return last.answer }
        let made = answer()
        last = (question, made, now_ns + LastAnswer.longest_ns)
        return made
    }
}
