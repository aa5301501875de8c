import CSandbox
import LinuxSystem
import PowercapProtocol

/// The thread that reads and writes a zone's files where its driver may let its caller wait, for a second or for ever.
@safe final class ZoneThread {
    /// It lasts as long as the process, as a thread does.
    private let worker: OpaquePointer

    /// - Parameters:
    ///   - done: the descriptor that becomes readable when something was carried out.
    ///   - apart: whether it is a process, which nobody waits for who waits for this one.
    init(of zone: Zone, done: Int32, apart: Bool) throws(Errno) {
        guard let worker = unsafe cs_worker_new(done, apart) else { throw .noSpace }
        unsafe self.worker = worker
        if let sleep = zone.sleep { unsafe cs_worker_set_file(worker, cs_worker_status.rawValue, sleep.descriptorNumber) }
        unsafe cs_worker_set_file(worker, cs_worker_reading.rawValue, zone.reading.descriptorNumber)
        for (position, constraint) in zone.constraints.enumerated() {
            set(cs_worker_limit, constraint.limit.descriptorNumber, position)
            set(cs_worker_minimum, constraint.minimum.descriptorNumber, position)
            set(cs_worker_maximum, constraint.maximum.descriptorNumber, position)
        }
        let result = unsafe cs_worker_start(worker)
        if result < 0 { throw Errno(-result) }
    }

    private static func file(_ file: cs_worker_file, _ position: Int) -> UInt32 {
        file.rawValue + UInt32(position) * UInt32(cs_worker_stride)
    }

    private func set(_ file: cs_worker_file, _ number: Int32, _ position: Int) {
        unsafe cs_worker_set_file(worker, ZoneThread.file(file, position), number)
    }

    /// Nothing can be asked of it then.
    var isBusy: Bool { unsafe cs_worker_is_busy(worker) }

    /// Reads everything.
    /// - Parameter wakes: whether also where the device sleeps.
    func look(wakes: Bool) { unsafe cs_worker_look(worker, wakes) }

    /// Writes a limit, and then reads everything.
    func write(_ limit: Microwatts, to position: Int, of zone: Zone) {
        var line = InlineArray<21, UInt8>(repeating: 0)
        let count = zone.constraints[position].driver.limitFormat.line(of: limit.rawValue, &line)
        // SAFETY: the shim copies `count` bytes, of which the line has as many.
        unsafe line.span.withUnsafeBufferPointer {
            unsafe cs_worker_write(worker, ZoneThread.file(cs_worker_limit, position), $0.baseAddress, UInt32(count))
        }
    }

    /// What became of the last write; nil where it succeeded.
    func failure(of constraint: Constraint) -> Errno? {
        let result = unsafe cs_worker_written(worker)
        return result < 0 ? constraint.driver.limitFormat.meaning(ofWrite: Errno(-result)) : nil
    }

    /// What was read of the zone's reading.
    func reading(_ format: Attribute.Format) -> Reading { value(of: cs_worker_reading.rawValue, format) }

    /// What was read of a limit.
    func limit(_ position: Int, of constraint: Constraint) -> Reading {
        value(of: ZoneThread.file(cs_worker_limit, position), constraint.driver.limitFormat)
    }

    /// What was read of the least and the most that the driver takes, which doesn't change: it isn't read again.
    func bounds(_ position: Int, of constraint: Constraint) -> (minimum: Reading, maximum: Reading) {
        defer {
            set(cs_worker_minimum, -1, position)
            set(cs_worker_maximum, -1, position)
        }
        let format = constraint.driver.limitFormat
        return (
            value(of: ZoneThread.file(cs_worker_minimum, position), format),
            value(of: ZoneThread.file(cs_worker_maximum, position), format)
        )
    }

    private func value(of file: UInt32, _ format: Attribute.Format) -> Reading {
        var text = InlineArray<32, UInt8>(repeating: 0)
        var span = text.mutableSpan
        // SAFETY: the shim writes at most 32 bytes.
        let count = unsafe span.withUnsafeMutableBufferPointer { unsafe cs_worker_text(worker, file, $0.baseAddress) }
        do throws(Errno) {
            if count < 0 { throw format.meaning(Errno(-count)) }
            return Reading(try format.value(of: text.span.extracting(0..<Int(count))))
        } catch { return Reading(errno: UInt8(clamping: error.number)) }
    }
}
