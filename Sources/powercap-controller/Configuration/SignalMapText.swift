internal import Policy
internal import PowercapProtocol

// How a map of signals to powers is read and written.

extension ValueKind where Value == SignalMap? {
    /// `100:300W,400:80W`, `below 200:300W,above 250:80W`, or `share`. nil is none, which is written as nothing at all.
    static let signalMap = ValueKind(
        words: ValueWords(
            noun: "a map of signals to powers", placeholder: "SIGNAL:POWER,SIGNAL:POWER",
            valid:
                "two points with different signals (100:300W,400:80W), a threshold (below 200:300W,above 250:80W, the first signal not "
                + "above the second) or share, each power 0 or from 1 W to 1000 kW", smallest: "1 uW",
            lowest: "1 W", highest: Microwatts.watts(1_000_000).words,
            form: "100:300W,400:80W, or below 200:300W,above 250:80W, or share"),
        parse: { text throws(ValueProblem) in
            if text.isEmpty { return nil }
            if text == "share" { return .share(of: .max) }
            let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { trimmed($0) }
            guard parts.count == 2 else { throw .malformed }
            if let (below, above) = pair(parts, "below ", "above ") ?? pair([parts[1], parts[0]], "below ", "above ") {
                let (below, above) = (try point(below), try point(above))
                if below.signal > above.signal { throw .malformed }
                return .threshold(below: below, above: above)
            }
            let (one, other) = (try point(parts[0]), try point(parts[1]))
            if one.signal == other.signal { throw .malformed }
            return .line(one, other)
        },
        show: { map in
            switch map {
            case nil: ""
            case .watts: "1:1W"
            case .line(let one, let other): "\(setting(one)),\(setting(other))"
            case .threshold(let below, let above): "below \(setting(below)),above \(setting(above))"
            case .share: "share"
            }
        })
}

/// What is behind these two words; nil where one of them is missing.
private func pair(_ parts: [Substring], _ first: String, _ second: String) -> (Substring, Substring)? {
    guard parts[0].hasPrefix(first), parts[1].hasPrefix(second) else { return nil }
    return (trimmed(parts[0].dropFirst(first.utf8.count)), trimmed(parts[1].dropFirst(second.utf8.count)))
}

/// `100:300W`
private func point(_ text: Substring) throws(ValueProblem) -> SignalMap.Point {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let signal = number(trimmed(parts[0])) else { throw .malformed }
    // It is shown as it is read, without an exponent.
    if signal.words.contains("e") { throw .tooFine }
    let power = try UnitScale.power.parse(String(trimmed(parts[1])))
    if power > 0, power < Microwatts.watts(1).rawValue { throw .tooLow }
    if power > Microwatts.watts(1_000_000).rawValue { throw .tooHigh }
    return SignalMap.Point(signal: signal, power: Microwatts(power))
}

/// A number of any sign as people write it: no exponent, no infinity.
func number(_ text: some StringProtocol) -> Double? {
    let digits = Array(text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...])
    guard digits.first.map(isDigit) == true, digits.last.map(isDigit) == true, digits.count <= 40,
        digits.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") })
    else { return nil }
    // Two points are none.
    return Double(String(text))
}

private func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

private func trimmed(_ text: Substring) -> Substring {
    var text = text.drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    return text
}

private func setting(_ point: SignalMap.Point) -> String {
    "\(point.signal.words):\(point.power == .zero ? "0" : point.power.setting)"
}

extension Double {
    /// As people write it: `245`, `-12.5`.
    var words: String {
        let text = "\(self)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// With so many decimals at most.
    func rounded(places: Int) -> Double {
        let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
        // Beyond this there are no decimals.
        return abs(self) < 1e12 ? (self * scale).rounded() / scale : self
    }
}
