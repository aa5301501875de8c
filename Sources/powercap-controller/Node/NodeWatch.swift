internal import HTTP
internal import JSON
internal import Kubernetes
internal import LinuxSystem
internal import Logging

/// One Node's metadata, kept up to date by a watch. The list that it begins with shows the whole Node: its conditions, too.
final class NodeWatch {
    /// What is known of the Node.
    enum Knowledge: Equatable {
        case unknown
        /// There is no such Node.
        case absent
        case present(NodeMetadata)
    }

    private(set) var knowledge = Knowledge.unknown
    private let nodeName: String
    private let log: Log
    private let onChange: (Knowledge) -> Void
    private var watch: ListAndWatch!
    /// For telling that there is no Node: a server could let it come and go as fast as it likes.
    private var absences = Allowance(burst: 10, refill_ns: 60_000_000_000)

    init(
        _ client: APIClient, node: String, _ log: Log, _ causes: SharedCauses, onChange: @escaping (Knowledge) -> Void
    ) {
        (nodeName, self.log, self.onChange) = (node, log, onChange)
        let subject = WatchSubject(
            .nodes, fieldSelector: "metadata.name=\(node)", list: .whole, watch: .metadata, pageSize: 0,
            metadata: NodeMetadata.metadata, listInterest: NodeMetadata.rest, within: .answer, called: "the Node",
            [("node", .text(node))])
        watch = ListAndWatch(client, subject, log, causes) { [weak self] in self?.take($0) }
    }

    /// When `step` has something to do, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { watch.due_ns }
    /// How often the watch was begun after the first time.
    var restarts: UInt64 { watch.restarts }
    /// What is wrong, in a sentence.
    var why: String? { watch.why }
    /// The server tells of changes, or did until a moment ago.
    var isWatching: Bool { if case .present = knowledge { watch.why == nil } else { false } }
    /// The server has sent a bookmark.
    var sendsBookmarks: Bool { watch.sendsBookmarks }

    /// Does what is due.
    func step(_ now_ns: UInt64) { watch.step(now_ns) }

    /// The Node as the answer to a write shows it, which may be newer than what the watch has told.
    func note(_ metadata: NodeMetadata) {
        if case .present(let known) = knowledge, metadata.uid == known.uid { learn(.present(metadata)) }
    }

    private func take(_ news: ListAndWatch.News) {
        switch news {
        case .all(let items):
            // The server selects by name; one that doesn't understand the selector must not pass another Node off as this one.
            guard let own = items.first(where: { isOwn($0) }) else { return learn(.absent, isListed: true) }
            if let metadata = readable(own) { learn(.present(metadata), isListed: true) }
        case .one(let object): if isOwn(object), let metadata = readable(object) { learn(.present(metadata)) }
        case .gone(let object): if isOwn(object) { learn(.absent) }
        }
    }

    private func isOwn(_ object: JSON) -> Bool { object["metadata"]?["name"]?.text == nodeName }

    private func readable(_ object: JSON) -> NodeMetadata? {
        let metadata = NodeMetadata(object)
        if metadata == nil { watch.stop(.failed(.garbled("the Node has no resourceVersion"))) }
        return metadata
    }

    /// - Parameter isListed: it is the server's whole truth, also where its versions went back because its data was restored.
    private func learn(_ found: Knowledge, isListed: Bool = false) {
        if !isListed, case .present(let known) = knowledge, case .present(let metadata) = found, metadata.isOlder(than: known) {
            return
        }
        if found == .absent, knowledge != .absent, absences.take(Clock.monotonic_ns) {
            log.warning("the API server has no Node of this name", ("node", .text(nodeName)))
        }
        knowledge = found
        onChange(found)
    }
}
