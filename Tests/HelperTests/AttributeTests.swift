import LinuxSystem
import Testing

@testable import raplhelper

@Suite("A sysfs file that holds a number")
struct AttributeTests {
    let directory: TemporaryDirectory
    var path: String { "\(directory.path)/value" }

    init() throws { directory = try TemporaryDirectory() }

    @Test(
        "is read as the decimal number of its first line",
        arguments: [
            ("0\n", 0), ("150000000\n", 150_000_000), ("150000000", 150_000_000), ("007\n", 7),
            ("18446744073709551615\n", .max), ("90000000\n0\n", 90_000_000), ("5\nnonsense", 5),
        ] as [(String, UInt64)])
    func numbers(_ text: String, _ value: UInt64) throws {
        try put(text, in: path)
        let attribute = Attribute(try Descriptor(opening: path, .read))
        #expect(try attribute.read() == value)
    }

    @Test(
        "that holds anything else is refused, never read as 0",
        arguments: [
            "", "\n", "-1\n", "+1\n", " 1\n", "1 \n", "1e8\n", "0x10\n", "12a\n", "1.5\n", "\u{0}\n", "1\u{0}\n",
            "18446744073709551616\n", "99999999999999999999999999999999999999\n", "１\n",
        ])
    func nonsense(_ text: String) throws {
        try put(text, in: path)
        let attribute = Attribute(try Descriptor(opening: path, .read))
        #expect(throws: Errno.badMessage) { try attribute.read() }
    }

    @Test("takes a value in one write, with a newline", arguments: [0, 7, 60_000_000, UInt64.max])
    func writes(_ value: UInt64) throws {
        try put("1\n", in: path)
        let attribute = Attribute(try openForAppending(path))
        try attribute.write(value)
        #expect(try contents(path) == Array("1\n\(value)\n".utf8))
    }

    @Test("reads back what was written over a longer value")
    func shorterOverLonger() throws {
        try put("150000000\n", in: path)
        let attribute = Attribute(try Descriptor(opening: path, .readWrite))
        try attribute.write(90_000_000)
        #expect(try attribute.read() == 90_000_000)
    }

    @Test("gives a fresh value at every read")
    func fresh() throws {
        try put("1\n", in: path)
        let attribute = Attribute(try Descriptor(opening: path, .read))
        #expect(try attribute.read() == 1)
        try put("2\n", in: path)
        #expect(try attribute.read() == 2)
    }

    @Test("passes on the kernel's errno")
    func errno() throws {
        try put("1\n", in: path)
        let attribute = Attribute(try Descriptor(opening: path, .read))
        #expect(throws: Errno(9)) { try attribute.write(2) }  // EBADF: it isn't open for writing
    }
}
