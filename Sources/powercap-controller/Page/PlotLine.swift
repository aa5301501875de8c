internal import Policy
internal import PowercapProtocol

/// A line of a plot: for each of its intervals a value, and nil where nothing is known.
struct PlotLine {
    /// How it looks. None is told from another by its colour alone.
    enum Style {
        /// The room below it is filled, and its edge dotted.
        case area
        /// Pale and wide, so that a line of `strong` that lies upon it leaves it to be seen.
        case wide
        case strong
        case thin
        case dashed

        var markup: HTML.Markup {
            switch self {
            case .area: "a"
            case .wide: "w"
            case .strong: "s"
            case .thin: "t"
            case .dashed: "d"
            }
        }
    }

    let name: String
    let style: Style
    /// What it is now, as the state says; nil where that isn't known.
    let now: Microwatts?
    let values: [Microwatts?]

    /// It goes from one value to the next in steps, as what is set does.
    var isStepped: Bool { style != .thin && style != .area }

    var known: [Microwatts] { values.compactMap { $0 } }

    /// For who doesn't see it: from where to where it went.
    var sentence: String {
        guard let least = known.min(), let most = known.max() else { return "\(name.capitalisedFirst): not known." }
        let range = least == most ? least.roughly : "\(least.roughly) to \(most.roughly)"
        return "\(name.capitalisedFirst): \(range)" + (now.map { ", now \($0.roughly)." } ?? ".")
    }
}

/// The path of a line, in SVG's relative commands, which are short: `M0 220v-90h6v2h9`.
struct PlotPath: Equatable {
    private(set) var steps: [Step] = []
    /// Where the pen is.
    private var pen: (x: Int, y: Int)?
    /// How far it is to go to the right before anything else.
    private var run = 0

    enum Step: Equatable {
        case move(Int, Int)
        case horizontal(Int)
        case vertical(Int)
        case line(Int, Int)
    }

    static func == (left: PlotPath, right: PlotPath) -> Bool { left.steps == right.steps }

    /// - Parameters:
    ///   - heights: for each interval how far from the top, or nil.
    ///   - edges: where the intervals begin, and where the last one ends.
    ///   - bottom: where an area ends; nil of a line.
    init(_ heights: [Int?], edges: [Int], isStepped: Bool, bottom: Int?) {
        for (index, height) in heights.enumerated() {
            guard let height else {
                lift(to: bottom)
                continue
            }
            if let pen {
                draw(to: edges[index], height, from: pen, isStepped)
            } else {
                steps.append(.move(edges[index], bottom ?? height))
                if let bottom { steps.append(.vertical(height - bottom)) }
            }
            pen = (edges[index], height)
            // The value holds until the interval's end; what follows goes on from its beginning.
            if index + 1 == heights.count || heights[index + 1] == nil {
                run += edges[index + 1] - edges[index]
                lift(to: bottom)
            }
        }
    }

    private mutating func draw(to x: Int, _ y: Int, from pen: (x: Int, y: Int), _ isStepped: Bool) {
        if y == pen.y {
            run += x - pen.x
        } else if isStepped {
            run += x - pen.x
            go()
            steps.append(.vertical(y - pen.y))
        } else {
            go()
            steps.append(.line(x - pen.x, y - pen.y))
        }
    }

    private mutating func go() {
        if run > 0 { steps.append(.horizontal(run)) }
        run = 0
    }

    private mutating func lift(to bottom: Int?) {
        guard let pen else { return }
        go()
        if let bottom { steps.append(.vertical(bottom - pen.y)) }
        self.pen = nil
    }
}

extension HTML {
    mutating func path(_ path: PlotPath) {
        for step in path.steps {
            switch step {
            case .move(let x, let y): coordinates("M", x, y)
            case .line(let x, let y): coordinates("l", x, y)
            case .horizontal(let x): coordinates("h", x)
            case .vertical(let y): coordinates("v", y)
            }
        }
    }

    private mutating func coordinates(_ command: Markup, _ first: Int, _ second: Int? = nil) {
        markup(command)
        number(first)
        guard let second else { return }
        if second >= 0 { markup(" ") }
        number(second)
    }
}
