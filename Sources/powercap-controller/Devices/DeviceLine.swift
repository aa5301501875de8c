internal import HTTP
internal import LinuxSystem

/// Conversations with one service, on the caller's thread. Nothing here ever waits: `run` is to be called when `descriptorNumber` is readable,
/// and when `due_ns` has come.
final class DeviceLine {
    let address: DeviceAddress
    private let access: DeviceAccess
    private let userAgent: String
    private let epoll: Epoll
    private var client: HTTPClient?
    private var errands: [Errand] = []

    /// A conversation that is under way.
    final class Errand {
        fileprivate var exchange: Exchange?
        /// What is asked next is to be asked then, on CLOCK_MONOTONIC; .max while an answer is awaited.
        fileprivate var next_ns: UInt64 = 0
        fileprivate let until_ns: UInt64
        fileprivate var step: ((DeviceAnswer?) -> Void)?
        fileprivate var give: ((DeviceProblem) -> Void)?

        fileprivate init(until_ns: UInt64) { self.until_ns = until_ns }
    }

    /// For an answer, names and handshake included. A BMC takes a second for many resources; a daemon beside us some milliseconds, and those of
    /// the driver.
    private var answer_ms: UInt64 { address.service == .zeusd ? 5_000 : 10_000 }

    init(to address: DeviceAddress, _ access: DeviceAccess, userAgent: String) throws(Errno) {
        (self.address, self.access, self.userAgent) = (address, access, userAgent)
        epoll = try Epoll()
    }

    /// For waiting on.
    var descriptorNumber: Int32 { epoll.number }

    /// When `run` is to be called though nothing is ready, on CLOCK_MONOTONIC.
    var due_ns: UInt64 {
        errands.reduce(client?.due_ns ?? .max) { min($0, $1.next_ns, $1.until_ns) }
    }

    /// Begins a conversation.
    /// - Parameters:
    ///   - timeLimit_ms: for all of it. Then it ends as `.late`, whatever comes.
    ///   - onEnd: called from `run`, once.
    func hold<Talk: DeviceTalk>(
        _ talk: Talk, timeLimit_ms: UInt64, onEnd: @escaping (Result<Talk.Outcome, DeviceProblem>) -> Void
    ) {
        let errand = Errand(until_ns: Clock.monotonic_ns + timeLimit_ms * 1_000_000)
        var talk = talk
        errand.give = { onEnd(.failure($0)) }
        errand.step = { [weak self, unowned errand] answer in
            if let answer { talk.take(answer) } else if case .wait = talk.turn { talk.take(nil) }
            switch talk.turn {
            case .ask(let request): self?.ask(request, errand)
            case .wait(let milliseconds): errand.next_ns = Clock.monotonic_ns + milliseconds * 1_000_000
            case .done(let outcome):
                self?.leave(errand)
                onEnd(.success(outcome))
            case .failed(let problem):
                self?.leave(errand)
                onEnd(.failure(problem))
            }
        }
        errands.append(errand)
    }

    /// Moves everything on as far as it goes without waiting.
    func run() {
        client?.run()
        let now_ns = Clock.monotonic_ns
        for errand in errands {
            if now_ns >= errand.until_ns {
                if let exchange = errand.exchange { client?.giveUp(exchange) }
                fail(errand, .late)
            } else if now_ns >= errand.next_ns {
                errand.next_ns = .max
                errand.step?(nil)
            }
        }
    }

    private func ask(_ asked: DeviceRequest, _ errand: Errand) {
        errand.next_ns = .max
        do throws(DeviceProblem) {
            let order = try access.order(asked, of: address.service)
            let client = try connected()
            let left_ms = (errand.until_ns - min(errand.until_ns, Clock.monotonic_ns)) / 1_000_000 + 1
            errand.exchange = client.send(order.request, token: order.token, timeLimit_ms: min(left_ms, answer_ms)) {
                [weak self, weak errand] result in
                guard let self, let errand else { return }
                errand.exchange = nil
                switch result {
                case .failure(let problem): fail(errand, .failed(problem))
                case .success(let answer):
                    errand.step?(
                        DeviceAnswer(
                            status: answer.status, body: answer.body, tag: answer.fields["etag"],
                            location: answer.fields["location"],
                            retryAfter_s: answer.retryAfter_s))
                }
            }
        } catch { fail(errand, error) }
    }

    private func connected() throws(DeviceProblem) -> HTTPClient {
        if let client { return client }
        do throws(HTTPProblem) {
            let client = try HTTPClient(address.server(access.certificateFile), userAgent: userAgent, names_ms: answer_ms / 2)
            do throws(Errno) { try epoll.add(client.descriptorNumber, token: 0) } catch {
                throw .broken("\(error.explanation) (\(error.name))")
            }
            self.client = client
            return client
        } catch { throw .failed(error) }
    }

    private func fail(_ errand: Errand, _ problem: DeviceProblem) {
        let give = errand.give
        leave(errand)
        give?(problem)
    }

    private func leave(_ errand: Errand) {
        errands.removeAll { $0 === errand }
        // They hold the errand's conversation, which is over.
        (errand.step, errand.give, errand.exchange) = (nil, nil, nil)
    }
}
