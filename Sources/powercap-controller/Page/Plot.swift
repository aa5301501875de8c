internal import Policy
internal import PowercapProtocol

/// A plot over time as inline SVG. Lines are drawn in a picture that is stretched to the room there is; what is written stays the size
/// that text has on the page, on a phone as on a wide screen, and stands at percentages of it.
struct Plot {
    /// Of the page: 0, 1, …
    let number: Int
    let title: String
    let size: Size
    let time: TimeAxis
    /// In the picture's units, of which there are `width`: where the intervals begin, and where the last one ends.
    let edges: [Int]
    let lines: [PlotLine]
    /// What the lines don't say, for who doesn't see them.
    var remarks: [String] = []
    /// Is marked; nil where it is the right edge.
    var now: Int64?

    /// Another one that comes before. Where its axes are the same they aren't written again.
    var like: [Plot] = []

    static let width = 720

    /// In CSS pixels, as the style has them.
    enum Size: Int {
        case large = 220
        case medium = 150
        case small = 90

        /// So many at most, that their labels have room.
        var steps: UInt64 {
            switch self {
            case .large: 8
            case .medium: 5
            case .small: 3
            }
        }

        var markup: HTML.Markup {
            switch self {
            case .large: "large"
            case .medium: "medium"
            case .small: "small"
            }
        }
    }

    private var height: Int { size.rawValue }

    /// A source far above everything else would press the rest flat: it is cut off at the top.
    private var axis: PowerAxis {
        let source = lines.filter { $0.style == .area }.flatMap(\.known).max() ?? .zero
        let rest = lines.filter { $0.style != .area }.flatMap(\.known).max() ?? .zero
        let room = Microwatts(rest.rawValue.addingReportingOverflow(rest.rawValue / 2).partialValue)
        return PowerAxis(covering: max(rest, rest == .zero ? source : min(source, room), .step), most: size.steps)
    }

    private func y(_ power: Microwatts, _ axis: PowerAxis) -> Int {
        height - Int((Double(height) * min(1, Double(power.rawValue) / Double(axis.top.rawValue))).rounded())
    }

    func write(to html: inout HTML) {
        let axis = axis
        let paths = lines.map { line in
            PlotPath(
                line.values.map { $0.map { y($0, axis) } }, edges: edges, isStepped: line.isStepped,
                bottom: line.style == .area ? height : nil)
        }
        html.markup("<figure class=")
        html.markup(size.markup)
        html.markup("><svg role=img aria-labelledby=\"t")
        html.number(number)
        html.markup(" d")
        html.number(number)
        html.markup("\"><title id=t")
        html.number(number)
        html.element(">", title, "</title><desc id=d")
        html.number(number)
        html.element(">", (lines.map(\.sentence) + remarks).joined(separator: " "), "</desc>")
        writeAxes(axis, to: &html)
        html.markup("<svg viewBox=\"0 0 720 ")
        html.number(height)
        html.markup("\" preserveAspectRatio=none>")
        writeLines(paths, to: &html)
        html.markup("</svg>")
        let groups = groups(paths)
        writeLabels(groups, axis, to: &html)
        html.markup("</svg><ul class=key>")
        for group in groups {
            html.markup("<li><svg aria-hidden=true>")
            writeSample(group, to: &html)
            html.element("</svg>", group.label, "")
        }
        html.markup("</ul></figure>")
    }

    /// Paths that are the same are written once.
    private func writeLines(_ paths: [PlotPath], to html: inout HTML) {
        for (index, line) in lines.enumerated() where !paths[index].steps.isEmpty {
            let original = paths.firstIndex(of: paths[index])!
            let isShared = paths[(index + 1)...].contains(paths[index])
            if original < index {
                html.markup("<use href=#l")
                html.number(number * 10 + original)
            } else if isShared {
                html.markup("<defs><path id=l")
                html.number(number * 10 + index)
                html.markup(" d=")
                html.path(quoted: paths[index])
                html.markup("/></defs><use href=#l")
                html.number(number * 10 + index)
            } else {
                html.markup("<path d=")
                html.path(quoted: paths[index])
            }
            html.markup(" class=")
            html.markup(line.style.markup)
            html.markup(" />")
        }
    }

    private func writeAxes(_ axis: PowerAxis, to html: inout HTML) {
        let same = like.first { $0.size == size && $0.time == time && $0.axis == axis }
        html.markup(same == nil ? "<g id=g" : "<use href=#g")
        html.number(same?.number ?? number)
        html.markup(same == nil ? ">" : " />")
        if same != nil { return }
        writeTime(to: &html)
        writePower(axis, to: &html)
        html.markup("</g>")
    }

