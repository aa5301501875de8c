// Signals: whatever a service answers, or a path, a time, a table or a zone's file says, is refused or understood: paths read back as
// they are, times are in order, values are finite.
// At most 4096 bytes
@testable import Signals

private let readers = [
    reader("$.data[*].value", time: "$.data[*].time"), reader("$.v[*][1]", time: "$.v[*][0]", stamp: .end),
    reader("$.v[*][1]", time: "$.v[*][0]", step: "$.v[*][2]", stamp: .end), reader("$.result.*", time: "key"),
    reader("$[0].v[*].p[?@.t=='x'].v[0]", start: "$[0].start", step: "$[0].step"),
    reader("$.*[*]", time: "$.*[*]"), reader("$.state"),
    SignalReader(
        .table(TableShape(Table.Columns(time: ["t"], value: ["v"], only: [Table.Filter("f", ["", "1"])]))), factor: -1e300),
    SignalReader(.table(TableShape()), nulls: .zero, zone: .centralEurope),
]

private func reader(
    _ value: String, time: String? = nil, start: String? = nil, step: String? = nil, stamp: SignalReader.Stamp = .start
) -> SignalReader {
    func path(_ text: String) -> SignalPath {
        guard let path = try? SignalPath(text) else { preconditionFailure("this is a path") }
        return path
    }
    let shape = DocumentShape(
        value: path(value), time: time.map { $0 == "key" ? .key : .path(path($0)) }, start: start.map(path),
        steps: step.map { [.path(path($0))] } ?? [])
    return SignalReader(.document(shape), factor: 1e300, stamp: stamp, zone: .centralEurope)
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input is valid for the call, and `count` is its size.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let kind = input.first else { return 0 }
    let rest = Array(input.dropFirst())
    switch kind % 4 {
    case 0: if let text = String(validating: rest, as: UTF8.self) { checkPath(text) }
    case 1: if let text = String(validating: rest, as: UTF8.self) { checkTime(text) }
    case 2: checkZone(rest)
    default: for reader in readers { checkSignal(reader, rest) }
    }
    return 0
}

private func checkPath(_ text: String) {
    do throws(SignalPath.Problem) {
        let path = try SignalPath(text)
        precondition((try? SignalPath(path.text)) == path)
    } catch { precondition(1...text.unicodeScalars.count + 1 ~= error.position && !error.words.isEmpty) }
}

private func checkTime(_ text: String) {
    if case .instant(let seconds)? = SignalTime(text) { precondition(SignalTime(SignalTime.text(seconds)) == .instant(seconds)) }
    if case .wall(let wall)? = SignalTime(text) { precondition(SignalZone.centralEurope.instants(of: wall).count <= 2) }
    if let duration = SignalDuration(text) { precondition(duration.seconds > 0 && SignalDuration(duration.text) == duration) }
    _ = TableTime(text)
    _ = ZoneRule(parsing: Array(text.utf8))?.offset_s(at: 1_781_560_800)
}

private func checkZone(_ bytes: [UInt8]) {
    guard let zone = SignalZone(zoneFile: bytes) else { return }
    let wall = WallTime(year: 2026, month: 10, day: 25, hour: 2, minute: 30)
    precondition(1...2 ~= zone.instants(of: wall).count)
}

private func checkSignal(_ reader: SignalReader, _ bytes: [UInt8]) {
    switch try? reader.read(bytes) {
    case .now(let value): precondition(value?.isFinite ?? true)
    case .points(let points, let end):
        precondition(zip(points, points.dropFirst()).allSatisfy { $0.seconds < $1.seconds })
        precondition(points.allSatisfy { $0.value?.isFinite ?? true && $0.seconds > -1 << 60 })
        precondition(points.last.map { $0.seconds <= end } ?? true)
    case nil: break
    }
}
