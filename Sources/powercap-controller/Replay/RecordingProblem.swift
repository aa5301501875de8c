internal import LinuxSystem
internal import Text

/// What is wrong with a file of samples.
enum RecordingProblem: FileProblem, Error, Equatable, Sendable {
    case absent
    case denied
    case notAFile
    case unreadable(Errno)
    case tooLarge
    case noRecording
    case unknownFormat(String)
    case tooFew
    /// A line, counted from 1.
    case line(Int, LineProblem)

    enum LineProblem: Equatable, Sendable {
        case notText
        case noDevice(String)
        case sameDevice(String)
        /// What the names should be; empty where that isn't known either.
        case noNames(String)
        case fields(Int, expected: Int)
        case noTime(String)
        case noPower(String)
        case otherDevices
    }

    /// What follows the flag's name and value in the sentence.
    var words: String {
        let remedy = "give what `powercap-controller record` wrote"
        return switch self {
        case .absent: "does not exist: \(remedy), or - for standard input"
        case .denied: "may not be read by this user: change its mode or its owner"
        case .notAFile: "is no file, but a FIFO, a device or a socket: \(remedy) in a file, or - for standard input"
        case .unreadable(let errno): "can't be read: \(errno.explanation) (\(errno.name))"
        case .tooLarge: "is larger than \(RecordingFile.largest >> 20) MiB: record with a longer --interval, or give a part of it"
        case .noRecording: "doesn't begin as a recording: \(remedy)"
        case .unknownFormat(let number):
            "has format \(quoted(number)), and this program reads format \(RecordingFile.format): use the version that recorded it"
        case .tooFew: "has fewer than two samples: record for longer"
        case .line(let line, let problem): "has a mistake in line \(line): \(problem.words)"
        }
    }
}

extension RecordingProblem.LineProblem {
    fileprivate var words: String {
        switch self {
        case .notText: "this is not text in UTF-8"
        case .noDevice(let text): "\(quoted(text)) says nothing of a device that can be used: give the file as it was recorded"
        case .sameDevice(let name): "\(quoted(name)) is described for a second time: give the file as it was recorded"
        case .noNames(let names):
            names.isEmpty ? "a line about each device is missing before it" : "the columns aren't \(quoted(names))"
        case .fields(let count, let expected): "it has \(count == 1 ? "1 field" : "\(count) fields") instead of \(expected)"
        case .noTime(let text): "\(quoted(text)) is no time as in 2026-06-21T12:00:02.000Z"
        case .noPower(let text): "\(quoted(text)) is no power in microwatts"
        case .otherDevices: "another recording begins here, whose devices are others: give one of them"
        }
    }
}
