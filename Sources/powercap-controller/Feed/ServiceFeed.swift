internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol
internal import Signals

// What is made of a configuration that names a service.

extension Settings {
    /// What keeps the source's data up to date; nil where the source is a formula.
    func feed(_ log: Log) throws(UsageError) -> (any Feed)? {
        configuration.policy.source == .http ? try fetchedFeed(log) : try SourceFeed(self, log)
    }

    fileprivate func fetchedFeed(_ log: Log?) throws(UsageError) -> FetchedFeed {
        let (service, reader): (Service, SignalReader)
        guard let mapped = configuration.sourceMapping?.reader else { throw .noPlaces(given("SOURCE")) }
        reader = mapped
        do throws(Errno) { service = try Service(access, reader) } catch {
            throw .unanswered("\(error.explanation) (\(error.name))")
        }
        return FetchedFeed(service, configuration.valueMap ?? .watts, configuration.policy, log)
    }

    fileprivate var access: ServiceAccess {
        ServiceAccess(prefix: "SOURCE", settings: configuration.askedService, zone: configuration.sourceTimeZone?.zone ?? .utc)
    }

    /// Looks whether the service could be asked as things are now; nobody is asked.
    func checkServiceFiles() throws(UsageError) {
        guard configuration.policy.source == .http else { return }
        do throws(ServiceProblem) { _ = try access.order(at: Clock.wall.seconds) } catch {
            throw .unanswered(error.sentence("SOURCE"))
        }
    }

    /// What the service says now.
    /// - Parameter answer: of whoever has asked it already, in place of asking it.
    func fetchedData(answer: [UInt8]? = nil) throws(UsageError) -> SourceData {
        let feed = try fetchedFeed(nil)
        if let answer {
            do throws(ServiceProblem) { try feed.take(answer: answer) } catch { throw .unanswered(error.sentence("SOURCE")) }
        } else if let why = feed.fetch(within: FetchedFeed.once) {
            throw .unanswered(why)
        }
        return feed.data
    }
}

extension Settings {
    /// What keeps a live value up to date; nil where none is measured.
    func liveFeed(_ log: Log) throws(Errno) -> (any LiveFeed)? {
        guard configuration.liveService.isGiven else { return LiveFile(configuration, log) }
        let access = ServiceAccess(prefix: "LIVE", settings: configuration.liveService, zone: .utc)
        let shape = DocumentShape(value: configuration.liveValue ?? .whole)
        return LiveService(try Service(access, SignalReader(.document(shape))), configuration, log)
    }
}

extension FetchedFeed {
    /// For an answer that somebody waits for.
    static let once = Milliseconds.seconds(10)

    /// Asks the service, and waits for its answer: where there is no loop that could be kept waiting.
    /// - Returns: why there is none; nil where there is one.
    func fetch(within limit: Milliseconds) -> String? {
        start()
        let end_ns = Clock.monotonic_ns + limit.nanoseconds
        guard let number = descriptorNumber, let epoll = try? Epoll(), (try? epoll.add(number, token: 0)) != nil else {
            return "the kernel gives no epoll"
        }
        repeat {
            _ = refresh()
            if isAnswered { return trouble }
            let now_ns = Clock.monotonic_ns
            guard now_ns < end_ns else { break }
            let wait_ns = min(max(due_ns, now_ns), end_ns) - now_ns
            _ = try? epoll.wait(milliseconds: Int32((wait_ns + 999_999) / 1_000_000))
        } while true
        return "no answer came within \(limit.words)"
    }
}
