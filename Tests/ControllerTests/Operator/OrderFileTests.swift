import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import powercap_controller

struct OrderFileTests {
    private let directory: TemporaryDirectory
    private var socket: String { "\(directory.path)/control.sock" }
    private var path: String { "\(socket).orders" }
    private var file: OrderFile { OrderFile(beside: socket, bootID: (1, 2)) }

    init() throws { directory = try TemporaryDirectory() }

    private static var orders: Orders {
        var orders = Orders()
        orders.put(.limit(90, uid: 1_000, reason: "\"quoted\"\n\u{202E}ü", for: nil))
        orders.put(.pause(end_ns: UInt64.max))
        return orders
    }

    @Test("what was written is read, in the same boot and in no other")
    func roundTrip() throws {
        #expect(try file.read() == Orders())
        try file.write(Self.orders)
        #expect(try file.read() == Self.orders)
        #expect(try OrderFile(beside: socket, bootID: (1, 3)).read() == Orders())
        try file.write(Orders())
        #expect(try file.read() == Orders())
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    @Test("every damage is damage, and never fewer orders", arguments: 0..<12)
    func damaged(_ seed: UInt64) throws {
        try file.write(Self.orders)
        let whole = try Data(contentsOf: URL(filePath: path))
        var random = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            var bytes = whole
            if seed % 2 == 0 {
                bytes = bytes.prefix(Int.random(in: 0..<(whole.count - 1), using: &random))
            } else {
                bytes[Int.random(in: 0..<whole.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            try bytes.write(to: URL(filePath: path))
            guard let found = try? file.read() else { continue }
            // Another digit or letter is another order, or another boot's, of which nobody is left.
            #expect(
                found.standing.count == 2 || found == Orders() && !bytes.starts(with: Data("{\"format\":1,\"boot\":\"1-2\"".utf8))
            )
        }
    }

    @Test("a link, a directory, a FIFO, and a file that others may write are not believed")
    func foreign() throws {
        try file.write(Self.orders)
        try FileManager.default.moveItem(atPath: path, toPath: "\(directory.path)/elsewhere")
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "\(directory.path)/elsewhere")
        #expect(throws: SavedFile.Problem.self) { try file.read() }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(throws: SavedFile.Problem.self) { try file.read() }
        try FileManager.default.removeItem(atPath: path)
        #expect(unsafe mkfifo(path, 0o600) == 0)
        #expect(throws: SavedFile.Problem.damaged) { try file.read() }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: "\(directory.path)/elsewhere", toPath: path)
        #expect(try file.read() == Self.orders)
        #expect(unsafe chmod(path, 0o666) == 0)
        #expect(throws: SavedFile.Problem.damaged) { try file.read() }
    }

    @Test("where nothing can be written the error says so, and what was saved stays")
    func full() throws {
        try file.write(Self.orders)
        #expect(throws: Errno.self) { try OrderFile(beside: "/proc/nothing/control.sock", bootID: (1, 2)).write(Self.orders) }
        #expect(try file.read() == Self.orders)
    }
}
