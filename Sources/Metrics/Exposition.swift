internal import Text

/// A page of metrics while it is written: families one after the other, each with all of its samples.
public struct Exposition {
    private let format: Format
    private var output = Output()

    public init(_ format: Format) { self.format = format }

    /// Writes a family with its samples; nothing where there are none.
    public mutating func append(_ family: Family, _ samples: [Sample]) {
        if samples.isEmpty { return }
        describe(family)
        for sample in samples {
            assert(sample.labels.count == family.labels.count, "\(family.name) has other labels")
            if case .histogram(let histogram) = sample.value {
                append(family, sample.labels, histogram)
            } else {
                append(family.name, "", family.labels, sample.labels)
                append(sample.value)
            }
        }
    }

    /// The page, which ends here: OpenMetrics has a mark for that, without which a page counts as cut off.
    public consuming func end() -> [UInt8] {
        if format == .openMetrics { output.append("# EOF\n") }
        return output.bytes
    }

    private mutating func describe(_ family: Family) {
        let name: Substring, type: String
        switch format {
        // This format has no infos: they are gauges that show 1.
        case .text: (name, type) = (family.name[...], family.kind == .info ? "gauge" : family.kind.rawValue)
        case .openMetrics: (name, type) = (family.bareName, family.kind.rawValue)
        }
        output.append("# TYPE \(name) \(type)\n")
        if format == .openMetrics, let unit = family.unit { output.append("# UNIT \(name) \(unit)\n") }
        output.append("# HELP \(name) ")
        // Quotation marks of a help are escaped in OpenMetrics alone.
        append(escaped: family.help, quotes: format == .openMetrics)
        output.append("\n")
    }

    /// Its buckets add up: each has what the lower ones have.
    private mutating func append(_ family: Family, _ values: [String], _ histogram: Histogram) {
        var sum: UInt64 = 0
        for (index, count) in histogram.counts.enumerated() {
            sum += count
            let bound = index < histogram.bounds.count ? text(of: histogram.bounds[index]) : "+Inf"
            append(family.name, "_bucket", family.labels, values, bound: bound)
            append(.whole(sum))
        }
        append(family.name, "_sum", family.labels, values)
        append(.real(histogram.sum))
        append(family.name, "_count", family.labels, values)
        append(.whole(sum))
    }

    private mutating func append(
        _ name: String, _ ending: String, _ labels: [String], _ values: [String], bound: String? = nil
    ) {
        output.append(name)
        output.append(ending)
        var separator = "{"
        for (label, value) in zip(labels, values) where !value.isEmpty {
            append(separator, label, value)
            separator = ","
        }
        if let bound {
            append(separator, "le", bound)
            separator = ","
        }
        output.append(separator == "{" ? " " : "} ")
    }

    private mutating func append(_ separator: String, _ label: String, _ value: String) {
        output.append(separator)
        output.append(label)
        output.append("=\"")
        append(escaped: value, quotes: true)
        output.append("\"")
    }

    private mutating func append(escaped text: String, quotes: Bool) {
        let isPlain = text.utf8.allSatisfy { $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\"") }
        if isPlain { return output.append(text) }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": output.append("\\\\")
            case "\n": output.append("\\n")
            case "\"" where quotes: output.append("\\\"")
            default: output.append(String(scalar))
            }
        }
    }

    /// With the end of the line.
    private mutating func append(_ value: Value) {
        switch value {
        case .whole(let number): output.append(number)
        case .decimal(let number, let places): append(number, places)
        case .real(let number): output.append(text(of: number))
        case .histogram: assertionFailure("a histogram has no one value")
        }
        output.append("\n")
    }

    private mutating func append(_ number: UInt64, _ places: Int) {
        var (unit, places): (UInt64, Int) = (1, places)
        for _ in 0..<places { unit *= 10 }
        output.append(number / unit)
        var rest = number % unit
        if rest == 0 { return }
        output.append(".")
        while rest % 10 == 0 { (rest, places) = (rest / 10, places - 1) }
        var leading = rest
        while leading > 0 { (leading, places) = (leading / 10, places - 1) }
        for _ in 0..<places { output.append("0") }
        output.append(rest)
    }
}

/// As both formats read it. A whole one keeps its `.0`: so OpenMetrics has bounds of buckets ("Canonical Numbers"), and a series is the
/// same in both.
private func text(of number: Double) -> String {
    if number.isNaN { return "NaN" }
    return number.isInfinite ? number < 0 ? "-Inf" : "+Inf" : "\(number)"
}
