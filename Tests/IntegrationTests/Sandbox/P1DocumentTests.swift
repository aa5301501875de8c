import Documents
import Foundation
import Glibc
import LinuxSystem
import Testing

/// docs/security.md against the code, the tests and a running helper.
@Suite("P1: docs/security.md")
struct P1DocumentTests {
    let tree: TemporaryTree
    let document: Document

    init() throws {
        tree = try TemporaryTree()
        document = try Document(page: "docs/security.md")
    }

    @Test("its system calls are those of the filter")
    func systemCalls() {
        let names = document.table("System calls", startingWith: "system call").map {
            // What x86-64 calls otherwise.
            SystemCalls.allowed[$0[0]] == nil ? ["poll": "ppoll", "epoll_wait": "epoll_pwait"][$0[0]] ?? $0[0] : $0[0]
        }
        #expect(names.count == SystemCalls.allowed.count && Set(names) == Set(SystemCalls.allowed.keys))
    }

    @Test("its attempts are those that are tried")
    func attempts() {
        let rows = Attempt.all.map { attempt in
            let rest = attempt.asUser == attempt.asRoot ? attempt.asUser : "\(attempt.asUser), uid 0: \(attempt.asRoot)"
            return [attempt.name, attempt.landlock.map { "\($0.answer) (Landlock \($0.since))" } ?? rest, rest]
        }
        #expect(document.table("What each layer answers", startingWith: "attempt") == rows)
    }

    @Test(
        "a running helper has the status that the document lists",
        .enabled(if: Conditions.isRoot && !Conditions.sandboxIsHidden, Conditions.root), arguments: [1, 2])
    func status(_ column: Int) throws {
        let helper = try tree.startHelper(through: column == 2 ? Conditions.dropAll : [])
        let status = try helper.status()
        let rows = document.table("The running helper", startingWith: "field of /proc/PID/status")
        #expect(rows.count == 11)
        for row in rows { #expect(status[row[0]] == row[column], "\(row[0])") }
    }

    @Test(
        "a running helper has the descriptors that the document lists, and no other",
        .enabled(if: Conditions.isRoot, Conditions.root))
    func descriptors() throws {
        let helper = try tree.startHelper()
        var rows = document.table("Descriptors", startingWith: "descriptor").map { row in
            let pattern = row[0].replacing("`", with: "").replacing("POWERCAP_ROOT", with: tree.root)
            return (pattern: pattern.replacing("STATE_DIR", with: tree.stateDirectory), access: row[1], isSeen: false)
        }
        for (number, link) in try helper.descriptors() where number > 2 {
            guard let index = rows.firstIndex(where: { unsafe fnmatch($0.pattern, link, 0) == 0 }) else {
                Issue.record("\(link) isn't in the document")
                continue
            }
            rows[index].isSeen = true
            let isReadOnly = try accessMode(of: number, in: helper) == O_RDONLY
            #expect(isReadOnly == (rows[index].access == "reading"), "\(link)")
        }
        for row in rows { #expect(row.isSeen, "\(row.pattern)") }
    }

    private func accessMode(of number: Int, in helper: HelperProcess) throws -> Int32 {
        let info = try Files.text("/proc/\(helper.pid)/fdinfo/\(number)").split(separator: "\n")
        let flags = try #require(info.first { $0.hasPrefix("flags:") }?.split(whereSeparator: \.isWhitespace).last)
        return try #require(Int32(flags, radix: 8)) & O_ACCMODE
    }

    @Test("every test that it names exists")
    func names() throws {
        var files: [String: String] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: "\(Repository.root)/Tests") {
            files[(path as NSString).lastPathComponent] = path
        }
        let rows = document.tables(startingWith: ["it", "they"]).filter { $0.count == 2 }
        #expect(rows.count >= 25)
        for row in rows {
            let parts = row[1].split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2, let path = files[parts[0]] else {
                Issue.record("\(row[1]): there is no such file")
                continue
            }
            // Whole: a name that has become longer is another sentence.
            let name = parts[0].hasSuffix(".py") ? "def \(parts[1])(self" : "\"\(parts[1])\""
            #expect(try Repository.text("Tests/\(path)").contains(name), "\(row[1])")
        }
    }

    @Test("it has no table without a head that is checked")
    func heads() {
        let heads = ["it", "they", "field of /proc/PID/status", "descriptor", "system call", "attempt"]
        #expect(document.heads.allSatisfy(heads.contains))
    }
}
