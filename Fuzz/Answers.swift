// Answers: whatever an API server answers is refused or understood, and no wish of its makes a limit that the node can't have.
// At most 4096 bytes
import JSON
import LinuxSystem
import PowercapProtocol

@testable import HTTP
@testable import Kubernetes
@testable import Policy
@testable import powercap_controller

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input is valid for the call, and `count` is its size.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    precondition(!APIProblem(Answer(status: 500, body: input, retryAfter_s: 1)).sentence.isEmpty)
    var reader = OverrideReader()
    // An object or a list, or the lines of a watch.
    for text in [input[...]] + input.split(separator: UInt8(ascii: "\n")) {
        guard let json = try? JSON(Array(text)) else { continue }
        let bytes = json.bytes
        guard let again = try? JSON(bytes) else { preconditionFailure("what was written can't be read") }
        precondition(again == json && again.bytes == bytes)
        for object in [json] + (json["items"]?.elements ?? []) + (json["object"].map { [$0] } ?? []) {
            check(object, &reader)
        }
    }
    return 0
}

private func check(_ object: JSON, _ reader: inout OverrideReader) {
    precondition(!APIProblem(event: object).sentence.isEmpty)
    guard let metadata = NodeMetadata(object) else { return }
    precondition(!metadata.isOlder(than: metadata))
    var found = reader.read(metadata.annotations, at: Clock.Wall(seconds: 1_795_492_800))
    precondition(found.timed.allSatisfy { !$0.sentence.isEmpty })
    // Ends that have passed take their overrides away, and nothing else ever does.
    let later = reader.reading(at: Clock.Wall(seconds: 300_000_000_000))
    precondition(later.nextEnd == nil && (later.wishes == found.wishes || !found.timed.isEmpty))
    var wishes = found.wishes
    found.rejected += wishes.fit(policy, devices)
    for override in found.rejected { precondition(!override.why.isEmpty && !override.instead.isEmpty) }
    let decision = decide(devices: devices, policy: policy, reading: reading, overrides: wishes)
    guard !wishes.paused else { return precondition(decision.devices.isEmpty) }
    var sum = Microwatts.zero
    for (limit, device) in zip(decision.devices, devices) {
        sum = sum + limit.longTerm
        precondition(limit.longTerm >= device.longTerm.floor && limit.longTerm <= device.longTerm.ceiling)
    }
    precondition(sum <= decision.nodeLimit)
    precondition(wishes.limit == nil || decision.floorsExceedBudget || decision.nodeLimit <= wishes.limit!)
}

private let policy = PowerPolicy()
private let reading = SourceReading(.watts(200))
private let devices = (0..<2 as Range<UInt32>).map { number in
    let range = Device.LimitRange(index: 0, floor: .watts(10), ceiling: .watts(165), original: .watts(150))
    return Device(
        name: DeviceName(package: number), zone: "intel-rapl:\(number)", reference: .watts(165), longTerm: range, shortTerm: nil)
}
