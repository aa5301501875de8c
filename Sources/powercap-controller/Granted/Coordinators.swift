internal import Fleet
internal import HTTP
internal import JSON
internal import LinuxSystem
internal import Text

/// Whoever carries a report to a coordinator, and brings what came back. Nothing here ever waits.
protocol GrantCaller: AnyObject {
    /// Whom it asks now, as it may be told.
    var place: String { get }
    /// For waiting on.
    var descriptorNumber: Int32 { get }
    /// When `take` is to be called though nothing is ready, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { get }
    /// Something is under way.
    var isBusy: Bool { get }
    /// Sends a report: nothing may be under way.
    func ask(_ report: [UInt8])
    /// Moves everything on: what came back since; nil where nothing did.
    func take() -> ReportOutcome?
}

/// What came back for a report.
enum ReportOutcome: Equatable, Sendable {
    /// The body of a grant, and who gave it.
    case grant([UInt8], place: String)
    /// And how long the coordinator asks to be left alone; nil where it doesn't.
    case problem(GrantProblem, retryAfter_ms: UInt64?)
}

/// The coordinators of GRANT_URL, of which one is asked over a connection that is kept, and the next one when it doesn't answer.
final class Coordinators: GrantCaller {
    private let caller: Caller
    private(set) var isBusy = false
    private var reply: ReportOutcome?

    /// For a whole answer: another coordinator can be asked before a grant ends, and that again and again.
    private static let answer_ms: UInt64 = 3_000

    init(_ settings: GrantSettings, node: String) throws(HTTPProblem) {
        let usual = GrantSettings.usualCertificateFile
        let isUsualThere = (try? FileVersion(of: usual)) != nil
        let callee = try Callee(
            settings.addresses.compactMap { $0.url(shard: Sharding(settings.shards).shard(of: node)) },
            certificateFile: settings.certificateFile ?? (isUsualThere ? usual : nil),
            tokenFile: settings.tokenFile ?? GrantSettings.usualTokenFile)
        do throws(Errno) { caller = try Caller(to: callee, userAgent: ServiceAccess.userAgent) } catch {
            throw .broken("\(error.explanation) (\(error.name))")
        }
    }

    var place: String { caller.origin }
    var descriptorNumber: Int32 { caller.descriptorNumber }
    var due_ns: UInt64 { reply == nil ? caller.due_ns : 0 }

    func ask(_ report: [UInt8]) {
        let place = place
        isBusy = true
        caller.post(report, timeLimit_ms: Coordinators.answer_ms) { [weak self] result in
            self?.isBusy = false
            self?.reply = ReportOutcome(result, of: place)
        }
        // It is sent now, and not when the loop comes round: each turn costs more than this does.
        caller.run()
    }

    func take() -> ReportOutcome? {
        caller.run()
        defer { reply = nil }
        return reply
    }
}

extension ReportOutcome {
    init(_ result: Result<Answer, HTTPProblem>, of place: String) {
        switch result {
        case .failure(let problem): self = .problem(.failed(place: place, problem), retryAfter_ms: nil)
        case .success(let answer) where answer.status == 200: self = .grant(answer.body, place: place)
        case .success(let answer):
            let words = (try? JSON(answer.body, .members(["error": .all]), within: .answer))?["error"]?.text ?? ""
            self = .problem(
                .refused(place: place, status: answer.status, words: words.printable.shortened(to: 200)),
                retryAfter_ms: answer.retryAfter_s > 0 ? UInt64(answer.retryAfter_s) * 1_000 : nil)
        }
    }
}
