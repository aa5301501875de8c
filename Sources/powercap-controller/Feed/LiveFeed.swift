internal import LinuxSystem
internal import Logging
internal import Policy
internal import PowercapProtocol
internal import Signals

/// What keeps a live value as it is elsewhere.
protocol LiveFeed: AnyObject {
    /// The last one that could be had; nil before.
    var value: LiveValue? { get }
    /// Where it comes from, as it may be told.
    var place: String { get }
    /// What is wrong with it, behind the place; nil where nothing is.
    var trouble: String? { get }
    /// Readable when something happened; nil where nothing is watched.
    var descriptorNumber: Int32? { get }
    /// When `refresh` has something to do though nothing happened, on CLOCK_MONOTONIC.
    var due_ns: UInt64 { get }
    /// After the first limit, which waits for nobody.
    func start()
    /// Takes what has happened.
    func take()
    /// Whether there is another value now.
    func refresh() -> Bool
}

/// LIVE_FILE, which somebody writes again and again: one power, or a number with SIGNAL_MAP. Its time is when it was written. One that can't be
/// read is told of once; the last value is then gone by for as long as it is fresh.
final class LiveFile: LiveFeed {
    let path: String
    /// nil where the value is all that there is.
    private let reader: SignalReader?
    private let map: SignalMap?
    private let peak: Microwatts
    private let log: Log
    private let watch: DirectoryWatch?
    private(set) var value: LiveValue?
    private var version: FileVersion?
    private var problem: DataProblem?
    private var told: DataProblem?
    /// Whoever writes it all the time is listened to once a second.
    private var next_ns: UInt64 = 0
    private var isWaiting = false

    /// In bytes.
    static let largest = 1 << 20
    private static let apart_ns: UInt64 = 1_000_000_000

    /// nil where none is configured.
    init?(_ configuration: Configuration, _ log: Log) {
        guard let path = configuration.liveFile else { return nil }
        (self.path, map, peak, self.log) = (path, configuration.valueMap, configuration.policy.maxSource, log)
        reader = configuration.liveValue.map { SignalReader(.document(DocumentShape(value: $0))) }
        let parent = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? ""
        watch = try? DirectoryWatch(parent.isEmpty ? "/" : parent)
        try? watch?.resume()
        _ = refresh()
    }

    var place: String { path }
    var trouble: String? { problem?.words }
    var descriptorNumber: Int32? { watch?.descriptorNumber }
    var due_ns: UInt64 { isWaiting ? next_ns : .max }
    func start() {}
    func take() { _ = watch?.take() }

    func refresh() -> Bool {
        try? watch?.resume()
        let found = try? FileVersion(of: path)
        isWaiting = false
        if found == version, found != nil { return false }
        let now_ns = Clock.monotonic_ns
        if now_ns < next_ns {
            isWaiting = true
            return false
        }
        next_ns = now_ns + LiveFile.apart_ns
        version = found
        do throws(DataProblem) {
            let bytes = try contents()
            let now = Clock.wall.seconds
            value = try LiveFile.value(
                bytes, reader, map, peak, after: value, since: min(found?.modified_s ?? now, now))
            problem = nil
            if told != nil { log.info("the live value can be read again", ("path", .text(path))) }
            told = nil
            return true
        } catch {
            // Half of it may be there: the next look tells. What isn't there for long is told once.
            if problem == error, told != error {
                log.warning(
                    "the live value can't be read: the source is gone by when it is over", ("path", .text(path)),
                    ("why", .text(error.words)))
                told = error
            } else if told != error {
                (version, isWaiting) = (nil, true)
            }
            problem = error
            return false
        }
    }

    private func contents() throws(DataProblem) -> [UInt8] {
        do throws(GivenFile.Problem) { return try GivenFile.contents(of: path, atMost: LiveFile.largest) } catch {
            throw DataProblem(error)
        }
    }

    static func value(
        _ bytes: [UInt8], _ reader: SignalReader?, _ map: SignalMap?, _ peak: Microwatts, after before: LiveValue?, since: Int64
    ) throws(DataProblem) -> LiveValue {
        if bytes.count > largest { throw .tooLarge }
        if let reader {
            let signal: Signal
            do throws(SignalProblem) { signal = try reader.read(bytes) } catch { throw DataProblem(error) }
            guard case .now(let value) = signal else { throw .noValues }
            return LiveValue(signal: value ?? .nan, through: map ?? .watts, peak: peak, after: before, since: since)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .line(1, .notText) }
        let line = String(text.split(whereSeparator: \.isWhitespace).joined(separator: " "))
        if let map {
            return LiveValue(
                signal: try SourceFile.signal(line, line: 1) ?? .nan, through: map, peak: peak, after: before, since: since)
        }
        return LiveValue(power: try SourceFile.power(line, line: 1, peak), since: since)
    }
}
