internal import Kubernetes
internal import LinuxSystem
internal import Policy
internal import PowercapProtocol
internal import Text

/// A recording as text: lines about the devices, a line of names, and a line for each sample. docs/formats.md describes it.
enum RecordingFile {
    static let format: UInt64 = 1
    /// Of two devices a week of samples every 2 s has 25 MB.
    static let largest = 256 << 20

    /// Its column stands behind the devices', where there is a meter.
    private static let meterColumn = "server_power_uw"
    private static let title = "# powercap-controller record, format "

    // MARK: Writing

    /// What comes before the samples.
    static func head(_ devices: [Device], hasMeter: Bool = false) -> [UInt8] {
        var output = Output()
        output.append("\(title)\(format)\n")
        for device in devices { output.append("# \(device.recorded)\n") }
        output.append(names(devices) + (hasMeter ? ",\(meterColumn)" : ""))
        output.append("\n")
        return output.bytes
    }

    private static func names(_ devices: [Device]) -> String {
        devices.reduce("time") { $0 + ",\($1.name.column)_power_uw,\($1.name.column)_limit_uw" }
    }

    /// One line.
    static func line(_ sample: Recording.Sample, hasMeter: Bool = false) -> [UInt8] {
        var output = Output()
        output.append(Timestamp.milliseconds(sample.time_ms))
        for device in sample.devices {
            output.append(",")
            if let power = device.power { output.append(power) }
            output.append(",")
            if let limit = device.limit { output.append(limit) }
        }
        if hasMeter {
            output.append(",")
            if let server = sample.server { output.append(server) }
        }
        output.append("\n")
        return output.bytes
    }

    // MARK: Reading

    /// What a file gave.
    struct Content: Equatable {
        var recording: Recording
        /// How many samples aren't later than those before them, and were passed over: the clock was set.
        var notLater = 0
        /// The last line has no end, because whoever wrote it was ended: it was passed over.
        var isCutOff = false
    }

    /// - Parameter path: `-` is standard input.
    static func read(_ path: String) throws(RecordingProblem) -> Content {
        let bytes: [UInt8]
        do throws(GivenFile.Problem) {
            bytes = try path == "-" ? GivenFile.standardInput(atMost: largest) : GivenFile.contents(of: path, atMost: largest)
        } catch { throw RecordingProblem(error) }
        if bytes.count > largest { throw .tooLarge }
        return try parse(bytes)
    }

    static func parse(_ bytes: [UInt8]) throws(RecordingProblem) -> Content {
        var lines = Lines(bytes)
        var content = Content(recording: try head(&lines))
        let empty = content.recording
        while let line = lines.next() {
            guard lines.isEnded else {
                content.isCutOff = true
                break
            }
            if line.isEmpty { continue }
            // Several recordings of the same devices, one behind the other, are one.
            if line.first == UInt8(ascii: "#") {
                lines.back()
                guard try head(&lines) == empty else { throw .line(lines.number, .otherDevices) }
                continue
            }
            if !content.recording.add(try sample(line, lines.number, empty)) { content.notLater += 1 }
        }
        if content.recording.samples.count < 2 { throw .tooFew }
        return content
    }

    private static func head(_ lines: inout Lines) throws(RecordingProblem) -> Recording {
        guard let first = lines.next()?.text, first.hasPrefix(title) else { throw .noRecording }
        guard let number = UInt64(first.dropFirst(title.utf8.count)), number == format else {
            throw .unknownFormat(String(first.dropFirst(title.utf8.count)))
        }
        var devices: [Device] = []
        while let line = lines.next() {
            guard let text = line.text else { throw .line(lines.number, .notText) }
            if text.hasPrefix("# ") {
                guard let device = Device(recorded: text.dropFirst(2)) else { throw .line(lines.number, .noDevice(text)) }
                if devices.contains(where: { $0.name == device.name }) {
                    throw .line(lines.number, .sameDevice(device.name.text))
                }
                devices.append(device)
            } else if !devices.isEmpty, text == names(devices) {
                return Recording(devices)
            } else if !devices.isEmpty, text == "\(names(devices)),\(meterColumn)" {
                return Recording(devices, hasMeter: true)
            } else {
                throw .line(lines.number, .noNames(devices.isEmpty ? "" : names(devices)))
            }
        }
        throw .noRecording
    }

    private static func sample(_ line: ArraySlice<UInt8>, _ number: Int, _ recording: Recording) throws(RecordingProblem)
        -> Recording.Sample
    {
        let expected = 1 + 2 * recording.devices.count + (recording.hasMeter ? 1 : 0)
        let fields = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        if fields.count != expected { throw .line(number, .fields(fields.count, expected: expected)) }
        guard let text = fields[0].text, let time = Timestamp.moment(text) else {
            throw .line(number, .noTime(String(decoding: fields[0], as: UTF8.self)))
        }
        var readings: [Recording.Reading] = []
        for (index, device) in recording.devices.enumerated() {
            let (drawn, limit) = (fields[1 + 2 * index], fields[2 + 2 * index])
            readings.append(
                Recording.Reading(power: try power(drawn, number, device.most), limit: try power(limit, number, device.most)))
        }
        let server = recording.hasMeter ? try power(fields[expected - 1], number, .mostOfDevice) : nil
        return Recording.Sample(
            time_ms: time.seconds * 1_000 + Int64(time.nanoseconds / 1_000_000), devices: readings, server: server)
    }

    /// Nothing is a power that isn't known.
    private static func power(_ field: ArraySlice<UInt8>, _ number: Int, _ most: Microwatts) throws(RecordingProblem)
        -> Microwatts?
    {
        if field.isEmpty { return nil }
        guard let value = field.text.flatMap({ UInt64($0) }), value <= most.rawValue else {
            throw .line(number, .noPower(String(decoding: field, as: UTF8.self)))
        }
        return Microwatts(value)
    }
}

/// A text's lines, counted from 1, without their ends.
private struct Lines {
    private let bytes: [UInt8]
    private var position = 0
    private var last = 0
    private(set) var number = 0
    /// Whether the last one has an end.
    private(set) var isEnded = true

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() -> ArraySlice<UInt8>? {
        if position == bytes.count { return nil }
        last = position
        number += 1
        let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n"))
        isEnded = end != nil
        let line = bytes[position..<(end ?? bytes.count)]
        position = end.map { $0 + 1 } ?? bytes.count
        return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    }

    /// The last one comes again.
    mutating func back() { (position, number) = (last, number - 1) }
}

extension ArraySlice<UInt8> {
    fileprivate var text: String? { String(validating: self, as: UTF8.self) }
}
