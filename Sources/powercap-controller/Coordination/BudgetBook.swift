internal import Fleet
internal import JSON
internal import Kubernetes
internal import Logging
internal import PowercapProtocol

/// The budgets as they are set, each with what gives its power, and which nodes are in which.
///
/// A budget that can't be followed goes on as it was when it last could; one that never could covers the nodes that it selects with nothing to
/// give, so that they have their minimums: never more than somebody may have meant.
final class BudgetBook {
    private let log: Log
    /// By name, in the order of names.
    private(set) var entries: [Entry] = []
    private(set) var nodes: [String: FleetNode] = [:]
    /// Nodes whose places are to be found anew; nil is all of them.
    private var moved: Set<String>? = []
    /// Nodes that aren't there any more.
    private var gone: Set<String> = []

    /// One budget.
    struct Entry {
        /// Of the object as it stands there.
        var head: BudgetObject.Head
        /// As it is followed; nil where it never could be.
        var object: BudgetObject?
        /// Why the object as it stands there isn't followed; nil where it is.
        var problem: String?
        var selector: LabelSelector
        /// nil where the power is fixed.
        var source: BudgetSource?
        /// What there is to be given now.
        var limit = Microwatts.zero
        /// The object as it stands there.
        var seen: JSON
        /// Since when a source that can't be used hasn't been tried.
        var tried_ns: UInt64 = 0
        /// What stands at the object's status.
        var status: JSON?

        var lack: String? { source?.lack }
        /// How long its grants are to hold, s.
        var grant_s: UInt64 { object?.grant_s ?? BudgetObject.usualGrant_s }
    }

    /// Whether this coordinator finds out what budgets have; where it is told its part nothing is asked.
    private let followsSources: Bool

    init(_ log: Log, followsSources: Bool = true) { (self.log, self.followsSources) = (log, followsSources) }

    /// How often a file that couldn't be used is looked for.
    private static let retry_ns: UInt64 = 30_000_000_000
    /// How often a source is asked what it gives.
    private static let pace_ns: UInt64 = 1_000_000_000
    private var asked_ns: UInt64 = 0

    // MARK: What the API server has

    /// - Parameter earlier: what an earlier coordinator had last, by budget.
    func take(budgets objects: [String: JSON], earlier: [String: Microwatts], _ now_ns: UInt64) {
        entries.removeAll { entry in
            guard objects[entry.head.name]?["metadata"]?["uid"]?.text != entry.head.uid else { return false }
            log.info("a budget is gone", ("budget", .text(entry.head.name)))
            moved = nil
            return true
        }
        for (name, object) in objects.sorted(by: { $0.key < $1.key }) {
            guard let head = BudgetObject.Head(object), head.name == name else { continue }
            let index = entries.firstIndex { $0.head.name == name }
            if let index, entries[index].seen["spec"] == object["spec"] {
                entries[index].head = head
                (entries[index].seen, entries[index].status) = (object, object["status"])
                continue
            }
            read(head, object, index, earlier[name], now_ns)
        }
        entries.sort { $0.head.name < $1.head.name }
    }

    private func read(_ head: BudgetObject.Head, _ object: JSON, _ index: Int?, _ earlier: Microwatts?, _ now_ns: UInt64) {
        var entry =
            index.map { entries[$0] }
            ?? Entry(head: head, selector: LabelSelector.everything, seen: object, status: object["status"])
        (entry.head, entry.seen, entry.status, entry.tried_ns) = (head, object, object["status"], now_ns)
        let (before, selected) = (entry.problem, index.map { entries[$0].selector })
        let classes = entry.object?.classes
        do throws(BudgetObject.Problem) {
            let found = try BudgetObject(object, head)
            do throws(UsageError) {
                entry.source =
                    if followsSources, case .source(let options) = found.power {
                        try BudgetSource(options, earlier: index.map { entries[$0].limit } ?? earlier, log, now_ns)
                    } else { nil }
            } catch { throw BudgetObject.Problem(words: "spec.source: \(error.sentence)") }
            (entry.object, entry.selector, entry.problem) = (found, found.nodeSelector, nil)
            log.info(
                index == nil ? "a budget is kept" : "a budget is kept as it is now", ("budget", .text(head.name)),
                ("generation", .number(head.generation)))
        } catch {
            entry.problem = error.words
            if entry.object == nil { entry.selector = BudgetBook.selector(object) ?? entry.selector }
            if before != error.words {
                log.error(
                    "a budget can't be followed", ("budget", .text(head.name)), ("why", .text(error.words)),
                    ("instead", .text(entry.object == nil ? "its nodes have their minimums" : "what it said before holds")))
            }
        }
        entry.limit = limit(of: entry, now_ns)
        if let index { entries[index] = entry } else { entries.append(entry) }
        if selected != entry.selector || classes != entry.object?.classes { moved = nil }
    }

