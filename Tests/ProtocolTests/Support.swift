import Documents
import Foundation
import PowercapProtocol
import Testing

/// A frame of Tests/Fixtures/protocol/vectors.txt.
struct Vector: CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    var testDescription: String { name }

    static func all() throws -> [Vector] {
        try Repository.text("Tests/Fixtures/protocol/vectors.txt").components(separatedBy: "\n\n").dropFirst().map { block in
            var name = ""
            var digits = ""
            for line in block.split(separator: "\n") {
                if line.hasPrefix("name ") { name = String(line.dropFirst(5)) }
                if line.hasPrefix("hex  ") { digits += line.dropFirst(5).filter { $0 != " " } }
            }
            return Vector(name: name, bytes: try hex(digits))
        }
    }
}

/// The bytes that `text` spells in hexadecimal; spaces mean nothing.
func hex(_ text: String) throws -> [UInt8] {
    let digits = Array(text.filter { $0 != " " })
    try #require(digits.count % 2 == 0)
    return try stride(from: 0, to: digits.count, by: 2).map { try #require(UInt8(String(digits[$0...($0 + 1)]), radix: 16)) }
}

func name(_ text: String) -> Name { Name(text)! }

/// What decoding `bytes` as one frame throws, nil when it decodes.
func refusal(of bytes: [UInt8]) -> ProtocolError? {
    do throws(ProtocolError) {
        _ = try Message(decoding: bytes)
        return nil
    } catch { return error }
}

/// SplitMix64: the same numbers at every run (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
