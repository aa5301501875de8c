internal import HTTPServer
internal import Kubernetes
internal import LinuxSystem
internal import Logging

/// Where the controller is asked: its own socket, and TCP for who only reads. What can't be listened on is tried again, and is no reason
/// to leave the limits alone.
final class Listeners {
    private var all: [Listener] = []
    /// For telling that nobody can connect, of which a server tells every second as long as it is so.
    private var complaints = Allowance(burst: 2, refill_ns: 60_000_000_000)
    private let log: Log

    /// How long until a place that was refused is tried again.
    private static let retry_ns: UInt64 = 30_000_000_000

    private struct Listener {
        let name: String
        let place: String
        let token: UInt64
        let open: (_ onProblem: @escaping (ServerProblem) -> Void) throws(ServerProblem) -> HTTPListener
        var server: HTTPListener?
        var problem: ServerProblem?
        var retry_ns: UInt64 = 0
    }

    /// - Parameter firstToken: of the loop's epoll; each place has the next one.
    init(_ configuration: Configuration, _ log: Log, firstToken: UInt64, _ answer: @escaping (ServerRequest) -> ServerResponse) {
        self.log = log
        if let path = configuration.controlSocket {
            all.append(
                Listener(name: "control", place: path, token: firstToken) { report throws(ServerProblem) in
                    try HTTPListener(at: path, onProblem: report, answer: answer)
                })
        }
        if let address = configuration.metricsAddress { all.append(Listeners.metrics(at: address, firstToken + 1, answer)) }
    }

    /// Of what is asked over TCP alone.
    init(metrics address: ListenAddress?, _ log: Log, token: UInt64, _ answer: @escaping (ServerRequest) -> ServerResponse) {
        self.log = log
        if let address { all.append(Listeners.metrics(at: address, token, answer)) }
    }

    private static func metrics(
        at address: ListenAddress, _ token: UInt64, _ answer: @escaping (ServerRequest) -> ServerResponse
    ) -> Listener {
        Listener(name: "metrics", place: "\(address)", token: token) { report throws(ServerProblem) in
            try HTTPListener(at: address, onProblem: report, answer: answer)
        }
    }

    /// When `step` has something to do though nobody says anything, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { all.map { $0.server?.due_ns ?? $0.retry_ns }.min() ?? .max }

    /// As it is to be shown.
    var states: [ListenerState] {
        all.map { ListenerState(name: $0.name, place: $0.place, problem: $0.problem.map { "\($0)" }) }
    }

    /// Tries to listen where nobody does yet.
    func open(in epoll: Epoll, _ now_ns: UInt64) {
        for index in all.indices where all[index].server == nil && all[index].retry_ns <= now_ns {
            let (name, place) = (all[index].name, all[index].place)
            do throws(ServerProblem) {
                let server = try all[index].open { [weak self] in self?.complain($0, of: name, at: place) }
                do throws(Errno) { try epoll.add(server.descriptorNumber, token: all[index].token) } catch {
                    throw .failed("watch \(place)", error)
                }
                (all[index].server, all[index].problem) = (server, nil)
                log.info("listening", ("for", .text(name)), ("place", .text(place)))
            } catch {
                if all[index].problem != error {
                    log.error(
                        "can't be asked there: limits don't depend on it", ("for", .text(name)), ("place", .text(place)),
                        ("why", .text("\(error)")), ("next", .text("trying again every 30 s")))
                }
                (all[index].problem, all[index].retry_ns) = (error, now_ns + Listeners.retry_ns)
            }
        }
    }

    private func complain(_ problem: ServerProblem, of name: String, at place: String) {
        guard complaints.take(Clock.monotonic_ns) else { return }
        log.warning(
            "nobody can connect there at present: it is tried every second", ("for", .text(name)), ("place", .text(place)),
            ("why", .text("\(problem)")))
    }

    /// Answers what has come, without waiting.
    func run() { for listener in all { listener.server?.run() } }

    /// Nobody is answered any more.
    func close() { for index in all.indices { (all[index].server, all[index].retry_ns) = (nil, .max) } }
}
