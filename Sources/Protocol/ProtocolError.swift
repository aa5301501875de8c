/// What makes a frame unreadable. Each ends the connection.
public enum ProtocolError: UInt8, Error, CaseIterable, Sendable {
    case frameTooShort
    case frameTooLong
    case unknownType
    case unknownFlags
    case payloadLength
    case truncated
    case trailingBytes
    case badMagic
    case badText
    case badValue
    case outOfPhase

    public var explanation: StaticString {
        switch self {
        case .frameTooShort: "a frame shorter than its own header"
        case .frameTooLong: "a frame longer than 64 KiB"
        case .unknownType: "a frame of a type that isn't in the table"
        case .unknownFlags: "a frame with flags set"
        case .payloadLength: "a payload of a length that its type can't have"
        case .truncated: "a payload that ends inside a field"
        case .trailingBytes: "a payload with bytes after its last field"
        case .badMagic: "a Hello without the magic number"
        case .badText: "a name that is empty, too long or not printable ASCII"
        case .badValue: "a field with a value that it can't have"
        case .outOfPhase: "a frame that may not be sent now"
        }
    }
}
