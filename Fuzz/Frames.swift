// Frames: any bytes are refused or decode to a message, and a message has one encoding.
// With Tests/ProtocolTests/Message.swift
import PowercapProtocol

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer's input is valid for the call, and `count` is its size.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    check(input)
    // A length field that fits, or hardly any input would reach the payload's decoder.
    if count >= Frame.headerBytes {
        let length = UInt32(count - 4)
        check((0..<4).map { UInt8(truncatingIfNeeded: length >> UInt32(8 * $0)) } + input[4...])
    }
    if let name = Name(input.span) { precondition(name.count == count && name.string.utf8.elementsEqual(input)) }
    if let power = Microwatts(parsing: input.span) { checkRounding(power) }
    return 0
}

private func check(_ frame: [UInt8]) {
    do throws(ProtocolError) {
        let message = try Message(decoding: frame)
        // Only the sentence of an Error isn't kept: encoding writes the code's own.
        guard case .failure(let failure, _) = message.body else {
            precondition(message.encoded == frame, "two frames mean the same")
            return
        }
        guard case .failure(failure, _) = try Message(decoding: message.encoded).body else { preconditionFailure() }
    } catch { _ = error.explanation }
}

private func checkRounding(_ power: Microwatts) {
    precondition(!(power < power.roundedDown) && power - power.roundedDown < Microwatts.step)
    precondition(!(power.roundedUp < power) && power.roundedUp - power < Microwatts.step)
}
