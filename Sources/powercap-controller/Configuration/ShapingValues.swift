internal import Policy
internal import PowercapProtocol

// How fast and how soon limits follow the source, as it is read and written.

private enum Off {
    static let word = "off"
}

extension ValueKind where Value == Microwatts? {
    /// A power per second. nil is at once, which is written `off`.
    static let rate = ValueKind(
        words: ValueWords(
            noun: "a power per second", placeholder: "RATE",
            valid: "a number with mW/s, W/s or kW/s (5W/s), from 1 mW/s to 1000 kW/s, or off", smallest: "1 uW/s",
            lowest: "1 mW/s",
            highest: "1000 kW/s", form: "off, or 1 mW/s to 1000 kW/s"),
        parse: { text throws(ValueProblem) in
            if text == Off.word { return nil }
            return Microwatts(try UnitScale.rate.parse(text, in: 1_000...Microwatts.watts(1_000_000).rawValue))
        },
        show: { $0.map { $0.setting + "/s" } ?? Off.word })
}

extension ValueKind where Value == LookAhead {
    /// `off`, `window`, or a time.
    static let lookAhead: ValueKind = {
        let time = ValueKind<Milliseconds>.time(Milliseconds(0) ... .hour)
        var words = time.words
        (words.noun, words.placeholder) = ("one of the choices, nor a time", "off|window|TIME")
        words.valid = "off, window, or \(words.valid)"
        words.form = "off, window, or \(words.lowest) to \(words.highest)"
        return ValueKind(
            words: words,
            parse: { text throws(ValueProblem) in
                switch text {
                case Off.word: return .off
                case "window": return .window
                default: return .time(try time.parse(text))
                }
            },
            show: { look in
                switch look {
                case .off: Off.word
                case .window: "window"
                case .time(let lead): lead.setting
                }
            })
    }()
}
