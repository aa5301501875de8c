// Files: whatever a source's file, an order or an answer on the controller's socket says is refused or understood, and nothing in it
// gives more power than it may.
// At most 4096 bytes
import JSON
import LinuxSystem
import PowercapProtocol

@testable import Policy
@testable import powercap_controller

private let moments = [0, 1_781_697_600, 253_402_300_799].map { Moment(seconds: $0) }

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input is valid for the call, and `count` is its size.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    checkPoints("schedule", "--schedule-file", input)
    checkPoints("series", "--series-file", input)
    checkPoints("schedule", "--schedule-file", input, map: "-20:300W,180:0")
    checkPoints("series", "--series-file", input, map: "below 200:300W,above 250:80W")
    checkPoints("series", "--series-file", input, map: "share")
    if let live = try? LiveFile.value(input, nil, nil, .watts(300), after: nil, since: 0) {
        precondition(live.power! <= .watts(300))
    }
    checkMap(String(decoding: input, as: UTF8.self))
    for kind in Order.Kind.allCases {
        guard let request = try? OrderRequest(kind, input) else { continue }
        precondition((request.limit != nil) == (kind == .limit))
        precondition(request.limit.map { $0 >= .watts(1) && $0 <= .watts(1_000_000) } ?? true)
        precondition(request.time.map { $0 <= Order.longestTime } ?? true && request.reason.utf8.count <= Order.longestReason)
    }
    _ = ControlClient.parse(input)
    if let json = try? JSON(input, within: .document) { _ = ZoneState(json) }
    return 0
}

/// What is read of a map is written as what reads back as the same one.
private func checkMap(_ text: String) {
    let kind = ValueKind<SignalMap?>.signalMap
    guard let map = try? kind.parse(text) else { return }
    precondition((try? kind.parse(kind.show(map))) == map)
}

private func checkPoints(_ source: String, _ flag: String, _ bytes: [UInt8], map: String? = nil) {
    var flags = ["--source": source, flag: "/source", "--max-source": "300W"]
    flags["--signal-map"] = map
    guard let settings = try? Settings(flags: flags, environment: { _ in nil }), let file = SourceFile(settings) else {
        preconditionFailure("this is a configuration")
    }
    let points: SourceData.Points
    do throws(DataProblem) { points = try file.points(in: bytes) } catch { return precondition(!error.words.isEmpty) }
    let policy = settings.configuration.policy
    for moment in moments {
        let given = powerSource(for: policy, data: SourceData(points))
        let reading = given.reading(at: moment)
        precondition(reading.power <= policy.maxSource)
        precondition(given.nextStep(after: moment).map { $0 > moment.seconds } ?? true)
        // P16: what nobody can answer for any more never gives more than it did.
        var old = SourceData(points)
        old.outdated = SourceData.Outdated(since: moment, stale: moment)
        precondition(powerSource(for: policy, data: old).reading(at: moment).power <= reading.power)
    }
}
