internal import LinuxSystem
internal import Policy

/// The files of a directory whose names end in a date: `epex_data_2026-06-16.csv`. Others are passed over.
struct DatedFiles {
    struct File: Equatable {
        let day: LocalDay
        let name: String
    }

    /// The newest that isn't after the first day that is asked for, and those of the days behind it, in their order.
    let files: [File]

    /// - Returns: nil where the path names no directory.
    init?(of path: String, from first: LocalDay, through last: LocalDay) throws(DataProblem) {
        var all: [File] = []
        // Whatever else it is says what is wrong with it when it is read.
        guard DatedFiles.isDirectory(path) else { return nil }
        do throws(Errno) {
            let directory = try Descriptor(opening: path, .readThroughLinks)
            all = try directory.entries().compactMap { name in DatedFiles.day(of: name).map { File(day: $0, name: name) } }
        } catch { throw DataProblem(.failed(error)) }
        all.sort { ($0.day, $0.name) < ($1.day, $1.name) }
        if all.isEmpty { throw .noDays }
        for (one, other) in zip(all, all.dropFirst()) where one.day == other.day { throw .sameDay(one.name, other.name) }
        let begun = all.lastIndex { $0.day <= first } ?? 0
        files = all[begun...].filter { $0.day <= last }
        if files.isEmpty { throw .noDays }
    }

    static func isDirectory(_ path: String) -> Bool {
        do throws(Errno) { return try Descriptor(opening: path, .readThroughLinks).isDirectory } catch { return false }
    }

    private static func day(of name: String) -> LocalDay? {
        guard name.utf8.count >= 14, name.hasSuffix(".csv"), !name.hasPrefix(".") else { return nil }
        return LocalDay(String(name.dropLast(4).suffix(10)))
    }
}
