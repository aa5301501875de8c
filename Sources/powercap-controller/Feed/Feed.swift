internal import Policy

/// What keeps the data of a source as they are elsewhere.
protocol Feed: AnyObject {
    /// As they are now.
    var data: SourceData { get }
    /// Where they come from, as it may be told.
    var place: String { get }
    /// What is wrong with them, behind the place; nil where nothing is.
    var trouble: String? { get }
    /// How it stands with asking for them; nil where they lie on this machine.
    var fetches: FetchState? { get }
    /// Readable when something happened; nil where nothing is watched.
    var descriptorNumber: Int32? { get }
    /// When `refresh` has something to do though nothing happened, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { get }
    /// After the first limit, which waits for nobody.
    func start()
    /// Takes what has happened.
    func take()
    /// Whether there are other data now, or they have become outdated.
    func refresh() -> Bool
}

/// How it stands with a service.
struct FetchState: Equatable, Sendable {
    /// When all that was asked for came last, in seconds since 1970; nil before it did.
    let last: Int64?
    /// When it is asked next; nil while it is being asked.
    let next: Int64?
    /// How often it was asked, by what came of it.
    let counts: [String: UInt64]
}

extension SourceFeed: Feed {
    var place: String { path }
    var trouble: String? { problem?.words }
    var fetches: FetchState? { nil }
    func start() {}
}
