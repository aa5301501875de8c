internal import Policy

/// A day as one asks for it.
enum PlanDay: Equatable, Sendable {
    case yesterday, today, tomorrow
    case day(LocalDay)

    /// By the clock on the wall.
    func day(at now: Moment) -> LocalDay {
        switch self {
        case .yesterday: LocalDay(now.local).adding(days: -1)
        case .today: LocalDay(now.local)
        case .tomorrow: LocalDay(now.local).adding(days: 1)
        case .day(let day): day
        }
    }
}

extension ValueKind where Value == PlanDay {
    static let date = ValueKind(
        words: ValueWords(
            noun: "a date", placeholder: "DATE",
            valid: "today, tomorrow, yesterday, or a day of the calendar from 1970 on, such as 2026-06-21"),
        parse: { text throws(ValueProblem) in
            switch text {
            case "": throw .empty
            case "yesterday": return .yesterday
            case "today": return .today
            case "tomorrow": return .tomorrow
            default:
                guard let day = LocalDay(text) else { throw .malformed }
                return .day(day)
            }
        },
        show: { date in
            switch date {
            case .yesterday: "yesterday"
            case .today: "today"
            case .tomorrow: "tomorrow"
            case .day(let day): day.text
            }
        })
}
