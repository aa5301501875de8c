internal import LinuxSystem

/// How much of the processors' time pods of best effort take, from the cgroup that the kubelet puts them in: cpu.stat of version 2
/// (Documentation/admin-guide/cgroup-v2.rst), which everybody may read where the tree is mounted.
final class BestEffortWatch {
    /// Between the last two looks, as a number of processors; nil where it isn't known.
    private(set) var busy: Double?
    /// Why not; nil where it is, and before the first look.
    private(set) var problem: Errno?
    private let directory: String
    private var last: (usage_us: UInt64, time_ns: UInt64)?

    /// As the kubelet calls it with systemd as its cgroup driver, with cgroupfs, and in kind's nodes.
    static let places = [
        "kubepods.slice/kubepods-besteffort.slice", "kubepods/besteffort",
        "kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice",
    ]
    private static let field = "usage_usec "

    /// - Parameter directory: where cgroups are.
    init(directory: String) { self.directory = directory }

    /// Looks what was used since the last time.
    /// - Parameter now_ns: on CLOCK_MONOTONIC.
    func look(_ now_ns: UInt64) {
        do throws(Errno) {
            let usage_us = try usage()
            (busy, problem) = (nil, nil)
            if let last, now_ns > last.time_ns, usage_us >= last.usage_us {
                busy = Double(usage_us - last.usage_us) * 1_000 / Double(now_ns - last.time_ns)
            }
            last = (usage_us, now_ns)
        } catch { (last, busy, problem) = (nil, nil, error) }
    }

    /// Of the first of the places that is there: a node has one of them.
    private func usage() throws(Errno) -> UInt64 {
        var absent = Errno.noEntry
        for place in BestEffortWatch.places {
            do throws(Errno) { return try usage("\(directory)/\(place)/cpu.stat") } catch {
                guard error == .noEntry else { throw error }
                absent = error
            }
        }
        throw absent
    }

    private func usage(_ path: String) throws(Errno) -> UInt64 {
        let file = try Descriptor(opening: path, .read)
        var bytes = [UInt8](repeating: 0, count: 1_024)
        let count = try file.read(into: &bytes, from: 0, atMost: bytes.count)
        for line in bytes[..<count].split(separator: UInt8(ascii: "\n")) where line.starts(with: BestEffortWatch.field.utf8) {
            if let usage = wholeNumber(Array(line.dropFirst(BestEffortWatch.field.utf8.count)).span) { return usage }
        }
        throw .badMessage
    }
}
