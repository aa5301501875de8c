public import JSON
internal import LinuxSystem
public import Logging

/// All objects of a resource, or those that a label selector chooses, as they are at the server: kept up to date by a list and a watch.
public final class Collection<Object> {
    /// What has changed.
    public enum Change: Equatable, Sendable {
        /// All of it was listed.
        case all
        /// The object of this name came, changed, or went.
        case one(String)
    }

    /// By name, each as it was read.
    public private(set) var objects: [String: Object] = [:]
    /// Why the objects of these names can't be read. What was read of them before counts on as long as they are there.
    public private(set) var unreadable: [String: String] = [:]
    /// Counts up with every change.
    public private(set) var generation: UInt64 = 0
    /// Everything is known: it was listed since the beginning, or since `startOver`.
    public private(set) var isListed = false

    private let read: (JSON) throws(JSONField.Problem) -> Object
    private let onChange: (Change) -> Void
    private let log: Log
    private let name: String
    private var watch: ListAndWatch!
    /// For telling of objects that can't be read: whoever makes them can make many.
    private var tellings = Allowance(burst: 10, refill_ns: 60_000_000_000)

    /// - Parameters:
    ///   - read: an object as far as the subject's interest goes.
    ///   - onChange: is called from `APIClient.run`.
    public init(
        _ client: APIClient, _ subject: WatchSubject, _ log: Log, _ causes: SharedCauses,
        read: @escaping (JSON) throws(JSONField.Problem) -> Object, onChange: @escaping (Change) -> Void = { _ in }
    ) {
        (self.read, self.onChange, self.log, name) = (read, onChange, log, subject.name)
        watch = ListAndWatch(client, subject, log, causes) { [weak self] in self?.take($0) }
    }

    /// When `step` has something to do, on CLOCK_MONOTONIC.
    public var due_ns: UInt64 { watch.due_ns }
    /// What is wrong with the server or with the way to it, in a sentence; nil where nothing is.
    public var why: String? { watch.why }
    /// How often the watch was begun after the first time.
    var restarts: UInt64 { watch.restarts }

    /// Does what is due.
    public func step(_ now_ns: UInt64) { watch.step(now_ns) }

    /// Lists everything anew. What is known stays until then, and `isListed` says that it may be old.
    func startOver() {
        isListed = false
        watch.startOver()
    }

    private func take(_ news: ListAndWatch.News) {
        generation += 1
        switch news {
        case .all(let items):
            let before = objects
            (objects, isListed) = ([:], true)
            let told = unreadable
            unreadable = [:]
            for item in items { keep(item, before: before, told: told) }
            onChange(.all)
        case .one(let object): if let name = keep(object, before: objects, told: unreadable) { onChange(.one(name)) }
        case .gone(let object):
            guard let name = object["metadata"]?["name"]?.text else { return }
            (objects[name], unreadable[name]) = (nil, nil)
            onChange(.one(name))
        }
    }

    @discardableResult
    private func keep(_ object: JSON, before: [String: Object], told: [String: String]) -> String? {
        guard let name = object["metadata"]?["name"]?.text else { return nil }
        do throws(JSONField.Problem) {
            objects[name] = try read(object)
            unreadable[name] = nil
        } catch {
            objects[name] = before[name]
            unreadable[name] = error.words
            if told[name] != error.words, tellings.take(Clock.monotonic_ns) {
                log.error("an object can't be read", ("of", .text(self.name)), ("name", .text(name)), ("why", .text(error.words)))
            }
        }
        return name
    }
}
