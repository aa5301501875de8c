// The state file: any bytes are refused or decode to a state, which encodes within the size that is set aside for it.
import LinuxSystem
import PowercapProtocol

@testable import raplhelper

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input is valid for the call, and `count` is its size.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    check(input)
    // The same with a checksum that fits, or hardly any change of the input would get beyond it.
    var sum = Message(capacity: 32)
    sum.append("checksum ")
    sum.appendHexadecimal(Checksum.of(input.span), digits: 16)
    sum.append("\n")
    check(input + sum.bytes)
    _ = wholeNumber(input.span)
    _ = try? firstNumber(input.span)
    return 0
}

private func check(_ bytes: [UInt8]) {
    guard let state = try? SavedState(decoding: bytes.span) else { return }
    let encoded = encode(state)
    precondition(encoded.count <= state.encodedBytes)
    guard let again = try? SavedState(decoding: encoded.span) else { preconditionFailure("what was saved can't be read") }
    precondition(encode(again) == encoded)
    precondition(again.bootID == state.bootID && again.generation == state.generation)
    for (one, other) in zip(again.records, state.records) {
        precondition(one.zone.id == other.zone.id && one.zone.isCalledLike(other.zone) && one.index == other.index)
        precondition(one.constraintName == other.constraintName && one.original == other.original)
        precondition(one.change == other.change)
    }
}

private func encode(_ state: SavedState) -> [UInt8] {
    var text = Message(capacity: 0)
    state.encode(into: &text)
    return text.bytes
}
