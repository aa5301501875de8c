internal import LinuxSystem
internal import Policy
internal import PowercapProtocol

/// The day that is today, every ten minutes: as the configuration has it, and from now on with the overrides that stand.
struct PlannedDay {
    let plan: Plan
    let time: TimeAxis
    /// In a plot's units.
    let edges: [Int]
    let lines: [PlotLine]
    private let starts: [Int64]

    private static let step_s: Int64 = 600

    init(_ state: NodeState, _ devices: [Device]) {
        let configuration = state.settings.configuration
        let plan = Plan(
            configuration, devices, data: state.source.data, rest: state.decision?.decision.server?.loop.rest ?? .zero,
            first: LocalDay(state.now.local), days: 1,
            step: .seconds(UInt64(PlannedDay.step_s)))
        self.plan = plan
        time = TimeAxis(startSeconds: plan.startSeconds, endSeconds: plan.endSeconds, hours: 3)
        let planned = Array(plan)
        starts = planned.map(\.moment.seconds)
        edges = (starts + [plan.endSeconds]).map {
            Int(($0 - plan.startSeconds) * Int64(Plot.width) / (plan.endSeconds - plan.startSeconds))
        }
        let each = configuration.policy.pmaxFunction == .sum ? "" : ", for each package"
        let source = PlotLine(name: "source\(each)", style: .area, now: nil, values: planned.map(\.source))
        let configured = planned.map { Microwatts?.some($0.decision.nodeLimit) }
        guard state.wishes.together != Overrides(), let standing = PlannedDay.standing(state, at: starts) else {
            lines = [source, PlotLine(name: "limit", style: .strong, now: nil, values: configured)]
            return
        }
        lines = [
            source, PlotLine(name: "limit without overrides", style: .dashed, now: nil, values: configured),
            PlotLine(name: "limit as it stands", style: .strong, now: nil, values: standing),
        ]
    }

    /// From now on, with the overrides that stand until they end; nil before.
    private static func standing(_ state: NodeState, at starts: [Int64]) -> [Microwatts?]? {
        guard var outlook = Outlook(from: state, atLeast: step_s), var last = state.decision?.decision.nodeLimit else {
            return nil
        }
        var next = outlook.next()
        return starts.map { start in
            if start + step_s <= state.now.seconds { return nil }
            while let line = next, line.at <= start {
                last = line.decision.nodeLimit
                next = outlook.next()
            }
            return last
        }
    }

    /// What the lines are of.
    var remark: String {
        lines.count == 2
            ? "No override changes it."
            : "The overrides that stand are followed from now on, each until it ends; without them it would be the dashed line."
    }

    /// From a full hour on the wall to the next.
    struct Hour {
        let from: TimeAxis.Tick
        let source: Microwatts?
        let limit: Microwatts?
    }

    /// What stands when an hour begins.
    var hours: [Hour] {
        TimeAxis(startSeconds: time.startSeconds, endSeconds: time.endSeconds, hours: 1).ticks.compactMap { tick in
            guard let index = starts.lastIndex(where: { $0 <= tick.seconds }), tick.seconds < time.endSeconds else { return nil }
            let limit = lines[lines.count - 1].values[index] ?? lines[1].values[index]
            return Hour(from: tick, source: lines[0].values[index], limit: limit)
        }
    }
}
