internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// What a Node's annotations ask for at a moment.
struct OverrideReading: Equatable, Sendable {
    /// What is followed, as far as it can be read.
    var wishes = Overrides()
    var rejected: [NodeOverride.Rejected] = []
    /// Those that have an end, also where it has passed.
    var timed: [NodeOverride.Timed] = []
    /// Why, as somebody wrote it; nil where nobody did, and where nothing is followed that it could be about.
    var reason: String?

    /// On the wall clock; nil where nothing ends.
    var nextEnd: Clock.Wall? { timed.filter { !$0.isOver }.map(\.end).min() }

    /// What people have to know of what is followed and of what isn't any more.
    var notes: [String] { timed.map(\.sentence) + (reason.map { ["the reason given is \(quoted($0))"] } ?? []) }
}

/// Reads a Node's overrides. A value that can't be read changes nothing: what the annotation said before holds until it is put right or
/// removed, so that a slip of the keyboard never gives more power. An end that can't be read is none.
struct OverrideReader {
    /// What an annotation said when it could last be read.
    private enum Said {
        /// It was never seen without a fault: this program has just begun.
        case unknown
        case nothing
        case value(String)
    }

    /// An override as it stands on the Node.
    private struct Order {
        let text: String
        /// What is wrong with the text.
        let problem: ValueProblem?
        let said: Said
        let end: OverrideEnd
    }

    /// By annotation; nil before anything was read.
    private var orders: [String: Order]?
    private var reason: String?
    /// Of a reason, in bytes.
    private static let longestReason = 256

    /// Takes the annotations as they are now.
    mutating func read(_ annotations: [String: String], at now: Clock.Wall) -> OverrideReading {
        var found: [String: Order] = [:]
        for override in NodeOverride.all {
            guard let text = annotations[override.annotation] else { continue }
            found[override.annotation] = order(override, text, override.until.flatMap { annotations[$0] }, now)
        }
        orders = found
        reason = annotations[NodeOverride.reason].flatMap { $0.isEmpty ? nil : $0.shortened(to: OverrideReader.longestReason) }
        return reading(at: now)
    }

    private func order(_ override: NodeOverride, _ text: String, _ until: String?, _ now: Clock.Wall) -> Order {
        let last = orders?[override.annotation]
        let wasOver = last?.end.isOver(at: now) == true
        var (said, problem, asked) = (Said.value(text), ValueProblem?.none, Overrides())
        do throws(ValueProblem) {
            try override.read(text, &asked)
            // What asks for nothing has nothing to end.
            if asked == Overrides() { return Order(text: text, problem: nil, said: said, end: .never) }
        } catch {
            problem = error
            // What has ended isn't what holds.
            said = wasOver || orders != nil && last == nil ? .nothing : last?.said ?? .unknown
        }
        return Order(text: text, problem: problem, said: said, end: OverrideEnd(until, isOver: wasOver && last?.text == text))
    }

    /// What the annotations that were read last ask for now, when ends may have passed. They come back where the clock is set back.
    func reading(at now: Clock.Wall) -> OverrideReading {
        var reading = OverrideReading()
        var isLimitUnknown = false
        for override in NodeOverride.all {
            guard let order = orders?[override.annotation] else { continue }
            let isOver = order.end.isOver(at: now)
            if !isOver { isLimitUnknown = follow(override, order, &reading) || isLimitUnknown }
            switch order.end {
            case .never: break
            case .at(let end):
                reading.timed.append(
                    NodeOverride.Timed(
                        annotation: override.annotation, name: override.name, value: order.text, end: end, isOver: isOver))
            case .unreadable(let text, let problem, _):
                let holds = isOver ? "stays ended" : "has no end until that is put right"
                reading.reject(
                    override.until ?? override.annotation, text, problem, ValueKind.instant.words,
                    instead: "\(override.annotation)=\(quoted(order.text)) \(holds)")
            }
        }
        // Whatever it was, it wasn't less than the floor.
        if isLimitUnknown, reading.wishes.limit == nil { reading.wishes.limit = .zero }
        if reading.wishes != Overrides() { reading.reason = reason }
        return reading
    }

    /// - Returns: whether it limits the node to what nobody knows.
    private func follow(_ override: NodeOverride, _ order: Order, _ reading: inout OverrideReading) -> Bool {
        if case .value(let text) = order.said {
            // It was read before.
            try? override.read(text, &reading.wishes)
        }
        guard let problem = order.problem else { return false }
        let isLimitUnknown: Bool
        let instead: String
        switch order.said {
        case .value(let last): (isLimitUnknown, instead) = (false, "\(last) holds, as before")
        case .nothing: (isLimitUnknown, instead) = (false, "it is ignored, as nothing stood there before")
        case .unknown where override.limitsPower:
            (isLimitUnknown, instead) = (true, "what stood there before isn't known, so the floor holds")
        case .unknown: (isLimitUnknown, instead) = (false, "it is ignored")
        }
        reading.reject(override.annotation, order.text, problem, override.words, instead: instead)
        return isLimitUnknown
    }
}

extension OverrideReading {
    fileprivate mutating func reject(
        _ annotation: String, _ text: String, _ problem: ValueProblem, _ words: ValueWords, instead: String
    ) {
        let given = Given(name: annotation, text: text)
        rejected.append(
            NodeOverride.Rejected(
                annotation: annotation, value: text, why: UsageError.value(given, problem, words).sentence, instead: instead))
    }
}
