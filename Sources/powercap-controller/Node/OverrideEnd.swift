internal import Kubernetes
internal import LinuxSystem
internal import Policy
internal import Text

/// When an override ends by itself: at an instant of the wall clock, because it is an order of people on other machines.
enum OverrideEnd: Sendable {
    case never
    case at(Clock.Wall)
    /// What can't be read ends nothing. Nor does it bring back what had ended when it could last be read (`isOver`).
    case unreadable(String, ValueProblem, isOver: Bool)

    /// - Parameter isOver: the same override had ended before.
    init(_ text: String?, isOver: Bool) {
        guard let text else {
            self = .never
            return
        }
        do throws(ValueProblem) { self = .at(try ValueKind.instant.parse(text)) } catch {
            self = .unreadable(text, error, isOver: isOver)
        }
    }

    func isOver(at now: Clock.Wall) -> Bool {
        switch self {
        case .never: false
        case .at(let end): now >= end
        case .unreadable(_, _, let isOver): isOver
        }
    }
}

extension NodeOverride {
    /// One that has an end.
    struct Timed: Equatable, Sendable {
        let annotation: String
        /// For the log: `limit`.
        let name: String
        /// As it is written.
        let value: String
        let end: Clock.Wall
        /// It isn't followed any more.
        let isOver: Bool

        /// What a person reads.
        var sentence: String {
            let time = Timestamp.seconds(end)
            return isOver
                ? "\(annotation)=\(quoted(value)) ended at \(time): it isn't followed any more, and may be removed"
                : "\(annotation) ends at \(time)"
        }
    }
}

extension Clock.Wall {
    /// How long after `now` it comes, at most an hour: who waits for it looks again then. 0 where it has passed.
    func nanoseconds(after now: Clock.Wall) -> UInt64 {
        guard self > now else { return 0 }
        if seconds - now.seconds > 3_600 { return 3_600_000_000_000 }
        return UInt64((seconds - now.seconds) * 1_000_000_000 + Int64(nanoseconds) - Int64(now.nanoseconds))
    }
}

extension ValueKind where Value == Clock.Wall {
    static let instant = ValueKind(
        words: ValueWords(
            noun: "a point in time", placeholder: "TIME",
            valid: "one in UTC or with its offset, from 1970 to 9999, as 2026-11-26T10:00:00Z"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { throw .empty }
            guard let moment = Timestamp.moment(text) else { throw .malformed }
            return moment
        },
        show: { Timestamp.seconds($0) })
}