    private func writeTime(to html: inout HTML) {
        html.markup("<g class=x>")
        for tick in time.ticks {
            let place = Double(tick.seconds - time.startSeconds) / Double(time.endSeconds - time.startSeconds)
            rule(place, "", to: &html)
            // On a phone there is room for every second one.
            html.markup(tick.local.hour % 6 == 0 ? "<text x=" : "<text class=o x=")
            html.percent(place)
            html.markup(" y=")
            html.number(height + 17)
            let isEnd = now != nil && tick.seconds == time.endSeconds
            html.element(">", isEnd ? "24:00" : tick.isMidnight && now == nil ? tick.date : tick.clock, "</text>")
        }
        if let now, (time.startSeconds...time.endSeconds).contains(now) {
            let place = Double(now - time.startSeconds) / Double(time.endSeconds - time.startSeconds)
            rule(place, " class=now", to: &html)
            html.markup("<text class=now x=")
            html.percent(place)
            html.markup(" y=-6>now</text>")
        }
        html.markup("</g>")
    }

    private func rule(_ place: Double, _ attributes: HTML.Markup, to html: inout HTML) {
        html.markup("<line")
        html.markup(attributes)
        html.markup(" x1=")
        html.percent(place)
        html.markup(" x2=")
        html.percent(place)
        html.markup(" y2=")
        html.number(height)
        html.markup(" />")
    }

    private func writePower(_ axis: PowerAxis, to html: inout HTML) {
        html.markup("<g class=y>")
        for tick in axis.ticks {
            let y = y(tick, axis)
            html.markup("<line x2=100% y1=")
            html.number(y)
            html.markup(" y2=")
            html.number(y)
            html.markup(" /><text dx=-8 y=")
            html.number(y + 4)
            html.element(">", axis.label(tick) + (tick == axis.top ? " " + axis.unit : ""), "</text>")
        }
        html.markup("</g>")
    }

    // MARK: Labels

    /// Lines that are the same all along have one label.
    private struct Group {
        var lines: [PlotLine]
        let path: PlotPath

        var label: String {
            let names = lines.map(\.name).joined(separator: ", ")
            return lines.last?.now.map { "\(names) \($0.roughly)" } ?? names
        }
    }

    private func groups(_ paths: [PlotPath]) -> [Group] {
        var groups: [Group] = []
        for (line, path) in zip(lines, paths) where !path.steps.isEmpty {
            if let index = groups.firstIndex(where: { $0.path == path && $0.lines[0].now == line.now }) {
                groups[index].lines.append(line)
            } else {
                groups.append(Group(lines: [line], path: path))
            }
        }
        return groups
    }

    /// At the right edge, each where its line ends, and far enough from each other.
    private func writeLabels(_ groups: [Group], _ axis: PowerAxis, to html: inout HTML) {
        let wanted = groups.map { group in y(group.lines[0].values.last { $0 != nil }.flatMap { $0 } ?? .zero, axis) }
        let places = spread(wanted, apart: 16, within: 2...height - 6)
        html.markup("<g class=at>")
        for (group, place) in zip(groups, places) {
            html.markup("<svg x=100% y=")
            html.number(place)
            html.markup(">")
            writeSample(group, to: &html)
            html.element("<text x=30 y=4>", group.label, "</text></svg>")
        }
        html.markup("</g>")
    }

    private func writeSample(_ group: Group, to html: inout HTML) {
        for line in group.lines {
            html.markup("<path d=\"M6 0h18")
            if line.style == .area { html.markup("v8h-18z") }
            html.markup("\" class=")
            html.markup(line.style.markup)
            html.markup(" />")
        }
    }
}

/// Moves what is too close together apart, and nothing beyond the range where there is room.
func spread(_ wanted: [Int], apart: Int, within range: ClosedRange<Int>) -> [Int] {
    let order = wanted.indices.sorted { (wanted[$0], $0) < (wanted[$1], $1) }
    var places = wanted
    var next = range.lowerBound
    for index in order {
        places[index] = max(wanted[index], next)
        next = places[index] + apart
    }
    next = range.upperBound
    for index in order.reversed() {
        places[index] = min(places[index], next)
        next = places[index] - apart
    }
    return places
}

extension HTML {
    /// `37.5%`, to a hundredth of a percent.
    fileprivate mutating func percent(_ place: Double) {
        text(decimal(UInt64((place * 10_000).rounded()), places: 2))
        markup("%")
    }

    fileprivate mutating func path(quoted path: PlotPath) {
        markup("\"")
        self.path(path)
        markup("\"")
    }
}