    private static func selector(_ object: JSON) -> LabelSelector? {
        guard let selector = object["spec"]?["nodeSelector"] else { return .everything }
        return try? LabelSelector(JSONField(top: selector))
    }

    /// What nodes count at that were never heard, as far as it can be read; no node has more than 1 MW.
    private static func maximum(_ object: JSON) -> Microwatts {
        Microwatts(min(object["spec"]?["maximumMilliwatts"]?.integer ?? .max, 1_000_000_000) * 1_000)
    }

    func take(nodes found: [String: FleetNode]) {
        for (name, node) in found where nodes[name] != node { moved?.insert(name) }
        for name in nodes.keys where found[name] == nil { gone.insert(name) }
        nodes = found
    }

    // MARK: What follows

    /// When `refresh` has something to do, on CLOCK_MONOTONIC.
    var due_ns: UInt64 {
        var due_ns = UInt64.max
        for entry in entries {
            if let source = entry.source { due_ns = min(due_ns, source.due_ns, asked_ns + BudgetBook.pace_ns) }
            if entry.problem != nil { due_ns = min(due_ns, entry.tried_ns + BudgetBook.retry_ns) }
        }
        return due_ns
    }

    /// Asks the sources, and looks again for what couldn't be used.
    func refresh(_ now_ns: UInt64) {
        for index in entries.indices
        where entries[index].problem != nil && now_ns >= entries[index].tried_ns + BudgetBook.retry_ns {
            read(entries[index].head, entries[index].seen, index, nil, now_ns)
        }
        guard now_ns >= asked_ns + BudgetBook.pace_ns || entries.contains(where: { ($0.source?.due_ns ?? .max) <= now_ns }) else {
            return
        }
        asked_ns = now_ns
        for index in entries.indices { entries[index].limit = limit(of: entries[index], now_ns) }
    }

    /// What changes all the time isn't followed in every step: a rise by less than 0.2 %, which is a fall's own look-ahead many times over.
    private func limit(of entry: Entry, _ now_ns: UInt64) -> Microwatts {
        guard let object = entry.object else { return .zero }
        switch object.power {
        case .fixed(let limit): return limit
        case .source:
            // With the time until it is asked again.
            let lead_ms = Int64(object.grant_s + 2) * 1_000
            let power = entry.source?.power(for: lead_ms, now_ns) ?? .zero
            let before = entry.limit
            return power > before && power - before < Microwatts(before.rawValue / 500) ? before : power
        }
    }

    /// The longest that grants of a budget are to hold, s.
    var longestGrant_s: UInt64 { entries.map(\.grant_s).max() ?? BudgetObject.usualGrant_s }

    /// What the coordinator is to keep.
    /// - Parameter mostGrant_s: how long grants of any budget may hold at most, s.
    func terms(mostGrant_s: UInt64) -> [BudgetTerms] {
        entries.map { entry in
            let ttl_ms = min(entry.grant_s, mostGrant_s) * 1_000
            guard let object = entry.object else {
                return BudgetTerms(
                    name: entry.head.name, limit: .zero, maximum: BudgetBook.maximum(entry.seen), ttl_ms: ttl_ms)
            }
            return BudgetTerms(
                name: object.head.name, limit: entry.limit, minimum: object.minimum, maximum: object.maximum,
                reserve: object.reserve,
                contingencyNodes: object.contingencyNodes, ttl_ms: ttl_ms)
        }
    }

    /// In which budgets a node is.
    func memberships(of node: FleetNode) -> [Membership] {
        entries.compactMap { entry in
            guard entry.selector.matches(node.labels) else { return nil }
            let (priority, weight) = entry.object?.share(of: node.labels) ?? (0, 1)
            return Membership(entry.head.name, priority: priority, weight: weight)
        }
    }

    /// Nodes whose places may be others than they were; those that are gone are in none.
    func takeMoved(all: Bool = false) -> [(name: String, memberships: [Membership])] {
        let names = all ? nil : moved
        let left = gone.subtracting(nodes.keys).map { (name: $0, memberships: [Membership]()) }
        (moved, gone) = ([], [])
        let here = names.map { $0.compactMap { nodes[$0] } } ?? Array(nodes.values)
        return left + here.map { ($0.name, memberships(of: $0)) }
    }
}
